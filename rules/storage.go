package rules

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// storage is about what disks hold here, and about where they are in storage_paths.go. Two things that
// secure disks depend on no rule looks for: libvirt refuses a <cipher> in the definition of a domain,
// and takes the cipher of an encrypted image from the image's header.
var storage = slices.Concat(diskContents, diskPaths)

const (
	formatDisks  = "https://libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms"
	secureUsage  = "https://libvirt.org/kbase/secureusage.html"
	backingChain = "https://libvirt.org/kbase/backing_chains.html"
)

var diskContents = []*audit.Rule{
	{
		ID:       "storage-driver-type-missing",
		Title:    "Format of a writable disk is not stated",
		Severity: audit.Low,
		Profiles: every,
		Doc: `A program that has to guess the format of an image lets the guest choose it: a guest that writes a
qcow2 header into a raw disk can name any file of the host as its backing file. libvirt itself never guesses today:
it takes raw where nothing is stated, and writes that down when it defines the domain. So this is about templates,
about other programs that read them, and about images that are not raw and would be shown to the guest as bytes. A
-drive from the command line without a format is medium, for there QEMU does guess. Disks that the guest cannot
write are left alone.`,
		Fix: `<driver name='qemu' type='raw'/>, or what the image was made as: never find that out by looking at an image that a
guest could write. For the disk vda:
$ virt-xml DOMAIN --edit target.dev=vda --disk driver.name=qemu,driver.type=raw`,
		Refs: []string{secureUsage, "https://security.libvirt.org/2010/0001.html", "https://security.libvirt.org/2010/0003.html"},
		// libvirt probes nothing since 0.8.3, and its switch for it went in 4.5: low, not medium, for
		// what it defines is safe. A volume takes its format from the pool, an LUN is always raw.
		Check: func(p *audit.Pass) {
			if because(p, "not-qemu") {
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
				p.Reportf(at, "no format is stated for disk '%s': libvirt takes raw, other programs may guess", targetName(d))
			}
			for _, o := range passedOptions(p, "drive", "hda", "hdb", "hdc", "hdd", "fda", "fdb", "sd", "mtdblock") {
				if o.Name != "drive" || guessedDrive(o) {
					p.ReportAs(audit.Medium, o.At, "-%s states no format: QEMU guesses it from what is in the image", o.Name)
				}
			}
		},
	},
	{
		ID:       "storage-backing-format-missing",
		Title:    "Format of a backing file is not stated",
		Severity: audit.Medium,
		Profiles: every,
		Doc: `Where the format of a backing file has to be guessed, whoever could once write that file decides which
files of the host are opened. libvirt's own <backingStore> must carry its <format>, and libvirt refuses to define a
domain without; older readers of the same document guessed. On QEMU's command line nothing is refused: a -drive
with backing.file.filename and no backing.driver makes QEMU look into the file. That the chain is left to the
header of an image is ordinary; libvirt stops there when the header names no format.`,
		Fix: `<backingStore type='file'><format type='qcow2'/><source file='...'/><backingStore/></backingStore>, and in the image:
qemu-img rebase -u -F FORMAT -b BACKING IMAGE`,
		Refs: []string{backingChain, secureUsage, "https://security.libvirt.org/2010/0002.html"},
		// No document that libvirt 9.0 or its schema accepts has a backing store without a format
		// ("missing disk backing store format"); the passed -drive is what is left in practice.
		Check: func(p *audit.Pass) {
			for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
				for b := d.BackingStore; b != nil; b = b.BackingStore {
					at = at.Elem("backingStore")
					if (b.Format == nil || b.Format.Type == "") && p.Has(at.Elem("source")) && (b.Source == nil || b.Source.Volume == nil) {
						p.Reportf(at, "no format is stated for a backing file of disk '%s'", targetName(d))
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
	},
	{
		ID:       "storage-shareable",
		Title:    "Disk is writable by several guests",
		Severity: audit.High,
		Profiles: every,
		Doc: `With <shareable/> libvirt gives the image an SELinux label without categories, which every confined
guest of the host may read and write, not just those that have the disk; locks against double use are off as well.
It is harmless in a cluster whose members trust each other, on hosts of its own. Read-only disks may be shared
without it. QEMU shares raw images only: libvirt does not start a guest that shares another format.`,
		Fix: `Delete <shareable/>, or keep such guests to hosts of their own. For the disk vda:
$ virt-xml DOMAIN --edit target.dev=vda --disk shareable=no`,
		Refs: []string{"https://libvirt.org/drvqemu.html#selinux-svirt-confinement", formatDisks},
		// Not critical for qcow2, as one might think: libvirt refuses to start that.
		Check: func(p *audit.Pass) {
			for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
				if d.Shareable != nil && !guestReadsOnly(d) {
					p.Reportf(at.Elem("shareable"), "disk '%s' is shared: other guests of the host may write it too", targetName(d))
				}
			}
		},
	},
	{
		ID:       "storage-lun-rawio",
		Title:    "QEMU gets the capability for raw SCSI commands",
		Severity: audit.High,
		Profiles: every,
		Doc: `rawio='yes' gives CAP_SYS_RAWIO to the whole QEMU process, not to one disk: whoever takes the process
over can send any command, firmware updates included, to all hardware that it can open. libvirt marks such a guest
as tainted by high privileges. Clusters that need persistent reservations do not need it: libvirt has
<reservations> for them.`,
		Fix: `rawio='no', or no such attribute. For the disk sda:
$ virt-xml DOMAIN --edit target.dev=sda --disk rawio=no`,
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
	},
	{
		ID:       "storage-tls-verify-off",
		Title:    "Certificate of a network disk is not verified",
		Severity: audit.High,
		Profiles: every,
		Doc: `With verify='no' any machine on the way can answer in the server's place, read what is asked for and
hand the guest an image of its own, so that https or ftps protects no more than http and ftp would. It is tolerable
for mirrors in a laboratory; a private authority belongs into the host's list of trusted ones instead.`,
		Fix: `Delete <ssl verify='no'/>. For the disk sda:
$ virt-xml DOMAIN --edit target.dev=sda --disk "xpath0.delete=./source/ssl"`,
		Refs: []string{formatDisks},
		// libvirt reads <ssl> for https and ftps only.
		Check: func(p *audit.Pass) {
			for at, s := range diskSources(p) {
				if s.SSL != nil && s.SSL.Verify == "no" && s.Network != nil && (s.Network.Protocol == "https" || s.Network.Protocol == "ftps") {
					p.Reportf(at.Elem("ssl").Attr("verify"), "whoever answers for this %s source is believed to be the server", s.Network.Protocol)
				}
			}
		},
	},
	{
		ID:       "storage-encryption-qcow",
		Title:    "Disk encrypted by qcow2's broken, abandoned method",
		Severity: audit.High,
		Profiles: every,
		Doc: `The encryption built into old qcow and qcow2 files takes the password itself as key and predictable
vectors, so whoever holds a copy of the image can attack it offline, and a password that leaked once can never be
changed. Since 4.5.0 libvirt does not start such a guest; the image still has to be converted before it counts as
encrypted. LUKS, as image format or inside qcow2, is sound.`,
		Fix: `<encryption format='luks'>, after converting the image:
qemu-img convert --object secret,id=s,file=PASSWORDFILE -O qcow2 -o encrypt.format=luks,encrypt.key-secret=s OLD NEW`,
		Refs: []string{"https://libvirt.org/formatstorageencryption.html", "https://www.qemu.org/docs/master/system/secrets.html"},
		Check: func(p *audit.Pass) {
			for at, d := range audit.Each("devices/disk", p.Devices.Disks) {
				if e := d.Encryption; e != nil && brokenEncryption(e.Format) {
					p.Reportf(at.Elem("encryption").Attr("format"), "encryption format '%s' is qcow2's old method, which protects little", e.Format)
				}
			}
			for at, s := range diskSources(p) {
				if e := s.Encryption; e != nil && brokenEncryption(e.Format) {
					p.Reportf(at.Elem("encryption").Attr("format"), "encryption format '%s' is qcow2's old method, which protects little", e.Format)
				}
			}
		},
	},
}

func brokenEncryption(format string) bool { return format == "qcow" || format == "default" }

// guessedDrive reports whether QEMU guesses the format of a -drive that the guest can write. Flash
// for firmware is written by the firmware alone, and another rule's business.
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
