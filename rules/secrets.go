package rules

import (
	"iter"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
)

const (
	qemuSecrets = "https://www.qemu.org/docs/master/system/secrets.html"
	domainDisks = "https://libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms"
	accessRules = "https://libvirt.org/acl.html"
)

// secrets are found by their form and place; no message repeats one.
var secrets = []*audit.Rule{
	{
		ID:       "secret-graphics-passwd",
		Title:    "Console password in clear text",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `Everyone who can read this file, a backup of it, or the domain through libvirt with the right to see
secrets has the console's password. Such passwords are seldom changed and often shared between guests. A manager's
placeholder that expired in 1970 is no secret and is not reported. Where a password was masked or left out, the
rule cannot answer.`,
		Fix:  "Use SASL, set a ticket with an end while the guest runs, or listen where no password is needed:\n" + localVNC,
		Refs: []string{accessRules, qemuVNC, domainGraphics, "https://security.libvirt.org/2014/0007.html", "https://security.libvirt.org/2015/0001.html"},
		Check: func(p *audit.Pass) {
			for at, d := range displayServers(p, "VNC", "SPICE") {
				clearPassword(p, at, d)
			}
		},
	},
	{
		ID:       "secret-rdp-passwd",
		Title:    "RDP password in clear text",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `Everyone who can read this file, a backup of it, or the domain through libvirt with the right to see
secrets can log in to the guest's RDP console. A user name alone is no secret and is not reported. A password in
qemu.conf stands in clear text too, but in one file that only root needs to read.`,
		Fix: `Delete username and passwd from <graphics type='rdp'>, and set rdp_username and rdp_password in qemu.conf
$ virt-xml DOMAIN --edit type=rdp --graphics passwd=`,
		Refs: []string{domainGraphics, qemuConf},
		Check: func(p *audit.Pass) {
			if because(p, "not-qemu") {
				return // VirtualBox keeps none here
			}
			for at, d := range displayServers(p, "RDP") {
				clearPassword(p, at, d)
			}
		},
	},
	{
		ID:       "secret-kernel-cmdline",
		Title:    "Secret in the kernel's command line",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `The kernel's command line is shown to everyone: in the guest as /proc/cmdline and in its log, on the host
in the process list and in what libvirt shows without asking for secrets. Parameters are judged by name, so one
that is called a password but holds something else can be waived. Paths of key files and switches are not
reported.`,
		Fix: `Keep the parameter out of <cmdline>: let the guest read the secret from a disk, its TPM or a credential store.
$ virt-xml DOMAIN --edit --xml xpath.delete=./os/cmdline`,
		Refs: []string{qemuSecrets, "https://libvirt.org/formatdomain.html#direct-kernel-boot"},
		Check: func(p *audit.Pass) {
			const named = 8
			var seen once
			more := 0
			for what := range secretParameters(p.OS.Cmdline) {
				switch {
				case seen.has(what.String()):
				case len(seen.few) < named:
					seen.add(what.String())
					p.Key(what.kind, what.name).Reportf(audit.At("os/cmdline"), "the kernel's command line holds a secret: %s", what)
				default:
					more++
				}
			}
			if more > 0 {
				p.Key("more").Reportf(audit.At("os/cmdline"), "the kernel's command line holds more secrets: %d parameters", more)
			}
		},
	},
	{
		ID:       "secret-smbios-credential",
		Title:    "systemd credential passed in SMBIOS strings",
		Severity: audit.High,
		Profiles: every,
		Doc: `An SMBIOS string is part of this document and of QEMU's command line, which every user of the host can
read. The guest's systemd keeps the credential from its own users, but by then it has been public. Credentials
named after passwords, keys, tokens or secrets are high, others medium; SSH authorized keys and settings of
systemd that are not secret are told as info.`,
		Fix: `Hand the credential over encrypted, let attestation release it, or put it on a disk that only this guest has
$ virt-xml DOMAIN --edit --xml xpath.delete=./sysinfo`,
		Refs:  []string{"https://www.freedesktop.org/software/systemd/man/latest/smbios-type-11.html", "https://libvirt.org/formatdomain.html#smbios-system-information"},
		Check: smbiosCredentials,
	},
	{
		ID:       "secret-http-cookie",
		Title:    "HTTP cookie for a network disk",
		Severity: audit.High,
		Profiles: every,
		Doc: `A cookie is a login: with it, whoever reads this document can fetch the disk's image, and often more, from
the server. libvirt once showed cookies to read-only clients (CVE-2020-14301) and treats them as secrets since.
Over plain http the cookie can be read on the way as well. It is harmless once the session has ended on the
server.`,
		Fix:  `Use an address that needs no cookie, or one that ends soon, and delete <cookies> after the import.`,
		Refs: []string{"https://nvd.nist.gov/vuln/detail/CVE-2020-14301", "https://security.libvirt.org/2020/0002.html"},
		Check: func(p *audit.Pass) {
			hidden := false
			for at, source := range diskSources(p) {
				n := source.Network
				web := n != nil && (n.Protocol == "http" || n.Protocol == "https") // libvirt reads cookies for these alone
				if web && source.Cookies != nil {
					for cookie, c := range audit.EachIn(at.Elem("cookies"), "cookie", source.Cookies.Cookies) {
						switch {
						case strings.TrimSpace(c.Value) == "":
						case n.Protocol == "http":
							p.Key("plain-http").Reportf(cookie, "cookie '%s' stands here in clear text and is sent over plain http", c.Name)
						default:
							p.Key("stored").Reportf(cookie, "cookie '%s' stands here in clear text", c.Name)
						}
					}
				} else if web {
					hidden = true // or has none
				}
			}
			if hidden && !p.SecretsShown() {
				p.Unknown(audit.NeedSecrets)
			}
		},
	},
	{
		ID:       "secret-url-userinfo",
		Title:    "Credentials inside a URL or source name",
		Severity: audit.High,
		Profiles: every,
		Doc: `libvirt takes names, hosts and queries of disk sources for public: it shows them to read-only clients,
writes them into logs and puts them on QEMU's command line. A user and password or a key inside one has no
protection at all. The signature of a presigned address ends by itself and is medium. libvirt's secrets exist for
this: <auth> refers to one, and the value never stands in the document.`,
		Fix:  `<source ...><auth username='backup'><secret type='iscsi' usage='backup'/></auth></source>, with type='ceph' for RBD and the secret defined by virsh secret-define`,
		Refs: []string{domainDisks, qemuSecrets},
		Check: func(p *audit.Pass) {
			for at, source := range writtenSources(p, true) {
				urlSecrets(p, at, source)
			}
		},
	},
	{
		ID:       "secret-qemu-arg",
		Title:    "Secret in QEMU's passthrough arguments",
		Severity: audit.High,
		Profiles: every,
		Doc: `Every user of the host can read QEMU's command line in /proc, and it is written to the guest's log. A
secret object with data= or a password inside an option is public there, while libvirt's own way keeps secrets in
encrypted objects. Secrets that are read from a file, and data that is encrypted with another secret (keyid=), are
not reported.`,
		Fix:  withoutPassthrough,
		Refs: []string{qemuSecrets, "https://nvd.nist.gov/vuln/detail/CVE-2015-5160", "https://wiki.openstack.org/wiki/OSSN/OSSN-0079"},
		Check: func(p *audit.Pass) {
			for _, o := range p.Command.Options {
				if what := passedSecret(o); what != "" {
					p.Reportf(o.At, "%s holds %s", optionName(o), what)
				}
			}
		},
	},
}

// clearPassword reports a display's password. Whether one was left out matters for a display with a port.
func clearPassword(p *audit.Pass, at audit.Path, d display) {
	switch guard := d.guard(p, at); {
	case guard == guardPassword && strings.Trim(d.passwd, "*") != "":
		p.Reportf(at.Attr("passwd"), "the password of the %s console stands here in clear text", d.kind)
	case guard == guardPassword, guard == guardUnseen && d.tcp():
		p.Unknown(audit.NeedSecrets)
	}
}

// diskSources walks every source of every disk that libvirt reads: its own, those of the backing chain,
// of a mirror and of data files. It reads a mirror in the document of a running guest alone.
func diskSources(p *audit.Pass) iter.Seq2[audit.Path, *libvirtxml.DomainDiskSource] {
	return writtenSources(p, p.Live())
}

// writtenSources is diskSources for what is in the document, whether libvirt reads mirrors there or not.
func writtenSources(p *audit.Pass, mirrors bool) iter.Seq2[audit.Path, *libvirtxml.DomainDiskSource] {
	return func(yield func(audit.Path, *libvirtxml.DomainDiskSource) bool) {
		chain := func(at audit.Path, source *libvirtxml.DomainDiskSource, backing *libvirtxml.DomainDiskBackingStore) bool {
			for {
				if source != nil && !yield(at.Elem("source"), source) {
					return false
				}
				if source != nil && source.DataStore != nil && source.DataStore.Source != nil &&
					!yield(at.Elem("source/dataStore/source"), source.DataStore.Source) {
					return false
				}
				if backing == nil {
					return true
				}
				at, source, backing = at.Elem("backingStore"), backing.Source, backing.BackingStore
			}
		}
		for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
			if !chain(at, d.Source, d.BackingStore) {
				return
			}
			if mirrors && d.Mirror != nil && !chain(at.Elem("mirror"), d.Mirror.Source, d.Mirror.BackingStore) {
				return
			}
		}
	}
}

// smbiosCredentials looks at the strings of <sysinfo> and of "-smbios type=11,value=...".
func smbiosCredentials(p *audit.Pass) {
	judge := func(at audit.Path, entry string) {
		name, ok := strings.CutPrefix(strings.TrimSpace(entry), "io.systemd.credential")
		if !ok {
			return
		}
		name = strings.TrimPrefix(name, ".binary")
		if name, ok = strings.CutPrefix(name, ":"); !ok {
			return
		}
		name, value, _ := strings.Cut(name, "=")
		switch {
		case value == "":
		case publicCredential(name):
			p.Key("public", name).ReportAs(audit.Info, at, "systemd credential '%s' is readable on the host", name)
		case secretName(name):
			p.Key("secret", name).Reportf(at, "systemd credential '%s' stands here in clear text", name)
		default:
			p.Key("secret", name).ReportAs(audit.Medium, at, "systemd credential '%s' stands here in clear text", name)
		}
	}
	for at, info := range audit.Each("sysinfo", p.SysInfo) {
		if info.SMBIOS != nil && info.SMBIOS.OEMStrings != nil {
			for entry, text := range audit.EachIn(at.Elem("oemStrings"), "entry", info.SMBIOS.OEMStrings.Entry) {
				judge(entry, *text)
			}
		}
	}
	for _, o := range p.Command.Named("smbios") {
		for _, a := range o.Args {
			if a.Key == "value" {
				judge(o.At, a.Value)
			}
		}
	}
}
