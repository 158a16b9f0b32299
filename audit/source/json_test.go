package source_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/virt-audit/virt-audit/audit/source"
)

func TestJSONError(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"", "f.json:1: not a list: invalid JSON: unexpected end"},
		{"{\n]", "f.json:2: not a list: invalid JSON: invalid character ']' looking for beginning of object key string"},
		{"[]", "f.json:1: not a list: must be an object, not an array"},
		{`{"number": 1.5}`, "f.json:1: not a list: number: must be an integer, not 1.5"},
		{`{"number": true}`, "f.json:1: not a list: number: must be an integer, not true or false"},
		{"{\n\n\"names\": [{}]}", "f.json:3: not a list: names: must be a string, not an object"},
		{`{"names": "a"}`, "f.json:1: not a list: names: must be an array, not a string"},
		{`{"inside": {"ok": 1}}`, "f.json:1: not a list: inside.ok: must be true or false, not a number"},
		{`{"size": ""}`, "f.json:1: not a list: size: must be a number, not a string"},
	} {
		var v struct {
			Number int      `json:"number"`
			Names  []string `json:"names"`
			Inside *struct {
				OK bool `json:"ok"`
			} `json:"inside"`
			Size float64 `json:"size"`
		}
		err := json.Unmarshal([]byte(c.text), &v)
		if err == nil {
			t.Fatalf("%q is valid", c.text)
		}
		if got := source.JSONError("f.json", []byte(c.text), "not a list", err); got.Error() != c.want || !errors.Is(got, err) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	if got := source.JSONError("", nil, "", errors.New(`json: unknown field "x"`)).Error(); got != `unknown field "x"` {
		t.Error(got)
	}
}
