// Package manager recognises the application that owns a guest, such as Nova or KubeVirt, and knows
// what to set there: it writes the guest's definition, and would undo a change of the XML. A
// document can claim any owner, so that the answer decides on advice only, never on a finding.
package manager

import (
	"cmp"
	"encoding/xml"
	"slices"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// Manager is an application that creates guests: its word in a configuration. "" is an unknown one.
type Manager string

// The managers.
const (
	Nova        Manager = "nova"
	KubeVirt    Manager = "kubevirt"
	OVirt       Manager = "ovirt"
	OpenNebula  Manager = "opennebula"
	CloudStack  Manager = "cloudstack"
	Terraform   Manager = "terraform" // the provider dmacvicar/libvirt
	Vagrant     Manager = "vagrant"   // the plugin vagrant-libvirt
	NixVirt     Manager = "nixvirt"
	Cockpit     Manager = "cockpit"
	VirtManager Manager = "virt-manager"
	Kcli        Manager = "kcli"

	// None is the word of a site on which no guest has a manager, whatever its document contains.
	None Manager = "none"
)

// row is what is known about a manager besides its settings.
type row struct {
	manager Manager
	name    string
	owns    bool
	// The elements below <metadata>, each of which is enough; see Domain.MetadataNames.
	marks []xml.Name
	// other recognises a manager that leaves no metadata.
	other func(*domxml.Domain) bool
}

// rows are in the order in which documents are searched: those that own guests first, since the
// others' marks stay when a guest moves. Sources of the marks:
//
//	openstack/nova nova/virt/libvirt/config.py (1.0 in old versions)
//	kubevirt/kubevirt pkg/virt-launcher/virtwrap/api/schema.go; Harvester's guests are the same
//	oVirt/vdsm lib/vdsm/virt/xmlconstants.py
//	OpenNebula/one src/vmm/LibVirtDriverKVM.cc, since 5.8
//	cockpit-project/cockpit-machines src/scripts/install_machine.py
//	karmab/kcli kvirt/providers/kvm/__init__.py
//
// The element of libosinfo shows that virt-install was used once, and not that virt-manager is.
var rows = []row{
	{manager: Nova, name: "Nova", owns: true, marks: []xml.Name{
		{Space: "http://openstack.org/xmlns/libvirt/nova/1.1", Local: "instance"},
		{Space: "http://openstack.org/xmlns/libvirt/nova/1.0", Local: "instance"},
	}},
	{manager: KubeVirt, name: "KubeVirt", owns: true, marks: []xml.Name{
		{Space: "http://kubevirt.io", Local: "kubevirt"},
	}},
	{manager: OVirt, name: "oVirt", owns: true, marks: []xml.Name{
		{Space: "http://ovirt.org/vm/1.0", Local: "vm"},
		{Space: "http://ovirt.org/vm/tune/1.0", Local: "qos"},
	}},
	{manager: OpenNebula, name: "OpenNebula", owns: true, marks: []xml.Name{
		{Space: "http://opennebula.org/xmlns/libvirt/1.0", Local: "vm"},
	}},
	{manager: CloudStack, name: "CloudStack", owns: true, other: cloudStack},
	{manager: Vagrant, name: "Vagrant", owns: true, other: vagrant},
	{manager: Terraform, name: "Terraform", owns: true},
	{manager: NixVirt, name: "NixVirt", owns: true},
	{manager: Cockpit, name: "Cockpit", marks: []xml.Name{
		{Space: "https://github.com/cockpit-project/cockpit-machines", Local: "data"},
	}},
	{manager: VirtManager, name: "virt-manager"},
	{manager: Kcli, name: "kcli", marks: []xml.Name{{Space: "kvirt", Local: "info"}}},
}

// All returns the managers, those that own guests first.
func All() []Manager {
	out := make([]Manager, len(rows))
	for i, r := range rows {
		out[i] = r.manager
	}
	return out
}

func (m Manager) row() *row {
	i := slices.IndexFunc(rows, func(r row) bool { return r.manager == m })
	if i < 0 {
		return &row{}
	}
	return &rows[i]
}

// Name returns the name that users know: "Nova". It is "" for an unknown manager, and for None.
func (m Manager) Name() string { return m.row().name }

// Owns reports whether the manager writes the definition of its guests again, so that a change of
// the XML is lost. The others edit the definition that libvirt has.
func (m Manager) Owns() bool { return m.row().owns }

// Of returns the manager that a document shows, or "".
func Of(d *domxml.Domain) Manager {
	for _, r := range rows {
		for _, mark := range r.marks {
			if slices.Contains(d.MetadataNames, mark) {
				return r.manager
			}
		}
		if r.other != nil && r.other(d) {
			return r.manager
		}
	}
	return ""
}

// At returns the manager of a guest at a site that names one for its guests, since some leave no
// mark: the owner that the document shows, else the site's, else another that the document shows.
func At(site Manager, d *domxml.Domain) Manager {
	if site == None {
		return ""
	}
	shown := Of(d)
	if shown.Owns() {
		return shown
	}
	return cmp.Or(site, shown)
}

// cloudStack: CloudStack writes no metadata, but names itself to the guest, where cloud-init looks
// for it (LibvirtVMDef.java; the settings vm.metadata.manufacturer and .product change it).
func cloudStack(d *domxml.Domain) bool {
	return slices.ContainsFunc(d.SysInfo, func(s libvirtxml.DomainSysInfo) bool {
		if s.SMBIOS == nil || s.SMBIOS.System == nil {
			return false
		}
		var manufacturer, product bool
		for _, e := range s.SMBIOS.System.Entry {
			switch e.Name {
			case "manufacturer":
				manufacturer = e.Value == "Apache Software Foundation"
			case "product":
				product = e.Value == "CloudStack KVM Hypervisor"
			}
		}
		return manufacturer && product
	})
}

// vagrant: vagrant-libvirt names the disks of the box with an alias since 0.6.0 (domain.xml.erb).
func vagrant(d *domxml.Domain) bool {
	for i := range d.Devices.Disks {
		if a := d.Devices.Disks[i].Alias; a != nil {
			number, ok := strings.CutPrefix(a.Name, "ua-box-volume-")
			if ok && number != "" && strings.Trim(number, "0123456789") == "" {
				return true
			}
		}
	}
	return false
}
