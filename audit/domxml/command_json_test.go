package domxml

import (
	"encoding/json"
	"testing"
)

// FuzzJSON reads arguments in braces. What the standard library refuses, in double quotes alone, QEMU's
// dialect may take; what both take as a flat object of strings has the same pairs.
func FuzzJSON(f *testing.F) {
	for _, text := range []string{
		`{"qom-type":"secret","id":"s"}`, `{'driver':"nvme",'a':{'b':[1,true,null]}}`, `{"a":"\u006e","b":-1.5e3}`, `{"a":`, `{}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pairs, err := decodeJSON(text)
		if err != nil {
			return
		}
		var flat map[string]string
		if json.Unmarshal([]byte(text), &flat) != nil || len(flat) != len(pairs) {
			return
		}
		for _, p := range pairs {
			if want, ok := flat[p.Key]; !ok || want != p.Value {
				t.Errorf("%q: %q is %q, want %q", text, p.Key, p.Value, want)
			}
		}
	})
}
