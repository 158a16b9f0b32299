package rules

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// Kinds of things in the index, about what a guest is.
const (
	guestUUID  = "uuid"
	guestName  = "name"
	hardwareID = "hwid"
	accessWord = "password" // hashed
	libvirtKey = "secret"
	launchBlob = "launch" // hashed

)

func indexSelf(p *audit.Pass) {
	things(uuids).index(p, guestUUID)
	things(names).index(p, guestName)
	things(hardwareIDs).index(p, hardwareID)
	things(accessWords).index(p, accessWord)
	things(libvirtKeys).index(p, libvirtKey)
	things(launchBlobs).index(p, launchBlob)
}

func uuids(p *audit.Pass, yield func(thing)) {
	yield(thing{key: uuidForm(p.UUID), at: audit.At("uuid"), what: p.UUID})
}

// names walks the one name. Two drivers of libvirt may each have a guest of that name.
func names(p *audit.Pass, yield func(thing)) {
	if p.Name == "" {
		return
	}
	driver := "qemu"
	if because(p, "not-qemu") {
		driver = p.Type
	}
	yield(thing{key: driver + " " + p.Name, at: audit.At("name"), what: p.Name})
}

// serialWords are what stands for a serial number that nobody gave.
var serialWords = []string{"none", "not specified", "default string", "system serial number", "to be filled by o.e.m."}

// hardwareIDs walks the numbers by which a guest's software knows its machine. The UUID in SMBIOS is
// left to fleet-uuid-dup where it is the domain's; a serial number may carry instructions for cloud-init.
func hardwareIDs(p *audit.Pass, yield func(thing)) {
	for at, s := range audit.Each("sysinfo", p.SysInfo) {
		if s.SMBIOS == nil || s.SMBIOS.System == nil {
			continue
		}
		for at, e := range audit.EachIn(at.Elem("system"), "entry", s.SMBIOS.System.Entry) {
			value := strings.TrimSpace(e.Value)
			switch low := strings.ToLower(value); {
			case value == "":
			case e.Name == "uuid" && uuidForm(value) != uuidForm(p.UUID):
				yield(thing{key: "uuid " + uuidForm(value), at: at, what: "SMBIOS UUID " + value})
			case e.Name == "serial" && len(low) > 3 && !strings.HasPrefix(low, "ds=") && !slices.Contains(serialWords, low):
				yield(thing{key: "serial " + low, at: at, what: "SMBIOS serial number"})
			}
		}
	}
	if u := uuidForm(p.HWUUID); u != "" && u != uuidForm(p.UUID) {
		yield(thing{key: "uuid " + u, at: audit.At("hwuuid"), what: "hardware UUID " + p.HWUUID})
	}
	if g := p.GenID; g != nil && strings.TrimSpace(g.Value) != "" {
		yield(thing{key: "genid " + uuidForm(g.Value), at: audit.At("genid"), what: "generation ID " + strings.TrimSpace(g.Value)})
	}
}

// accessWords walks the passwords of displays, hashed. VNC looks at eight characters only, so that
// two passwords that begin alike are one.
func accessWords(p *audit.Pass, yield func(thing)) {
	one := func(word string, at audit.Path) {
		if strings.Trim(word, "*") != "" {
			yield(thing{key: audit.Hashed(word), at: at.Attr("passwd")})
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

// hiddenWord reports whether a display has a password that the document does not show: it is masked,
// or it has an end to its validity and nothing that would end.
func hiddenWord(p *audit.Pass) bool {
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

// libvirtKeys walks the secrets that libvirt keeps for encrypted disks and TPMs. Disks that guests
// share, or only read, have one key by nature. Those for logging in to a server are left out: the
// host has one account there, for all of its guests.
func libvirtKeys(p *audit.Pass, yield func(thing)) {
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
			yield(thing{key: key, at: at, what: "disk"})
		}
	}
	for at, t := range audit.Each("devices/tpm", p.Devices.TPMs) {
		if t.Backend != nil && t.Backend.Emulator != nil && t.Backend.Emulator.Encryption != nil {
			yield(thing{key: uuidForm(t.Backend.Emulator.Encryption.Secret), at: at.Elem("backend/encryption").Attr("secret"), what: "TPM"})
		}
	}
}

// launchBlobs walks the guest owner's certificate and session of SEV.
func launchBlobs(p *audit.Pass, yield func(thing)) {
	if p.LaunchSecurity == nil || p.LaunchSecurity.SEV == nil {
		return
	}
	for _, name := range []string{"dhCert", "session"} {
		at := audit.At("launchSecurity").Elem(name)
		text, _ := p.Text(at)
		yield(thing{key: audit.Hashed(strings.Join(strings.Fields(text), "")), at: at, what: name})
	}
}

var acrossSelf = []*audit.Rule{
	{
		ID:       "fleet-uuid-dup",
		Title:    "Two guests have the same UUID or the same name",
		Severity: audit.Medium,
		Needs:    audit.NeedDomains,
		Profiles: every,
		Doc: `What keeps guests apart goes by UUID and name: the AppArmor profile, files for NVRAM and TPM, logs,
inventories. With a UUID of two guests, or a name that stands for two, a rule made for one applies to the other. A
clone made by copying the document has this; virt-clone does not. One guest that is given twice, running and
stored, is not reported: it has both in common. Guests of different hosts may well have the same name: audit each
host by itself then.`,
		Fix:  `Delete the <uuid> from the copy before it is defined, and give it a name of its own: libvirt makes a new UUID.`,
		Refs: []string{"https://libvirt.org/drvqemu.html#apparmor-svirt-confinement", "https://libvirt.org/formatdomain.html#general-metadata"},
		Check: func(p *audit.Pass) {
			things(uuids).report(p, guestUUID, "uuid", "UUID %s is that of %s too", nil)
			things(names).report(p, guestName, "name", "name '%s' is that of %s too, which has another UUID", nil)
		},
	},
	{
		ID:       "fleet-hwid-dup",
		Title:    "Two guests have the same SMBIOS UUID, serial number or generation ID",
		Severity: audit.Low,
		Needs:    audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.MultiTenant},
		Doc: `Licences, inventories and cloud-init take these numbers for the machine's identity, and a guest that
has another's may be given what was meant for it. The generation ID is there to tell a guest that it has been
cloned, so that it makes new random numbers; a clone with the same one repeats them. Where all guests show the
host's serial number, they show that they are on one host.`,
		Fix:  `A value of its own for each: <genid/> without text and no serial number at all let libvirt see to it.`,
		Refs: []string{"https://libvirt.org/formatdomain.html#general-metadata", "https://wiki.openstack.org/wiki/OSSN/OSSN-0028"},
		Check: func(p *audit.Pass) {
			things(hardwareIDs).report(p, hardwareID, "", "%s is that of %s too", nil)
		},
	},
	{
		ID:       "fleet-password-reuse",
		Title:    "Several guests have the same console password",
		Severity: audit.Medium,
		Needs:    audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Hardened, audit.MultiTenant},
		Doc: `Who learns the password of one console has those of the others: it lies in each document, in backups
of them, and in every client that ever connected. VNC uses eight characters of it only, so passwords that begin
alike are the same. The passwords are compared as salted hashes, and never shown. It may be one administrator's
for all, who then should ask for a password no more than once: by TLS or SASL.`,
		Fix:  `A password for each guest, made for one session: <graphics type='vnc' passwd='...' passwdValidTo='...'/>`,
		Refs: []string{"https://www.qemu.org/docs/master/system/vnc-security.html"},
		Check: func(p *audit.Pass) {
			if hiddenWord(p) {
				p.Unknown(audit.NeedSecrets)
				return
			}
			accessWords(p, func(t thing) {
				if found := gather(p.Others(accessWord, t.key), anyUse); found.count > 0 {
					p.Reportf(t.at, "the console's password is that of %s too", found)
				}
			})
		},
	},
	{
		ID:       "fleet-secret-reuse",
		Title:    "One secret opens the encrypted disks or TPMs of several guests",
		Severity: audit.Medium,
		Needs:    audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.MultiTenant},
		Doc: `The key of one guest's disk is the key of the other's: a leak, or one owner's right to his key, opens
both. It is harmless where the guests belong to one owner and are retired together. Read-only and shared disks are
not reported, nor accounts for logging in to a storage server, which a host has once for all.`,
		Fix: `A secret for each volume, and the volume encrypted anew with it:
<encryption format='luks'><secret type='passphrase' uuid='9a1c5bd6-6e2f-4f0e-8f3b-7d5f6f1f0a11'/></encryption>`,
		Refs: []string{"https://libvirt.org/formatstorageencryption.html"},
		Check: func(p *audit.Pass) {
			things(libvirtKeys).report(p, libvirtKey, "", "the secret of this %s is used by %s too", nil)
		},
	},
	{
		ID:       "fleet-sev-session-reuse",
		Title:    "Two guests have the same SEV launch certificate or session",
		Severity: audit.High,
		Needs:    audit.NeedDomains,
		Profiles: []audit.Profile{audit.Baseline, audit.Confidential},
		Doc: `The session holds the keys with which the guest's owner speaks to the processor's firmware, made for
one launch on one machine. With a session that is used again the host can replay an earlier launch in place of the
one that the owner believes in, and what is known of one guest's keys helps with the other.`,
		Fix:  `New blobs for each launch, from the guest's owner: "sevctl session" makes <dhCert> and <session>.`,
		Refs: []string{"https://libvirt.org/kbase/launch_security_sev.html"},
		Check: func(p *audit.Pass) {
			things(launchBlobs).report(p, launchBlob, "", "the <%s> of this guest is that of %s too", nil)
		},
	},
}
