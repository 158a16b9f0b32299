package domxml

import (
	"encoding/json"
	"testing"
)

// FuzzJSON decodes JSON arguments. QEMU's dialect accepts more than the standard library; a flat
// object of strings that both accept must have the same pairs.
func FuzzJSON(f *testing.F) {
	for _, text := range []string{
		`{"qom-type":"secret","id":"s"}`, `{'driver':"nvme",'a':{'b':[1,true,null]}}`, `{"a":"\u006e","b":-1.5e3}`, `{"a":`, `{}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pairs, err := DecodeJSON(text)
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
