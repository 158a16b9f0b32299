package host

import (
	"encoding/xml"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strings"
	"sync"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit/source"
)

// Capabilities is the part of the output of "virsh capabilities" that matters here.
type Capabilities struct {
	Arch      string     `json:"arch,omitempty"`
	SecModels []SecModel `json:"secmodels,omitempty"`
	Guests    []Guest    `json:"guests,omitempty"`
}

// SecModel is an active security driver.
type SecModel struct {
	Name   string  `json:"name"` // selinux, apparmor, dac, none
	Labels []Label `json:"labels,omitempty"`
}

// Label is the default label of a security driver for guests of a domain type.
type Label struct {
	Type  string `json:"type"`
	Label string `json:"label"`
}

// Guest is a kind of guest that the host can run.
type Guest struct {
	OS       string      `json:"os"`
	Arch     string      `json:"arch"`
	Emulator string      `json:"emulator,omitempty"`
	Machines []Machine   `json:"machines,omitempty"`
	Types    []GuestType `json:"types"`
}

// GuestType is a domain type for a kind of guest. Its values override those of the guest.
type GuestType struct {
	Type     string    `json:"type"`
	Emulator string    `json:"emulator,omitempty"`
	Machines []Machine `json:"machines,omitempty"`
}

// Machine is a machine type that QEMU on the host has.
type Machine struct {
	Name       string `json:"name"`
	Canonical  string `json:"canonical,omitempty"` // the name that an alias stands for
	MaxCPUs    int    `json:"max_cpus,omitempty"`
	Deprecated bool   `json:"deprecated,omitempty"`
}

// DomainCapabilities is the part of the output of "virsh domcapabilities", for one kind of guest, that matters here.
type DomainCapabilities struct {
	Emulator string   `json:"emulator,omitempty"`
	Type     string   `json:"type"`
	Arch     string   `json:"arch"`
	Machine  string   `json:"machine,omitempty"`
	MaxCPUs  int      `json:"max_cpus,omitempty"`
	Secure   []string `json:"launch_security,omitempty"` // sev, sev-snp, tdx, s390-pv: what confidential guests can have
}

// ParseCapabilities reads what "virsh capabilities" prints. File is the name for errors.
func ParseCapabilities(file string, data []byte) (*Capabilities, error) {
	var in libvirtxml.Caps
	if err := parseXML(file, data, "capabilities", &in); err != nil {
		return nil, err
	}
	out := &Capabilities{}
	if in.Host.CPU != nil {
		out.Arch = in.Host.CPU.Arch
	}
	for _, m := range in.Host.SecModel {
		model := SecModel{Name: m.Name}
		for _, l := range m.Labels {
			model.Labels = append(model.Labels, Label{l.Type, strings.TrimSpace(l.Value)})
		}
		out.SecModels = append(out.SecModels, model)
	}
	for i := range in.Guests {
		g := &in.Guests[i]
		guest := Guest{OS: g.OSType, Arch: g.Arch.Name, Emulator: g.Arch.Emulator, Machines: machines(g.Arch.Machines), Types: []GuestType{}}
		for _, d := range g.Arch.Domains {
			guest.Types = append(guest.Types, GuestType{d.Type, d.Emulator, machines(d.Machines)})
		}
		out.Guests = append(out.Guests, guest)
	}
	return out, nil
}

func machines(in []libvirtxml.CapsGuestMachine) []Machine {
	var out []Machine
	for _, m := range in {
		machine := Machine{m.Name, m.Canonical, m.MaxCPUs, m.Deprecated == "yes"}
		if machine.Canonical == machine.Name {
			machine.Canonical = ""
		}
		out = append(out, machine)
	}
	return out
}

// ParseDomainCapabilities reads what "virsh domcapabilities" prints. File is the name for errors.
func ParseDomainCapabilities(file string, data []byte) (*DomainCapabilities, error) {
	var in libvirtxml.DomainCaps
	if err := parseXML(file, data, "domainCapabilities", &in); err != nil {
		return nil, err
	}
	out := &DomainCapabilities{Emulator: in.Path, Type: in.Domain, Arch: in.Arch, Machine: in.Machine}
	if in.VCPU != nil {
		out.MaxCPUs = int(in.VCPU.Max)
	}
	f := in.Features
	if f == nil {
		return out, nil
	}
	if f.SEV != nil && f.SEV.Supported == "yes" {
		out.Secure = append(out.Secure, "sev")
	}
	if f.LaunchSecurity != nil && f.LaunchSecurity.Supported == "yes" { // libvirt 10.5; a superset of <sev>
		for _, e := range f.LaunchSecurity.Enums {
			if e.Name == "sectype" {
				out.Secure = e.Values
			}
		}
	}
	return out, nil
}

// parseXML reads a document that virsh printed. It may be truncated, or be another kind of file.
func parseXML(file string, data []byte, root string, into any) error {
	found, err := rootOf(data)
	switch {
	case err != nil:
		return fmt.Errorf("%s: no document with root element <%s>: %w", file, root, err)
	case found != root:
		return fmt.Errorf("%s: the root element is <%s>, not <%s>", file, found, root)
	}
	if err := xml.Unmarshal(data, into); err != nil {
		if s, ok := errors.AsType[*xml.SyntaxError](err); ok {
			return &source.Error{File: file, Position: source.Position{Line: s.Line}, Message: s.Msg, Err: err}
		}
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

var errNoElement = errors.New("there is none")

// rootOf returns the name of the first element. Nothing but white space and what XML allows may be before it.
func rootOf(data []byte) (string, error) {
	d := xml.NewDecoder(strings.NewReader(string(data)))
	for {
		t, err := d.RawToken()
		switch t := t.(type) {
		case xml.StartElement:
			return t.Name.Local, nil
		case xml.CharData:
			if strings.TrimSpace(string(t)) != "" {
				return "", errNoElement
			}
		}
		if err != nil {
			return "", errNoElement
		}
	}
}

// guests walks the lists of machines of the kinds of guest that the host runs for an architecture and
// a domain type.
func (f *Facts) guests(arch, domainType string) iter.Seq[[]Machine] {
	return func(yield func([]Machine) bool) {
		for g, t := range f.kinds(arch, domainType) {
			list := t.Machines
			if len(list) == 0 {
				list = g.Machines
			}
			if !yield(list) {
				return
			}
		}
	}
}

func (f *Facts) kinds(arch, domainType string) iter.Seq2[*Guest, *GuestType] {
	return func(yield func(*Guest, *GuestType) bool) {
		if !f.KnowsCapabilities() {
			return
		}
		for i := range f.Capabilities.Guests {
			g := &f.Capabilities.Guests[i]
			for j := range g.Types {
				if g.Arch == arch && g.Types[j].Type == domainType && !yield(g, &g.Types[j]) {
					return
				}
			}
		}
	}
}

// emulator returns the executable that libvirt chooses if the domain names none.
func (f *Facts) emulator(arch, domainType string) string {
	for g, t := range f.kinds(arch, domainType) {
		if t.Emulator != "" {
			return t.Emulator
		}
		return g.Emulator
	}
	for _, d := range f.DomainCapabilities {
		if d.Arch == arch && d.Type == domainType {
			return d.Emulator
		}
	}
	return ""
}

// versionLines finds what "virsh version" and "qemu-system-x86_64 --version" print.
var versionLines = sync.OnceValues(func() (libvirt, qemu *regexp.Regexp) {
	return regexp.MustCompile(`(?m)^Using library: libvirt (\d+(?:\.\d+)+)`),
		regexp.MustCompile(`(?m)^(?:Running hypervisor: QEMU|QEMU emulator version) (\d+(?:\.\d+)+)`)
})

// ParseVersions finds the versions of libvirt and QEMU in what "virsh version" or QEMU's --version
// prints. What is not there is "".
func ParseVersions(data []byte) (libvirt, qemu string) {
	ofLibvirt, ofQEMU := versionLines()
	if m := ofLibvirt.FindSubmatch(data); m != nil {
		libvirt = string(m[1])
	}
	if m := ofQEMU.FindSubmatch(data); m != nil {
		qemu = string(m[1])
	}
	return libvirt, qemu
}
