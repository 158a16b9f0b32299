package rules

import (
	"iter"
	"slices"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/secret"
)

// systemdCredential returns the name of the credential in an SMBIOS string. ok is false if there is
// none, or an empty one.
func systemdCredential(entry string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(entry), "io.systemd.credential")
	rest, ok2 := strings.CutPrefix(strings.TrimPrefix(rest, ".binary"), ":")
	name, value, _ := strings.Cut(rest, "=")
	return name, ok && ok2 && value != ""
}

// publicCredential reports whether a credential of systemd is a setting or a public key (source:
// systemd.system-credentials(7)).
func publicCredential(name string) bool {
	return slices.ContainsFunc(strings.Fields(`ssh.authorized_keys. ssh.ephemeral-authorized_keys vmm.notify_socket
		system.hostname system.machine_id firstboot.locale firstboot.keymap firstboot.timezone vconsole. sysctl.extra
		login.issue login.motd network.hosts network.dns network.search_domains`), func(known string) bool { return strings.HasPrefix(name, known) })
}

// isHarmlessValue reports whether a value is not a secret despite its name: a switch, a path, a
// reference.
func isHarmlessValue(value string) bool {
	switch strings.ToLower(value) {
	case "", "0", "1", "on", "off", "yes", "no", "y", "n", "true", "false", "none", "auto", "ask", "prompt":
		return true
	}
	if strings.HasPrefix(value, "ssh-") || strings.HasPrefix(value, "ecdsa-") { // a public key
		return true
	}
	return strings.HasPrefix(value, "/") || strings.HasPrefix(value, "file:") || strings.HasPrefix(value, "UUID=") || strings.HasPrefix(value, "LABEL=")
}

// kernelSecret is a secret in a kernel's command line: its kind, and a name that may be shown.
type kernelSecret struct{ kind, name string }

// String describes the secret for messages.
func (s kernelSecret) String() string {
	switch s.kind {
	case "address":
		return "user and password in an address"
	case "credential":
		return "credential '" + s.name + "'"
	case "target":
		return "user and password in '" + s.name + "'"
	}
	return "parameter '" + s.name + "'"
}

// secretParameters walks the secrets in a kernel's command line.
func secretParameters(line string) iter.Seq[kernelSecret] {
	return func(yield func(kernelSecret) bool) {
		for word := range strings.FieldsSeq(line) {
			name, value, ok := strings.Cut(strings.Trim(word, `"'`), "=")
			value = strings.Trim(value, `"'`)
			if name == "systemd.setenv" {
				name, value, ok = strings.Cut(value, "=")
			}
			var what kernelSecret
			switch {
			case containsUserinfo(word): // before the name, which may be part of the address
				what.kind = "address"
			case !ok:
			case name == "systemd.set_credential" || name == "systemd.set_credential_binary":
				if credential, v, _ := strings.Cut(value, ":"); v != "" && !publicCredential(credential) {
					what = kernelSecret{"credential", credential}
				}
			case strings.HasPrefix(value, "iscsi:") && hasPassword(strings.TrimPrefix(value, "iscsi:"), ":"): // dracut's netroot=
				what = kernelSecret{"target", name}
			case secret.InParameter(name) && !isHarmlessValue(value), strings.HasSuffix(name, "auth") && isLogin(value):
				what = kernelSecret{"parameter", name}
			}
			if what.kind != "" && !yield(what) {
				return
			}
		}
	}
}

// isLogin reports whether the value of "auth=" is a user and a password, and not the address of a
// server: "joe:password".
func isLogin(value string) bool {
	user, password, ok := strings.Cut(value, ":")
	return ok && user != "" && password != "" && !strings.HasPrefix(password, "/") && strings.Trim(password, "0123456789") != ""
}

// containsUserinfo reports whether text contains "scheme://user:password@". QEMU's iSCSI has a "%"
// for the colon.
func containsUserinfo(text string) bool {
	for {
		scheme, rest, ok := strings.Cut(text, "://")
		if !ok {
			return false
		}
		between := ":"
		if strings.HasSuffix(scheme, "iscsi") {
			between = ":%"
		}
		if hasPassword(rest, between) {
			return true
		}
		text = rest
	}
}

// hasPassword reports whether the authority at the start of text has a password: "user:password@".
// A user without a password, as in "ssh://root@host", is not a secret.
func hasPassword(text, between string) bool {
	if i := strings.IndexAny(text, "/?# \"'"); i >= 0 {
		text = text[:i]
	}
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return false
	}
	i := strings.IndexAny(text[:at], between)
	return i > 0 && i < at-1
}

// querySecret returns the first secret parameter of a query.
func querySecret(query string) (key string, signed bool) {
	for part := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(part, "=")
		name = strings.ToLower(name)
		if value == "" {
			continue
		}
		switch secret, expires := secret.InQuery(name); {
		case secret:
			return name, false
		case expires:
			key, signed = name, true
		}
	}
	return key, signed
}

// reportURLSecrets reports credentials in the parts of one disk source's address.
func reportURLSecrets(p *audit.Pass, at audit.Path, source *libvirtxml.DomainDiskSource) {
	judge := func(at audit.Path, name, query string) {
		if containsUserinfo(name) {
			p.Key("user-and-password").Reportf(at, "the source contains a user and password")
		}
		if name != "" {
			if _, after, ok := strings.Cut(name, "?"); ok {
				query = after
			}
		}
		switch key, signed := querySecret(query); {
		case signed:
			p.Key("presigned", key).ReportAs(audit.Medium, at, "the source is a presigned address: parameter '%s'", key)
		case key != "":
			p.Key("parameter", key).Reportf(at, "the source contains a secret in parameter '%s'", key)
		}
	}
	if f := source.File; f != nil {
		judge(at.Attr("file"), f.File, "")
	}
	n := source.Network
	if n == nil {
		return
	}
	judge(at.Attr("name"), n.Name, "")
	judge(at.Attr("query"), "", n.Query)
	if n.Protocol == "rbd" && rbdKey(n.Name) {
		p.Key("ceph-key").Reportf(at.Attr("name"), "the source contains a Ceph key")
	}
	for host, h := range audit.EachIn(at, "host", n.Hosts) {
		if hasPassword(h.Name, ":") || containsUserinfo(h.Name) {
			p.Reportf(host.Attr("name"), "the source's host name contains a user and password")
		}
	}
}

// rbdKey reports whether an RBD name contains an option with a key: "pool/image:id=admin:key=...".
func rbdKey(name string) bool {
	_, key, ok := strings.Cut(name, ":key=")
	return ok && key != ""
}

// passedSecret describes the secret in an option of QEMU's command line without showing it, or
// returns "". secret-smbios-credential reports credentials of systemd.
func passedSecret(o audit.Option) string {
	if o.Name == "append" {
		for what := range secretParameters(o.Value) {
			return "a secret of the guest's kernel: " + what.String()
		}
		return ""
	}
	if o.Name == "object" && strings.HasPrefix(o.First("qom-type"), "secret") {
		data, _ := o.Get("data")
		if _, encrypted := o.Get("keyid"); data != "" && !encrypted {
			return "a secret object with its data in clear text"
		}
		return ""
	}
	if o.Name == "" && containsUserinfo(o.Value) { // a disk image
		return "a user and password in an address"
	}
	for _, a := range o.Args {
		key := a.Key[strings.LastIndexByte(a.Key, '.')+1:]
		switch {
		case slices.Contains([]string{"password", "passwd", "passphrase"}, key) && !isHarmlessValue(a.Value):
			return "a password in '" + key + "'"
		case containsUserinfo(a.Value):
			return "a user and password in an address"
		case strings.Contains(a.Value, "rbd:") && rbdKey(a.Value):
			return "a Ceph key"
		}
	}
	return ""
}

// optionName returns an option's name for a message, or "an argument" if it does not look like a
// name.
func optionName(o audit.Option) string {
	if o.Name == "" || strings.Trim(o.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		return "an argument"
	}
	return "-" + o.Name
}
