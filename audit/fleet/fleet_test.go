package fleet

import (
	"strings"
	"testing"
)

func TestPlace(t *testing.T) {
	for _, tt := range []struct {
		use  Use
		want string
	}{
		{Use{Domain: "web", Source: "a.xml", Line: 3, Column: 5}, "web (a.xml:3:5)"},
		{Use{Source: "a.xml"}, "a guest without a name (a.xml)"},
	} {
		if got := tt.use.Place(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestHashed(t *testing.T) {
	a, again, b := Hashed("secret"), Hashed("secret"), Hashed("Secret")
	if Hashed("") != "" || a != again || a == b || strings.Contains(a, "secret") {
		t.Errorf("not a hash: %q, %q, %q", a, again, b)
	}
}
