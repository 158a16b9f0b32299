package local

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/rules"
)

// For an expression the domain consists of objects: one type for each element at a place, with a
// field for each attribute and child that libvirt knows there. The names are those of the
// vocabulary of document-unknown-element, not those of libvirtxml, which lacks some of them.

// shape is the type of the elements with one name and one parent's name, or of the facts about the
// host and the boundary.
type shape struct {
	name   string // "devices/disk", "domain", "host"
	cel    *types.Type
	fields map[string]*field
}

// field is a field of an object: the name after a dot.
type field struct {
	name string // as in expressions
	role role
	step string // the name in the document, of attributes and elements
	of   *shape // of elements, lists and records

	cel  *types.FieldType
	fact *fact // of records
}

type role int

const (
	attribute role = iota
	element        // one at most
	elements       // a list
	text
	record // not of the document
)

// textField is the field with the text of an element. libvirt has no attribute or element with this
// name.
const textField = "text"

// elementSuffix distinguishes an element from an attribute of the same name: os.firmware and
// os.firmware_element.
const elementSuffix = "_element"

// driversOwn are the elements of hypervisors' namespaces, in the form of the vocabulary (sources:
// libvirtxml, and the schema's domaincommon.rng).
const driversOwn = `
/domain: qemu:commandline qemu:capabilities qemu:override qemu:deprecation lxc:namespace xen:commandline bhyve:commandline vmware:datacenterpath vmware:moref
domain/qemu:commandline: qemu:arg qemu:env
qemu:commandline/qemu:arg: @value
qemu:commandline/qemu:env: @name @value
domain/qemu:capabilities: qemu:add qemu:del
qemu:capabilities/qemu:add: @capability
qemu:capabilities/qemu:del: @capability
domain/qemu:override: qemu:device
qemu:override/qemu:device: @alias qemu:frontend
qemu:device/qemu:frontend: qemu:property
qemu:frontend/qemu:property: @name @type @value
domain/qemu:deprecation: @behavior
domain/lxc:namespace: lxc:sharenet lxc:shareipc lxc:shareuts
lxc:namespace/lxc:sharenet: @type @value
lxc:namespace/lxc:shareipc: @type @value
lxc:namespace/lxc:shareuts: @type @value
domain/xen:commandline: xen:arg
xen:commandline/xen:arg: @value
domain/bhyve:commandline: bhyve:arg bhyve:env
bhyve:commandline/bhyve:arg: @value
bhyve:commandline/bhyve:env: @name @value
`

// nowhere are attributes of the vocabulary that do not exist in documents: libvirtxml has one type
// for these elements and for the sources of character devices. They would conflict with the list of
// hosts.
var nowhere = map[string]string{
	"disk/source": "@host", "backingStore/source": "@host", "dataStore/source": "@host", "mirror/source": "@host", "nvram/source": "@host",
}

// shapes returns all types by name.
var shapes = sync.OnceValue(func() map[string]*shape {
	known := map[string]*shape{}
	get := func(name string) *shape {
		s := known[name]
		if s == nil {
			s = &shape{name: name, cel: types.NewObjectType(name), fields: map[string]*field{}}
			known[name] = s
			s.add(&field{name: textField, role: text})
		}
		return s
	}
	attributes := map[*shape][]string{}
	word := func(key string, names []string) {
		s := get(strings.TrimPrefix(key, "/"))
		_, parent, _ := strings.Cut(key, "/")
		for _, name := range names {
			if key == "/domain" && name == "metadata" || nowhere[key] == name {
				continue
			}
			if a, ok := strings.CutPrefix(name, "@"); ok {
				attributes[s] = append(attributes[s], a)
				continue
			}
			f := &field{name: strings.ReplaceAll(name, ":", "_"), role: element, step: name, of: get(parent + "/" + name)}
			if audit.Repeats(parent, name) {
				f.role = elements
			}
			s.add(f)
		}
	}
	for key, names := range rules.Vocabulary() {
		word(key, names)
	}
	for line := range strings.Lines(strings.TrimSpace(driversOwn)) {
		key, names, _ := strings.Cut(line, ": ")
		word(key, strings.Fields(names))
	}
	for s, names := range attributes {
		for _, name := range names {
			if e := s.fields[name]; e != nil {
				e.name += elementSuffix
				s.add(e)
			}
			s.add(&field{name: name, role: attribute, step: name})
		}
	}
	for _, s := range records() {
		known[s.name] = s
	}
	return known
})

func (s *shape) add(f *field) {
	s.fields[f.name] = f
	f.cel = &types.FieldType{}
	switch f.role {
	case attribute, text:
		f.cel.Type = types.StringType
	case element:
		f.cel.Type = f.of.cel
	case elements:
		f.cel.Type = types.NewListType(f.of.cel)
	case record:
		f.cel.Type = f.fact.cel
		f.cel.IsSet = func(target any) bool { return target.(*facts).has(f) }
		f.cel.GetFrom = func(target any) (any, error) { return target.(*facts).get(f) }
		return
	}
	f.cel.IsSet = func(target any) bool { return target.(*object).has(f) }
	f.cel.GetFrom = func(target any) (any, error) { return target.(*object).get(f), nil }
}

// names returns the names of the fields, sorted.
func (s *shape) names() []string { return slices.Sorted(maps.Keys(s.fields)) }

// provider provides the types to CEL. It records missing fields, so that an error can suggest
// others: use one provider for one compilation.
type provider struct {
	missed []missed
}

type missed struct {
	shape *shape
	field string
}

// FindStructType implements types.Provider.
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	s, ok := shapes()[name]
	if !ok {
		return nil, false
	}
	return types.NewTypeTypeWithParam(s.cel), true
}

// FindStructFieldNames implements types.Provider.
func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	s, ok := shapes()[name]
	if !ok {
		return nil, false
	}
	return s.names(), true
}

// FindStructFieldType implements types.Provider.
func (p *provider) FindStructFieldType(name, fieldName string) (*types.FieldType, bool) {
	s, ok := shapes()[name]
	if !ok {
		return nil, false
	}
	f, ok := s.fields[fieldName]
	if !ok {
		p.missed = append(p.missed, missed{s, fieldName})
		return nil, false
	}
	return f.cel, true
}

// EnumValue implements types.Provider: there are none.
func (p *provider) EnumValue(string) ref.Val { return types.NewErr("there are no enumerations") }

// FindIdent implements types.Provider: variables are declared.
func (p *provider) FindIdent(string) (ref.Val, bool) { return nil, false }

// NewValue implements types.Provider: objects come only from documents.
func (p *provider) NewValue(string, map[string]ref.Val) ref.Val {
	return types.NewErr("objects cannot be created")
}
