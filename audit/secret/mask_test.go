package secret

import "testing"

// TestNotSecretName requires that names that libvirt defines as harmless are not secret.
func TestNotSecretName(t *testing.T) {
	for _, attribute := range []string{"passthrough", "passwdValidTo", "listen", "keymap"} {
		if InName([]byte(attribute)) {
			t.Errorf("%s is hidden", attribute)
		}
	}
}
