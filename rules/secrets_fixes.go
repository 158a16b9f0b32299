package rules

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

// fixConsolePassword makes a socket of the console, for which libvirt and the permissions of the
// socket decide who may connect. A password is not just deleted: a port would then be open to every
// user of the host.
func fixConsolePassword(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if p.Type == "xen" || p.VerdictIs("not-qemu") {
		return nil
	}
	device, _ := f.Path.Device()
	edits := dropped(p, device.Attr("passwd"), device.Attr("passwdValidTo"), device.Attr("connected"),
		device.Attr("port"), device.Attr("tlsPort"), device.Attr("autoport"), device.Attr("websocket"),
		device.Attr("listen"), device.Attr("socket"))
	edits = append(edits, p.Put(device, "listen", "<listen type='socket'/>"))
	for i := p.Count(device, "listen"); i > 1; i-- {
		edits = append(edits, edit.Remove(device.Elem("listen["+strconv.Itoa(i)+"]")))
	}
	// A socket has no TLS, and libvirt refuses modes that require it (virsh domxml-to-native,
	// libvirt 9.0: "spice defaultMode secure requested").
	if mode, _ := p.Attr(device.Attr("defaultMode")); mode == "secure" {
		edits = append(edits, edit.Remove(device.Attr("defaultMode")))
	}
	for c := range channelsOf(p, device) {
		if mode, _ := p.Attr(c.Attr("mode")); mode == "secure" {
			edits = append(edits, edit.Remove(c))
		}
	}
	safety, text := audit.Safe, "Let the console listen on a socket, which needs no password; viewers on other "+
		"hosts then connect through libvirt and SSH"
	if port, _ := p.Attr(device.Attr("port")); p.Has(device.Attr("websocket")) || port != "" && port != "-1" {
		safety, text = audit.Unsafe, text+"; programs that use its port lose it"
	}
	return []audit.Fix{
		{Safety: safety, Text: text, Edits: edits},
		audit.ManualFix("Authenticate clients by SASL or TLS certificates on the host, or let the " +
			"management software set a password for each session, and delete this one"),
	}
}

// fixRDPPassword deletes a password that qemu.conf has as well: without any, libvirt refuses to
// start the guest.
func fixRDPPassword(p *audit.Pass, f *audit.Finding) []audit.Fix {
	conf := p.Conf()
	if conf.String("rdp_username").Value == "" || conf.String("rdp_password").Value == "" {
		return nil
	}
	device, _ := f.Path.Device()
	return onlySafe("Delete user and password, so that those of qemu.conf apply",
		dropped(p, device.Attr("username"), device.Attr("passwd"))...)
}

func fixKernelSecret(p *audit.Pass, _ *audit.Finding) []audit.Fix {
	line, ok := withoutSecrets(p.OS.Cmdline)
	if !ok {
		return nil
	}
	at := audit.At("os/cmdline")
	text := edit.Set(at, line)
	if line == "" {
		text = edit.Remove(at)
	}
	return onlyUnsafe(deleteParameters, text)
}

const deleteParameters = "Delete the parameters that are secrets, after the guest has learnt to " +
	"read them from a disk, its TPM or a credential store"

// withoutSecrets returns a kernel's command line without the parameters and credentials that are
// secrets. ok is false if there is none, if the end of one is not certain, and if an address
// contains a password: without it the guest does not find its disk, and a fix must not show it.
func withoutSecrets(line string) (out string, ok bool) {
	var b strings.Builder
	for rest := line; rest != ""; {
		word := strings.TrimLeftFunc(rest, unicode.IsSpace)
		blank := rest[:len(rest)-len(word)]
		if end := strings.IndexFunc(word, unicode.IsSpace); end >= 0 {
			word = word[:end]
		}
		rest = rest[len(blank)+len(word):]
		keep := true
		for what := range secretParameters(word) {
			if what.kind != "parameter" && what.kind != "credential" {
				return "", false
			}
			keep = false
		}
		switch {
		case keep:
			b.WriteString(blank + word)
		case strings.Count(word, `"`)%2 == 1: // the value has a blank
			return "", false
		default:
			ok = true
		}
	}
	return strings.TrimSpace(b.String()), ok
}

func fixCredential(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if f.Key == "public" {
		return nil
	}
	const text = "Delete the credential, after the guest has got another way to it"
	other := audit.ManualFix(
		"Encrypt the credential with systemd-creds, release it after attestation, " +
			"or store it on a disk that only this guest has")
	if o, ok := p.OptionAt(f.Path); ok {
		return []audit.Fix{audit.UnsafeFix(text, withoutCredentials(o)...), other}
	}
	return []audit.Fix{audit.UnsafeFix(text, edit.Remove(withParent(p, f.Path))), other}
}

// withParent returns the path of an element, or of the list around it if that is the only element
// of the list: libvirt's schema has no empty lists.
func withParent(p *audit.Pass, at audit.Path) audit.Path {
	path := at.Attr("").String()
	i := strings.LastIndexByte(path, '/')
	name, number, _ := strings.Cut(path[i+1:], "[")
	if parent := audit.At(path[:i]); number == "1]" && !p.Has(parent.Elem(name+"[2]")) {
		return parent
	}
	return at
}

// withoutCredentials returns the edits that remove the secret credentials of an option -smbios, and
// the option if nothing else is in it.
func withoutCredentials(o audit.Option) []edit.Edit {
	more := false
	value := withItems(o.Value, func(item string) (string, bool) {
		entry, isValue := strings.CutPrefix(item, "value=")
		if name, ok := systemdCredential(entry); isValue && ok && !publicCredential(name) {
			return "", false
		}
		more = more || !strings.HasPrefix(item, "type=")
		return item, true
	})
	if !more {
		return edit.RemoveOption(o)
	}
	return []edit.Edit{edit.Set(o.At, value)}
}

// fixAddress is for a token in an address. A password there can become a secret of libvirt instead.
func fixAddress(_ *audit.Pass, f *audit.Finding) []audit.Fix {
	if f.Key != "presigned" && f.Key != "parameter" {
		return nil
	}
	return onlyManual(
		"Import the image, or use an address that requires no key or signature, " +
			"and delete this one then")
}

func fixCookie(p *audit.Pass, f *audit.Finding) []audit.Fix {
	return []audit.Fix{
		audit.ManualFix(
			"Import the image, or use an address that requires no cookie, and delete the cookie then"),
		audit.UnsafeFix("Delete the cookie; the guest does not start if the server still requires it",
			edit.Remove(withParent(p, f.Path))),
	}
}

func fixPassedSecret(p *audit.Pass, f *audit.Finding) []audit.Fix {
	o, ok := p.OptionAt(f.Path)
	if !ok {
		return nil
	}
	if o.Name == "append" {
		return fixPassedKernelSecret(o)
	}
	fixes := onlyManual(
		"Describe the device, disk or display in libvirt's elements, " +
			"which refer to a secret of libvirt, and delete the option")
	if o.Name == "object" {
		fixes[0].Text = "Store the secret in a file that only QEMU's user can read, " +
			"and pass file= instead of data="
	}
	if !usedByOthers(p, o) {
		fixes = append(fixes, audit.UnsafeFix("Delete the option; the guest loses what it adds",
			edit.RemoveOption(o)...))
	}
	return fixes
}

func fixPassedKernelSecret(o audit.Option) []audit.Fix {
	line, ok := withoutSecrets(o.Value)
	switch {
	case !ok:
		return onlyManual("Let the guest read the secret from a disk, its TPM or a " +
			"credential store, and delete it from -append")
	case line == "":
		return onlyUnsafe(deleteParameters, edit.RemoveOption(o)...)
	}
	return onlyUnsafe(deleteParameters, edit.Set(o.At, line))
}

// usedByOthers reports whether another option may refer to one by its name: QEMU would not start
// without it.
func usedByOthers(p *audit.Pass, o audit.Option) bool {
	for _, key := range []string{"id", "node-name"} {
		name, _ := o.Get(key)
		for _, other := range p.Command.Options {
			if name != "" && other.At != o.At && strings.Contains(other.Value, name) {
				return true
			}
		}
	}
	return false
}
