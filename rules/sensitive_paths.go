package rules

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/reach"
)

// reportSensitivePaths reports files, block devices and directories of the host that a guest must
// not reach.
func reportSensitivePaths(p *audit.Pass) {
	for _, r := range p.Reach() {
		if sharesDirectory(r) || p.AllowsPath(r.Name) {
			continue
		}
		place, word, _ := reach.Sensitive(r, p.Domain)
		if !holdsData(r) && (place.Name != "dev-mem" || r.Kind == reach.Socket) {
			continue
		}
		severity, bad := placeSeverity(word)
		if !bad || r.ID == "boot-loader" && place.Name == "ovmf" { // firmware-loader-writable
			continue
		}
		if r.Access&(reach.Write|reach.Create) != 0 {
			p.Key("write").ReportAs(severity, r.At, "the guest can write %s: %s", reachedName(r), ofPlace(place))
		} else {
			p.Key("read").ReportAs(severity, r.At, "the guest can read %s: %s", reachedName(r), ofPlace(place))
		}
	}
}

// placeSeverity reads the word of reach.Sensitive; it is not bad if the word is "".
func placeSeverity(word string) (severity audit.Severity, bad bool) {
	if word == "" {
		return 0, false
	}
	severity, err := audit.ParseSeverity(word)
	return severity, err == nil
}

// ofPlace describes a sensitive place for a message.
func ofPlace(place reach.Place) string {
	if place.Guest != "" {
		return place.Reason + " (" + place.Guest + ")"
	}
	return place.Reason
}

// reachedName quotes the name of a resource for a message, as written, with its normal form if that
// differs.
func reachedName(r audit.Resource) string {
	if r.Written == "" || r.Written == r.Name || !strings.Contains(r.Written, "/") && !strings.Contains(r.Name, r.Written) {
		return "'" + r.Name + "'"
	}
	return namedPath(r.Written)
}

// holdsData reports whether a resource is a file that QEMU, libvirt or a helper opens for its
// content. Character devices are among them as the back end of a port; otherwise they are host
// devices, see passthrough-device. So is a file that is used as a whole device.
func holdsData(r audit.Resource) bool {
	switch r.Kind {
	case reach.File:
		return !r.Implied && r.Access&reach.Whole == 0
	case reach.BlockDevice:
		return !r.Implied
	case reach.Directory:
		return !r.Implied && r.Access&reach.Connect == 0 && r.ID != "mem-backing" && !strings.HasPrefix(r.ID, "qemu-env-")
	case reach.CharDevice:
		return strings.HasPrefix(r.ID, "chr-") || strings.HasPrefix(r.ID, "qemu-chardev") || strings.HasPrefix(r.ID, "qemu-serial")
	default:
		return false
	}
}

// sharedIDs are the rows of the inventory in which a directory is shared with the guest.
var sharedIDs = []string{"fs-dir", "qemu-fsdev-path", "qemu-device-rootdir", "qemu-netdev-smb", "qemu-netdev-tftp", "qemu-tftp", "qemu-smb"}

// sharesDirectory reports whether the guest sees the whole directory as files.
func sharesDirectory(r audit.Resource) bool {
	return r.Kind == reach.Directory && slices.Contains(sharedIDs, r.ID)
}

// reportSharedDirectories reports directories of the host that must not be shared with a guest.
func reportSharedDirectories(p *audit.Pass) {
	for _, r := range p.Reach() {
		if !sharesDirectory(r) || p.AllowsPath(r.Name) {
			continue
		}
		place, word, _ := reach.Sensitive(r, p.Domain)
		severity, bad := placeSeverity(word)
		switch {
		case !bad:
		case r.Access&(reach.Write|reach.Create) != 0:
			p.Key("write").ReportAs(severity, r.At, "the guest can write directory %s of the host: %s", reachedName(r), ofPlace(place))
		default:
			p.Key("read").ReportAs(severity, r.At, "the guest can read directory %s of the host: %s", reachedName(r), ofPlace(place))
		}
	}
}
