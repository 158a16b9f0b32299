package rules

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

// storage is about the contents of disks here, and about their paths in storage_paths.go. There is
// no rule about ciphers: libvirt refuses a <cipher> in the definition of a domain, and reads the
// cipher of an encrypted image from the image's header.
var storage = slices.Concat(diskContents, diskPaths)

const (
	formatDisks  = "https://libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms"
	secureUsage  = "https://libvirt.org/kbase/secureusage.html"
	backingChain = "https://libvirt.org/kbase/backing_chains.html"
)

var diskContents = []*audit.Rule{
	{
		ID:       "storage-driver-type-missing",
		Title:    "Document does not state the format of a writable disk",
		Severity: audit.Low,
		Profiles: allProfiles,
		Doc: `Software that guesses the format of an image lets the guest choose it: a guest that
writes a qcow2 header to a raw disk can name any file of the host as its backing file. libvirt
itself no longer guesses: it uses raw if the document states no format, and stores that when it
defines the domain. The rule is therefore about templates, about other software that reads them, and
about images in other formats, which the guest would get as raw bytes. A -drive on the command line
without a format is medium, since QEMU guesses there. Disks that the guest cannot write are not
reported.`,
		Fix: `Set <driver name='qemu' type='raw'/>, or the format in which the image was created. Never detect it from an image
that a guest could write.`,
		Refs: []string{secureUsage, "https://security.libvirt.org/2010/0001.html", "https://security.libvirt.org/2010/0003.html"},
		// libvirt does not probe formats since 0.8.3, and 4.5 removed the setting for it: the
		// finding is low, since what libvirt defines is safe. A volume has the format of its pool,
		// and an LUN is always raw.
		Check: func(p *audit.Pass) {
			if p.VerdictIs("not-qemu") {
				return
			}
			for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
				s := d.Source
				if s == nil || s.File == nil && s.Block == nil && s.Network == nil && s.NVME == nil || !p.Has(at.Elem("source")) ||
					d.Driver != nil && d.Driver.Type != "" || guestReadsOnly(d) || d.Device == "lun" {
					continue
				}
				if p.Has(at.Elem("driver")) {
					at = at.Elem("driver")
				}
				p.Reportf(at, "the document states no format for disk '%s': libvirt uses raw, other software may guess", targetName(d))
			}
			for _, o := range passedOptions(p, "drive", "hda", "hdb", "hdc", "hdd", "fda", "fdb", "sd", "mtdblock") {
				if o.Name != "drive" || guessedDrive(o) {
					p.ReportAs(audit.Medium, o.At, "-%s states no format: QEMU guesses it from the contents of the image", o.Name)
				}
			}
		},
		Fixes: stateRaw,
		NoFix: "Add the format in which the image was created to the argument: format=raw or " +
			"format=qcow2",
	},
	{
		ID:       "storage-backing-format-missing",
		Title:    "Document does not state the format of a backing file",
		Severity: audit.Medium,
		Profiles: allProfiles,
		Doc: `If the format of a backing file is guessed, anyone who could write that file decides
which files of the host are opened. libvirt's own <backingStore> must contain its <format>, and
libvirt refuses to define a domain without it; older readers of the same document guessed. QEMU's
command line has no such check: a -drive with backing.file.filename and without backing.driver makes
QEMU probe the file. A document without <backingStore>, where the header of the image defines the
chain, is normal; libvirt stops if the header states no format.`,
		Fix: `Set <backingStore type='file'><format type='qcow2'/><source file='...'/><backingStore/></backingStore>, and in the image:
qemu-img rebase -u -F FORMAT -b BACKING IMAGE`,
		Refs: []string{backingChain, secureUsage, "https://security.libvirt.org/2010/0002.html"},
		// libvirt 9.0 and its schema refuse a backing store without a format ("missing disk backing
		// store format"); in practice only an argument -drive leads to a finding.
		Check: func(p *audit.Pass) {
			for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
				for b := d.BackingStore; b != nil; b = b.BackingStore {
					at = at.Elem("backingStore")
					if (b.Format == nil || b.Format.Type == "") && p.Has(at.Elem("source")) && (b.Source == nil || b.Source.Volume == nil) {
						p.Reportf(at, "the document states no format for a backing file of disk '%s'", targetName(d))
					}
				}
			}
			for _, o := range passedOptions(p, "drive") {
				if _, ok := o.Get("backing.file.filename"); ok {
					if _, ok := o.Get("backing.driver"); !ok {
						p.Reportf(o.At, "-drive names a backing file without its format: QEMU guesses it")
					}
				}
			}
		},
		NoFix: "State the format in which the backing file was created: only the one who made the " +
			"image knows it",
	},
	{
		ID:       "storage-shareable",
		Title:    "Several guests can write a disk",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `With <shareable/> libvirt gives the image an SELinux label without categories, so
every confined guest of the host can read and write it, not only those that have the disk. Locks do
not prevent double use either. It is harmless in a cluster whose members trust each other, on
dedicated hosts. Read-only disks can be shared without the element. QEMU shares only raw images:
libvirt does not start a guest that shares another format.`,
		Fix:  `Delete <shareable/>, or run such guests on dedicated hosts.`,
		Refs: []string{"https://libvirt.org/drvqemu.html#selinux-svirt-confinement", formatDisks},
		// Not critical for qcow2: libvirt refuses to start such a guest.
		Check: func(p *audit.Pass) {
			for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
				if d.Shareable != nil && !guestReadsOnly(d) {
					p.Reportf(at.Elem("shareable"), "disk '%s' is shareable: other guests of the host can write it too", targetName(d))
				}
			}
		},
		Fixes: stopSharing,
	},
	{
		ID:       "storage-lun-rawio",
		Title:    "QEMU gets the capability for raw SCSI commands",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `rawio='yes' gives CAP_SYS_RAWIO to the whole QEMU process, not to one disk: a guest
that takes over the process can send any command, including firmware updates, to all hardware that
it can open. libvirt taints such a guest with high-privileges. Clusters with persistent reservations
do not require it: libvirt has <reservations> for them.`,
		Fix:  `Set rawio='no', or delete the attribute. Persistent reservations work with <reservations managed='yes'/>.`,
		Refs: []string{formatDisks},
		Check: func(p *audit.Pass) {
			for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
				if d.RawIO == "yes" {
					p.Reportf(at.Attr("rawio"), "disk '%s' makes QEMU run with CAP_SYS_RAWIO", targetName(d))
				}
			}
			for at, h := range audit.Each("devices/hostdev", p.Devices.Hostdevs) {
				if h.SubsysSCSI != nil && h.SubsysSCSI.RawIO == "yes" {
					p.Reportf(at.Attr("rawio"), "a SCSI device of the host makes QEMU run with CAP_SYS_RAWIO")
				}
			}
		},
		Fixes: func(_ *audit.Pass, f *audit.Finding) []audit.Fix {
			return onlyUnsafe("Delete the attribute; SCSI commands that require the capability "+
				"fail in the guest", edit.Remove(f.Path))
		},
	},
	{
		ID:       "storage-tls-verify-off",
		Title:    "TLS does not verify who is at the other end",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `With verify='no' any machine on the network path can impersonate the server, read the
requests and give the guest another image, so https or ftps protects no more than http or ftp. It is
acceptable for mirrors in a laboratory. Add a private certificate authority to the host's trusted
authorities instead. On the command line, credentials without certificates (tls-creds-anon), or
with verify-peer=no, encrypt a connection without verifying the other end, and are medium.`,
		Fix:  `Delete <ssl verify='no'/>, and add the authority that signed the certificate to the host's trusted ones.`,
		Refs: []string{formatDisks},
		// libvirt reads <ssl> for https and ftps only.
		Check: func(p *audit.Pass) {
			for at, s := range diskSources(p) {
				if s.SSL != nil && s.SSL.Verify == "no" && s.Network != nil && (s.Network.Protocol == "https" || s.Network.Protocol == "ftps") {
					p.Reportf(at.Elem("ssl").Attr("verify"), "the certificate of this %s source is not verified: any server is accepted", s.Network.Protocol)
				}
			}
			for _, o := range passedOptions(p, "object", "drive", "blockdev") {
				reportUnverified(p, o)
			}
		},
		Fixes: func(p *audit.Pass, f *audit.Finding) []audit.Fix {
			const verify = "Verify the certificate; without an authority that the host trusts, the disk does not open"
			switch f.Key {
			case "anonymous":
				return onlyManual("Use tls-creds-x509 with certificates for both ends instead of tls-creds-anon")
			case "unverified", "disk":
				if o, _ := p.OptionAt(f.Path); isJSON(o) {
					return onlyManual("Delete the member that turns the verification off from the JSON")
				}
				return onlyUnsafe(verify, dropParts(p, f.Path, func(key, _ string) bool {
					return key == "verify-peer" || key == "sslverify" || strings.HasSuffix(key, ".sslverify")
				})...)
			}
			return onlyUnsafe(verify, edit.Remove(f.Path.Attr("")))
		},
	},
	{
		ID:       "storage-encryption-qcow",
		Title:    "Disk encryption uses qcow2's broken legacy format",
		Severity: audit.High,
		Profiles: allProfiles,
		Doc: `The built-in encryption of legacy qcow and qcow2 files uses the password itself as the
key, and predictable initialization vectors, so anyone with a copy of the image can attack it
offline. The password cannot be changed after a leak. Since 4.5.0 libvirt does not start such a
guest. The image must be converted to be protected. LUKS, as image format or inside qcow2, is
secure.`,
		Fix: `Convert the image, and set <encryption format='luks'>:
qemu-img convert --object secret,id=s,file=PASSWORDFILE -O qcow2 -o encrypt.format=luks,encrypt.key-secret=s OLD NEW`,
		Refs: []string{"https://libvirt.org/formatstorageencryption.html", "https://www.qemu.org/docs/master/system/secrets.html"},
		Check: func(p *audit.Pass) {
			for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
				if e := d.Encryption; e != nil && brokenEncryption(e.Format) {
					p.Reportf(at.Elem("encryption").Attr("format"), "encryption format '%s' is qcow2's legacy encryption, which is broken", e.Format)
				}
			}
			for at, s := range diskSources(p) {
				if e := s.Encryption; e != nil && brokenEncryption(e.Format) {
					p.Reportf(at.Elem("encryption").Attr("format"), "encryption format '%s' is qcow2's legacy encryption, which is broken", e.Format)
				}
			}
		},
		NoFix: "Convert the image to LUKS, and then state <encryption format='luks'>: the " +
			"document must match the image",
	},
}

// brokenEncryption reports whether the encryption of an image is qcow2's legacy format.
func brokenEncryption(format string) bool { return format == "qcow" || format == "default" }

// guessedDrive reports whether QEMU guesses the format of a -drive that the guest can write. Only
// firmware writes flash drives, and firmware-loader-writable checks them.
func guessedDrive(o audit.Option) bool {
	for _, key := range []string{"format", "driver"} {
		if v, ok := o.Get(key); ok && v != "" {
			return false
		}
	}
	file, _ := o.Get("file")
	iface, _ := o.Get("if")
	media, _ := o.Get("media")
	readonly := switchedOn(o, "readonly") || switchedOn(o, "read-only")
	return file != "" && iface != "pflash" && media != "cdrom" && !readonly && !strings.HasPrefix(file, "fat:")
}

// reportUnverified reports an argument that turns off the verification of TLS, or that cannot
// verify: anonymous credentials have no certificates.
func reportUnverified(p *audit.Pass, o audit.Option) {
	if o.Name == "object" {
		verify, ok := o.Get("verify-peer")
		switch kind := o.First("qom-type"); {
		case kind == "tls-creds-anon":
			p.Key("anonymous").ReportAs(audit.Medium, o.At, "-object tls-creds-anon encrypts without verifying the other end")
		case ok && strings.HasPrefix(kind, "tls-creds-") && switchedOff(verify):
			p.Key("unverified").ReportAs(audit.Medium, o.At, "-object %s: verify-peer=%s accepts any other end", kind, verify)
		}
		return
	}
	for _, kv := range o.Args {
		if (kv.Key == "sslverify" || strings.HasSuffix(kv.Key, ".sslverify")) && switchedOff(kv.Value) {
			p.Key("disk").Reportf(o.At, "-%s: the server's certificate is not verified: any server is accepted", o.Name)
			return
		}
	}
}

// switchedOff reports whether QEMU reads the value of a switch as off.
func switchedOff(value string) bool {
	return slices.Contains([]string{"off", "no", "false", "n"}, value)
}
