package secret

import "testing"

// TestHarmlessName does not hide what libvirt knows to be harmless.
func TestHarmlessName(t *testing.T) {
	for _, attribute := range []string{"passthrough", "passwdValidTo", "listen", "keymap"} {
		if InName([]byte(attribute)) {
			t.Errorf("%s is hidden", attribute)
		}
	}
}
