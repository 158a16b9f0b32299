package host

import (
	"reflect"
	"testing"
)

// TestValue reads settings of every kind, from a file and without one.
func TestValue(t *testing.T) {
	c, err := ParseQEMUConf("qemu.conf", []byte(`user = "root"
vnc_password = "hunter2"
vnc_tls = 1
keepalive_count = 7
namespaces = [ ]
security_driver = "selinux"
max_core = "unlimited"
`))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string][2]any{ // the value in the file, and the default
		"user":            {"root", ""},
		"vnc_password":    {true, false},
		"vnc_tls":         {true, false},
		"keepalive_count": {int64(7), int64(5)},
		"namespaces":      {[]string{}, []string{"mount"}},
		"security_driver": {[]string{"selinux"}, []string(nil)},
		"max_core":        {int64(-1), int64(-1)},
	} {
		if got, set := c.Value(key); !set || !reflect.DeepEqual(normal(got), normal(want[0])) {
			t.Errorf("%s: %#v, set %t, want %#v", key, got, set, want[0])
		}
		if got, set := (*QEMUConf)(nil).Value(key); set || !reflect.DeepEqual(normal(got), normal(want[1])) {
			t.Errorf("%s by default: %#v, set %t, want %#v", key, got, set, want[1])
		}
	}
	for _, key := range c.Keys() {
		got, _ := c.Value(key)
		without, _ := (*QEMUConf)(nil).Value(key)
		if reflect.TypeOf(got) != reflect.TypeOf(without) {
			t.Errorf("%s is %T in one file and %T by default", key, got, without)
		}
	}
}

// normal replaces a nil list by an empty one.
func normal(v any) any {
	if list, ok := v.([]string); ok && len(list) == 0 {
		return []string{}
	}
	return v
}
