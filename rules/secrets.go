package rules

import (
	"iter"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/secret"
	"github.com/virt-audit/virt-audit/audit/textset"
)

const (
	qemuSecrets = "https://www.qemu.org/docs/master/system/secrets.html"
	domainDisks = "https://libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms"
	accessRules = "https://libvirt.org/acl.html"
)

// secrets are about secrets that their form and place identify. No message contains one.
var secrets = []*audit.Rule{
	{
		ID:       "secret-graphics-passwd",
		Title:    "Console password in clear text",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `Anyone who can read this file or a backup of it, or the domain with its secrets
through libvirt, has the console's password. Such passwords are rarely changed and often shared
between guests. A placeholder of management software that expired in 1970 is not a secret and is not
reported. If the password is masked or omitted, the rule is not evaluated.`,
		Fix: `Let the console listen on a socket, which requires no password: <graphics type='vnc'><listen type='socket'/></graphics>.
Or authenticate clients by SASL or certificates, or set a ticket that expires while the guest runs.`,
		Refs: []string{accessRules, qemuVNC, domainGraphics, "https://security.libvirt.org/2014/0007.html", "https://security.libvirt.org/2015/0001.html"},
		Check: func(p *audit.Pass) {
			for at, d := range displayServers(p, "VNC", "SPICE") {
				reportPassword(p, at, d)
			}
		},
		Fixes: fixConsolePassword,
		NoFix: "Let the console authenticate clients in another way, and delete the password: this hypervisor has no " +
			"socket for it",
	},
	{
		ID:       "secret-rdp-passwd",
		Title:    "RDP password in clear text",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `Anyone who can read this file or a backup of it, or the domain with its secrets
through libvirt, can log in to the guest's RDP console. A user name alone is not a secret and is not
reported. A password in qemu.conf is stored in clear text too, but in one file that only root must
be able to read.`,
		Fix:  `Delete username and passwd from <graphics type='rdp'>, and set rdp_username and rdp_password in qemu.conf`,
		Refs: []string{domainGraphics, qemuConf},
		Check: func(p *audit.Pass) {
			if p.VerdictIs("not-qemu") {
				return // VirtualBox stores no password here
			}
			for at, d := range displayServers(p, "RDP") {
				reportPassword(p, at, d)
			}
		},
		Fixes: fixRDPPassword,
		NoFix: "Set rdp_username and rdp_password in qemu.conf, and delete both from the document then: without any " +
			"password the guest does not start",
	},
	{
		ID:       "secret-kernel-cmdline",
		Title:    "Secret in the kernel's command line",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `Everyone can read the kernel's command line: in the guest as /proc/cmdline and in its
log, on the host in the list of processes and in what libvirt shows to read-only clients. The rule
checks the names of parameters; waive a parameter that has the name of a password but contains
something else. Paths of key files and switches are not reported.`,
		Fix:  `Delete the parameter from <cmdline>, and let the guest read the secret from a disk, its TPM or a credential store`,
		Refs: []string{qemuSecrets, "https://libvirt.org/formatdomain.html#direct-kernel-boot"},
		Check: func(p *audit.Pass) {
			const named = 8
			var seen textset.Set
			more := 0
			for what := range secretParameters(p.OS.Cmdline) {
				switch {
				case seen.Has(what.String()):
				case seen.Len() < named:
					seen.Add(what.String())
					p.Key(what.kind, what.name).Reportf(audit.At("os/cmdline"), "the kernel's command line contains a secret: %s", what)
				default:
					more++
				}
			}
			if more > 0 {
				p.Key("more").Reportf(audit.At("os/cmdline"), "the kernel's command line contains more secrets: %d parameters", more)
			}
		},
		Fixes: fixKernelSecret,
		NoFix: "Let the guest read the secret from a disk, its TPM or a credential store, and delete it here: " +
			"the guest may not boot without the parameter",
	},
	{
		ID:       "secret-smbios-credential",
		Title:    "SMBIOS string contains a systemd credential",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `An SMBIOS string is part of this document and of QEMU's command line, which every user
of the host can read. The guest's systemd hides the credential from users of the guest, but not from
users of the host. Credentials whose names contain words such as password, key, token or secret are
high, others are medium. SSH authorized keys and settings of systemd that are not secret are info.`,
		Fix:   `Encrypt the credential, release it after attestation, or store it on a disk that only this guest has`,
		Refs:  []string{"https://www.freedesktop.org/software/systemd/man/latest/smbios-type-11.html", "https://libvirt.org/formatdomain.html#smbios-system-information"},
		Check: reportSMBIOSCredentials,
		Fixes: fixCredential,
		NoFix: "Decide whether users of the host may read this setting or public key; it is not a secret by its name",
	},
	{
		ID:       "secret-http-cookie",
		Title:    "HTTP cookie for a network disk",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `A cookie authenticates its client: anyone who reads this document can download the
disk image, and often more, from the server. libvirt showed cookies to read-only clients before
CVE-2020-14301 was fixed, and treats them as secrets since. Over plain http the cookie can be read
on the network as well. It is harmless after the session has ended on the server.`,
		Fix:  `Use an address that requires no cookie, or a cookie that expires soon, and delete <cookies> after the import.`,
		Refs: []string{"https://nvd.nist.gov/vuln/detail/CVE-2020-14301", "https://security.libvirt.org/2020/0002.html"},
		Check: func(p *audit.Pass) {
			hidden := false
			for at, source := range diskSources(p) {
				n := source.Network
				web := n != nil && (n.Protocol == "http" || n.Protocol == "https") // libvirt reads cookies only for these
				if web && source.Cookies != nil {
					for cookie, c := range audit.EachIn(at.Elem("cookies"), "cookie", source.Cookies.Cookies) {
						switch {
						case strings.TrimSpace(c.Value) == "":
						case n.Protocol == "http":
							p.Key("plain-http").Reportf(cookie, "cookie '%s' is stored in clear text and is sent over plain http", c.Name)
						default:
							p.Key("stored").Reportf(cookie, "cookie '%s' is stored in clear text", c.Name)
						}
					}
				} else if web {
					hidden = true // or the source has no cookies
				}
			}
			if hidden && !p.SecretsShown() {
				p.Unknown(audit.NeedSecrets)
			}
		},
		Fixes: fixCookie,
	},
	{
		ID:       "secret-url-userinfo",
		Title:    "URL or name of a disk source contains credentials",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `libvirt treats names, hosts and queries of disk sources as public: it shows them to
read-only clients, writes them to logs and passes them on QEMU's command line, so a user and
password, or a key, in them is not protected. The signature of a presigned address expires and is
medium. libvirt's secrets exist for this purpose: <auth> refers to a secret, and the document does
not contain its value.`,
		Fix:  `Use <source ...><auth username='backup'><secret type='iscsi' usage='backup'/></auth></source>, with type='ceph' for RBD, and define the secret with virsh secret-define`,
		Refs: []string{domainDisks, qemuSecrets},
		Check: func(p *audit.Pass) {
			for at, source := range writtenSources(p, true) {
				reportURLSecrets(p, at, source)
			}
		},
		Fixes: fixAddress,
		NoFix: "Define a secret of libvirt with the password or key, refer to it by <auth> in the <source>, and delete it " +
			"from the address: virt-audit cannot define the secret on the host",
	},
	{
		ID:       "secret-qemu-arg",
		Title:    "Argument for QEMU contains a secret",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `Every user of the host can read QEMU's command line in /proc, and the guest's log
contains it. A secret object with data=, or a password in an option, is public there, while libvirt
itself passes secrets in encrypted objects. Secrets that are read from a file, and data that is
encrypted with another secret (keyid=), are not reported.`,
		Fix: `Use libvirt's elements, which refer to a secret of libvirt. Or pass a file that contains the secret and that
only QEMU's user can read: <qemu:arg value='secret,id=backup,file=/etc/backup.key'/>`,
		Refs: []string{qemuSecrets, "https://nvd.nist.gov/vuln/detail/CVE-2015-5160", "https://wiki.openstack.org/wiki/OSSN/OSSN-0079"},
		Check: func(p *audit.Pass) {
			for _, o := range p.Command.Options {
				if what := passedSecret(o); what != "" {
					p.Reportf(o.At, "%s contains %s", optionName(o), what)
				}
			}
		},
		Fixes: fixPassedSecret,
	},
	metadataPassword,
}

// reportPassword reports a display's password. A password that is not shown matters only for a
// display with a port.
func reportPassword(p *audit.Pass, at audit.Path, d display) {
	switch guard := d.statedPassword(p, at); {
	case guard == passwordSet && strings.Trim(d.passwd, "*") != "":
		p.Reportf(at.Attr("passwd"), "the password of the %s console is stored in clear text", d.kind)
	case guard == passwordSet, guard == passwordUnknown && d.tcp():
		p.Unknown(audit.NeedSecrets)
	}
}

// diskSources walks every source of every disk that libvirt reads: its own, those of the backing
// chain, of a mirror and of data files. libvirt reads a mirror only in the document of a running
// guest.
func diskSources(p *audit.Pass) iter.Seq2[audit.Path, *libvirtxml.DomainDiskSource] {
	return writtenSources(p, p.Live())
}

// writtenSources is diskSources with the mirrors, if requested, even if libvirt does not read them.
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

// reportSMBIOSCredentials reports credentials in the strings of <sysinfo> and of "-smbios
// type=11,value=...".
func reportSMBIOSCredentials(p *audit.Pass) {
	judge := func(at audit.Path, entry string) {
		name, ok := systemdCredential(entry)
		switch {
		case !ok:
		case publicCredential(name):
			p.Key("public", name).ReportAs(audit.Info, at, "systemd credential '%s' is readable on the host", name)
		case secret.InCredential(name):
			p.Key("secret", name).Reportf(at, "systemd credential '%s' is stored in clear text", name)
		default:
			p.Key("secret", name).ReportAs(audit.Medium, at, "systemd credential '%s' is stored in clear text", name)
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
