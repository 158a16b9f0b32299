package secret

import (
	"strings"
	"testing"
)

func TestInParameter(t *testing.T) {
	t.Parallel()
	for names, want := range map[string]bool{
		`password rd.iscsi.password inst.vncpassword rootpw sshpw cloud.pw wifi_pwd wifi.psk luks-passphrase db_pass
			aws_secret_access_key AWS_SECRET_ACCESS_KEY access_key accessKey sshPrivateKey ssh_private_key api-key apikey
			preshared.key k3s_token k3os.token authToken db_password_prod password2 secrets token_value client-secret
			passwd/root-password-crypted passwd/user-password app.encryption_key`: true,
		`token-timeout password-echo password_file secret.path aws_access_key_id token_url rd.luks.key keymap vconsole.keymap
			passwd/username passwd/user-fullname iommu.passthrough secretmem.enable hotkey ssh_authorized_keys public_key
			nopassword bypass pass.through trusted.source key auth compass pwm 2 . _ privatekeys`: false,
	} {
		for name := range strings.FieldsSeq(names) {
			if InParameter(name) != want {
				t.Errorf("InParameter(%q) is %t", name, !want)
			}
		}
	}
	if InParameter("") {
		t.Error("a parameter without a name is secret")
	}
}

// TestMarkedName requires that the value is hidden whatever other words the name has.
func TestMarkedName(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"a=b db_password_prod=canary c=d": "a=b db_password_prod=" + Hidden + " c=d",
		"token2=canary":                   "token2=" + Hidden,
		"auth=joe:canary":                 "auth=" + Hidden,
		"iommu.passthrough=1 x":           "iommu.passthrough=1 x",
		"vconsole.keymap=us":              "vconsole.keymap=us",
		"password_":                       "password_",
	} {
		if got := Mask(value); got != want {
			t.Errorf("Mask(%q) is %q, want %q", value, got, want)
		}
	}
}
