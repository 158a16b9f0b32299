package audit

import (
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit/policy"
)

// Target is what the boundary verdict is about: domain type, and type, architecture and machine of
// <os><type>, as written. An attribute that is absent and one that is empty are both "".
type Target = policy.Target

// Domain is one domain document as libvirt reads it. The containers Devices, OS, OS.Type and
// Features of the embedded struct are never nil; whether the document has them is asked of Has.
type Domain struct {
	*libvirtxml.Domain
	Source  string
	Origin  Origin
	Target  Target
	Dropped []Dropped // what the document shows to other readers than libvirt
	Waivers []*Waiver // that the domain carries in its metadata, or where somebody meant to put them there

	index
	header  bool // libvirt wrote the file
	waivers node // the <audit> that holds the waivers; zero where there is none
	Command Command
	options map[int]*Option // of Command, by the number of each of their arguments
}

// fill puts empty containers where the document has none, so that rules need not ask.
func (d *Domain) fill() {
	if d.Devices == nil {
		d.Devices = &libvirtxml.DomainDeviceList{}
	}
	if d.OS == nil {
		d.OS = &libvirtxml.DomainOS{}
	}
	if d.OS.Type == nil {
		d.OS.Type = &libvirtxml.DomainOSType{}
	}
	if d.Features == nil {
		d.Features = &libvirtxml.DomainFeatureList{}
	}
	d.Target = Target{Type: d.Type, OS: d.OS.Type.Type, Arch: d.OS.Type.Arch, Machine: d.OS.Type.Machine}
}

// Live reports whether the document describes a running guest: it comes from where libvirt keeps
// those, or has the id that libvirt sets then, and only then.
func (d *Domain) Live() bool {
	if d.Origin.Stated {
		return d.Origin.Kind == Running
	}
	return d.ID != nil && *d.ID > 0
}

// DroppedPos returns where a dropped element stands.
func (d *Domain) DroppedPos(e Dropped) Pos { return d.pos(e.start, e.end) }

// SecretsShown reports whether passwords that the guest has would be in this document: libvirt wrote
// the file, whoever fetched it asked for them, or it holds one. Everything else may have come from "virsh dumpxml" without
// --security-info, a hook's standard input or an archive: there, absence of a password says nothing.
func (d *Domain) SecretsShown() bool {
	for _, g := range d.Devices.Graphics {
		for _, p := range []string{vncPassword(g), spicePassword(g)} {
			switch {
			case p == "":
			case strings.Trim(p, "*") == "":
				return false // masked by whoever made the copy
			default:
				return true
			}
		}
	}
	return d.header || d.Origin.Secrets
}

func vncPassword(g libvirtxml.DomainGraphic) string {
	if g.VNC == nil {
		return ""
	}
	return g.VNC.Passwd
}

func spicePassword(g libvirtxml.DomainGraphic) string {
	if g.Spice == nil {
		return ""
	}
	return g.Spice.Passwd
}
