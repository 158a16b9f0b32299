package fleet

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// Kinds of resources in the index, about what a guest is.
const (
	guestUUID       = "uuid"
	guestName       = "name"
	hardwareID      = "hwid"
	consolePassword = "password" // hashed
	libvirtKey      = "secret"
	launchEntry     = "launch" // hashed

)

func indexSelf(p *audit.Pass) {
	resources(uuids).index(p, guestUUID)
	resources(names).index(p, guestName)
	resources(hardwareIDs).index(p, hardwareID)
	resources(passwords).index(p, consolePassword)
	resources(libvirtSecrets).index(p, libvirtKey)
	resources(launchData).index(p, launchEntry)
}

func uuids(p *audit.Pass, yield func(resource)) {
	yield(resource{key: uuidForm(p.UUID), at: audit.At("uuid"), what: p.UUID})
}

// names walks the one name. Two drivers of libvirt can each have a guest with the same name.
func names(p *audit.Pass, yield func(resource)) {
	if p.Name == "" {
		return
	}
	driver := "qemu"
	if p.VerdictIs("not-qemu") {
		driver = p.Type
	}
	yield(resource{key: driver + " " + p.Name, at: audit.At("name"), what: p.Name})
}

// serialWords are placeholders for a missing serial number.
var serialWords = []string{"none", "not specified", "default string", "system serial number", "to be filled by o.e.m."}

// hardwareIDs walks the numbers by which a guest's software identifies its machine. fleet-uuid-dup
// checks a UUID in SMBIOS that equals the domain's. A serial number may contain instructions for
// cloud-init.
func hardwareIDs(p *audit.Pass, yield func(resource)) {
	for at, s := range audit.Each("sysinfo", p.SysInfo) {
		if s.SMBIOS == nil || s.SMBIOS.System == nil {
			continue
		}
		for at, e := range audit.EachIn(at.Elem("system"), "entry", s.SMBIOS.System.Entry) {
			value := strings.TrimSpace(e.Value)
			switch low := strings.ToLower(value); {
			case value == "":
			case e.Name == "uuid" && uuidForm(value) != uuidForm(p.UUID):
				yield(resource{key: "uuid " + uuidForm(value), at: at, what: "SMBIOS UUID " + value})
			case e.Name == "serial" && len(low) > 3 && !strings.HasPrefix(low, "ds=") && !slices.Contains(serialWords, low):
				yield(resource{key: "serial " + low, at: at, what: "SMBIOS serial number"})
			}
		}
	}
	if u := uuidForm(p.HWUUID); u != "" && u != uuidForm(p.UUID) {
		yield(resource{key: "uuid " + u, at: audit.At("hwuuid"), what: "hardware UUID " + p.HWUUID})
	}
	if g := p.GenID; g != nil && strings.TrimSpace(g.Value) != "" {
		yield(resource{key: "genid " + uuidForm(g.Value), at: audit.At("genid"), what: "generation ID " + strings.TrimSpace(g.Value)})
	}
}

// passwords walks the passwords of displays, hashed. VNC uses only eight characters, so two
// passwords with the same prefix are equal.
func passwords(p *audit.Pass, yield func(resource)) {
	one := func(word string, at audit.Path) {
		if strings.Trim(word, "*") != "" {
			yield(resource{key: audit.Hashed(word), at: at.Attr("passwd")})
		}
	}
	for at, g := range audit.Each("devices/graphics", p.Devices.Graphics) {
		switch {
		case g.VNC != nil:
			one(g.VNC.Passwd[:min(8, len(g.VNC.Passwd))], at)
		case g.Spice != nil:
			one(g.Spice.Passwd, at)
		case g.RDP != nil:
			one(g.RDP.Passwd, at)
		}
	}
}

// hasHiddenPassword reports whether a display has a password that the document does not show: it is
// masked, or only the end of its validity is in the document.
func hasHiddenPassword(p *audit.Pass) bool {
	if p.SecretsShown() {
		return false
	}
	for _, g := range p.Devices.Graphics {
		var word, until string
		switch {
		case g.VNC != nil:
			word, until = g.VNC.Passwd, g.VNC.PasswdValidTo
		case g.Spice != nil:
			word, until = g.Spice.Passwd, g.Spice.PasswdValidTo
		case g.RDP != nil:
			word = g.RDP.Passwd
		}
		if word != "" && strings.Trim(word, "*") == "" || word == "" && until != "" {
			return true
		}
	}
	return false
}

// libvirtSecrets walks the secrets of libvirt for encrypted disks and TPMs. It skips disks that
// guests share, or only read, which have one key for all guests. It also skips secrets that
// authenticate to a server: the host has one account there for all of its guests.
func libvirtSecrets(p *audit.Pass, yield func(resource)) {
	for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
		if d.ReadOnly != nil || d.Shareable != nil || d.Device == "cdrom" {
			continue
		}
		e, inner := d.Encryption, at.Elem("encryption")
		if d.Source != nil && d.Source.Encryption != nil {
			e, inner = d.Source.Encryption, at.Elem("source/encryption")
		}
		if e == nil {
			continue
		}
		for at, s := range audit.EachIn(inner, "secret", e.Secrets) {
			key := uuidForm(s.UUID)
			if key == "" && s.Usage != "" {
				key = s.Type + " " + s.Usage
			}
			yield(resource{key: key, at: at, what: "disk"})
		}
	}
	for at, t := range audit.Each("devices/tpm", p.Devices.TPMs) {
		if t.Backend != nil && t.Backend.Emulator != nil && t.Backend.Emulator.Encryption != nil {
			yield(resource{key: uuidForm(t.Backend.Emulator.Encryption.Secret), at: at.Elem("backend/encryption").Attr("secret"), what: "TPM"})
		}
	}
}

// launchData walks the guest owner's certificate and session of SEV.
func launchData(p *audit.Pass, yield func(resource)) {
	if p.LaunchSecurity == nil || p.LaunchSecurity.SEV == nil {
		return
	}
	for _, name := range []string{"dhCert", "session"} {
		at := audit.At("launchSecurity").Elem(name)
		text, _ := p.Text(at)
		yield(resource{key: audit.Hashed(strings.Join(strings.Fields(text), "")), at: at, what: name})
	}
}

var acrossSelf = []*audit.Rule{
	{
		ID:       "fleet-uuid-dup",
		Title:    "Two guests have the same UUID or the same name",
		Severity: audit.Medium,
		Requires: audit.NeedDomains,
		Profiles: every,
		Doc: `UUID and name identify a guest in the AppArmor profile, files for NVRAM and TPM, logs
and inventories: if two guests share one of them, a setting for one guest applies to the other. This
happens if a document is copied to clone a guest; virt-clone avoids it. Two documents of the same
guest, running and stored, are not reported: they have both in common. If guests of different hosts
have the same names, audit each host separately.`,
		Fix:  `Delete the <uuid> from the copy before it is defined, so that libvirt generates a new one, and set a unique name.`,
		Refs: []string{"https://libvirt.org/drvqemu.html#apparmor-svirt-confinement", "https://libvirt.org/formatdomain.html#general-metadata"},
		Check: func(p *audit.Pass) {
			resources(uuids).report(p, guestUUID, "uuid", "UUID %s is also used by %s", nil)
			resources(names).report(p, guestName, "name", "name '%s' is also used, with another UUID, by %s", nil)
		},
		NoFix: "Decide which document is the copy, and change its name and UUID before it is " +
			"defined; the NVRAM, TPM state and host's records of the original depend on them",
	},
	{
		ID:       "fleet-hwid-dup",
		Title:    "Two guests have the same SMBIOS UUID, serial number or generation ID",
		Severity: audit.Low,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.MultiTenant},
		Doc: `Licences, inventories and cloud-init use these numbers as the identity of the machine,
and a guest with the number of another may get what is intended for the other. The generation ID
informs a guest that it has been cloned, so that it reseeds its random numbers; a clone with the
same ID repeats them. If all guests show the host's serial number, they show that they are on the
same host.`,
		Fix:  `Set unique values: use <genid/> without text, for which libvirt generates a value, and delete the serial number.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#general-metadata", "https://wiki.openstack.org/wiki/OSSN/OSSN-0028"},
		Check: func(p *audit.Pass) {
			resources(hardwareIDs).report(p, hardwareID, "", "%s is also used by %s", nil)
		},
		NoFix: "Decide which guest is the copy, and change the number there; licences and " +
			"inventories of the original depend on it",
	},
	{
		ID:       "fleet-password-reuse",
		Title:    "Several guests have the same console password",
		Severity: audit.Medium,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `Anyone who learns the password of one console has access to the others. The password
is in each document, in their backups, and in every client that has connected. VNC uses only its
first eight characters, so passwords with the same prefix are the same. The rule compares salted
hashes of the passwords and never shows them. If one administrator uses the same password for all
consoles, use TLS or SASL instead.`,
		Fix:  `Set a separate password for each guest and session: <graphics type='vnc' passwd='...' passwdValidTo='...'/>`,
		Refs: []string{"https://www.qemu.org/docs/master/system/vnc-security.html"},
		Check: func(p *audit.Pass) {
			if hasHiddenPassword(p) {
				p.Unknown(audit.NeedSecrets)
				return
			}
			passwords(p, func(t resource) {
				if found := collectGuests(p.Others(consolePassword, t.key), anyUse); found.count > 0 {
					p.Reportf(t.at, "the console's password is also used by %s", found)
				}
			})
		},
		NoFix: "Choose a password for each guest, and change it in the clients too",
	},
	{
		ID:       "fleet-secret-reuse",
		Title:    "Several guests use one secret for their encrypted disks or TPMs",
		Severity: audit.Medium,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.MultiTenant},
		Doc: `The key of one guest's disk is the key of the other's: a leak, or one owner's right to
the key, gives access to both. It is harmless if the guests belong to one owner and are retired
together. Read-only and shared disks are not reported, nor are accounts on a storage server, which a
host has once for all guests.`,
		Fix: `Define a secret for each volume, and encrypt the volume again with it:
<encryption format='luks'><secret type='passphrase' uuid='9a1c5bd6-6e2f-4f0e-8f3b-7d5f6f1f0a11'/></encryption>`,
		Refs: []string{"https://libvirt.org/formatstorageencryption.html"},
		Check: func(p *audit.Pass) {
			resources(libvirtSecrets).report(p, libvirtKey, "", "the secret of this %s is used by %s too", nil)
		},
		NoFix: "Define a secret for one of the guests, and encrypt its data again with it; an " +
			"edit alone would make the data unreadable",
	},
	{
		ID:       "fleet-sev-session-reuse",
		Title:    "Two guests have the same SEV launch certificate or session",
		Severity: audit.High,
		Requires: audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Confidential},
		Doc: `The session contains the keys with which the guest's owner communicates with the CPU's
firmware, generated for one launch on one machine. If a session is reused, the host can replay an
earlier launch instead of the one that the owner expects, and a leaked key of one guest affects the
other.`,
		Fix:  `Generate a new <dhCert> and <session> for each launch, with "sevctl session" on the owner's side.`,
		Refs: []string{"https://libvirt.org/kbase/launch_security_sev.html"},
		Check: func(p *audit.Pass) {
			resources(launchData).report(p, launchEntry, "", "the <%s> of this guest is also used by %s", nil)
		},
		NoFix: "Have the owner of the guest generate a certificate and session for each launch; " +
			"only the owner has the keys",
	},
}
