package local

import (
	"errors"
	"reflect"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/host"
)

// facts are the values of an expression that do not come from the document: the boundary, or the
// host.
type facts struct {
	shape *shape
	pass  *audit.Pass
}

// fact is one of them. A nil value is not known: a rule that uses it is not evaluated, and need
// names what is missing.
type fact struct {
	cel  *types.Type
	need audit.Inputs
	get  func(*audit.Pass) (value any, set bool)
}

// unknown is the error of an expression that uses a fact that is not known.
type unknown struct{ need audit.Inputs }

func (u *unknown) Error() string { return u.need.String() }

func (o *facts) has(f *field) bool {
	value, set := f.fact.get(o.pass)
	return set && value != nil
}

func (o *facts) get(f *field) (any, error) {
	value, _ := f.fact.get(o.pass)
	if value == nil {
		return nil, &unknown{f.fact.need}
	}
	return types.DefaultTypeAdapter.NativeToValue(value), nil
}

// records returns the types of the variables boundary and host.
func records() []*shape {
	boundary, machine, conf := newRecord("boundary"), newRecord("host"), newRecord("host/qemu.conf")

	for name, get := range map[string]func(audit.Boundary) string{
		"verdict":     func(b audit.Boundary) string { return string(b.Verdict) },
		"reason":      func(b audit.Boundary) string { return string(b.Reason) },
		"policy":      func(b audit.Boundary) string { return b.Policy },
		"accelerator": func(b audit.Boundary) string { return b.Accelerator },
		"target":      func(b audit.Boundary) string { return b.Target },
		"family":      func(b audit.Boundary) string { return b.Family },
	} {
		boundary.fact(name, types.StringType, 0, func(p *audit.Pass) any { return get(p.Boundary) })
	}

	machine.fact("known", types.BoolType, 0, func(p *audit.Pass) any { return p.Host != nil })
	machine.fact("arch", types.StringType, audit.NeedCapabilities, func(p *audit.Pass) any { return orUnknown(p.HostArch) })
	machine.fact("libvirt_version", types.IntType, audit.NeedCapabilities, func(p *audit.Pass) any {
		if p.Host == nil {
			return nil
		}
		return version(p.Host.LibvirtVersion)
	})
	machine.fact("qemu_version", types.IntType, audit.NeedCapabilities, func(p *audit.Pass) any {
		if p.Host == nil {
			return nil
		}
		return version(p.Host.QEMUVersion)
	})
	machine.fact("mac", types.StringType, audit.NeedMAC, func(p *audit.Pass) any {
		if model, known := p.Host.MAC(); known {
			return model
		}
		return nil
	})
	machine.fact("session", types.BoolType, audit.NeedHost, func(p *audit.Pass) any {
		if p.Host == nil {
			return nil
		}
		return p.Host.InSession()
	})
	machine.fact("management_bridges", types.NewListType(types.StringType), audit.NeedHostNetwork, func(p *audit.Pass) any {
		if !p.Host.KnowsBridges() {
			return nil
		}
		return p.Host.ManagementBridges
	})
	machine.fact("qemu_conf", conf.cel, audit.NeedQEMUConf, func(p *audit.Pass) any {
		if !p.Host.KnowsConf() {
			return nil
		}
		return &facts{conf, p}
	})

	var defaults *host.QEMUConf
	for _, key := range defaults.Keys() {
		value, _ := defaults.Value(key)
		conf.add(&field{name: key, role: record, fact: &fact{celType(value), audit.NeedQEMUConf, func(p *audit.Pass) (any, bool) {
			return p.Host.Conf().Value(key)
		}}})
	}
	return []*shape{boundary, machine, conf}
}

func newRecord(name string) *shape {
	return &shape{name: name, cel: types.NewObjectType(name), fields: map[string]*field{}}
}

// fact adds a field that is set whenever it is known.
func (s *shape) fact(name string, t *types.Type, need audit.Inputs, get func(*audit.Pass) any) {
	s.add(&field{name: name, role: record, fact: &fact{t, need, func(p *audit.Pass) (any, bool) {
		p.DependsOn(need) // also for has()
		value := get(p)
		return value, value != nil
	}}})
}

func celType(value any) *types.Type {
	switch value.(type) {
	case bool:
		return types.BoolType
	case int64:
		return types.IntType
	case []string:
		return types.NewListType(types.StringType)
	default:
		return types.StringType
	}
}

// orUnknown returns nil for an empty text, which means that the fact is not known.
func orUnknown(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// version returns a release as a number in libvirt's form, 9001002 for 9.1.2, so that releases can
// be compared.
func version(text string) any {
	var n int64
	parts := strings.SplitN(text, ".", 4)
	for i := range 3 {
		n *= 1000
		if i < len(parts) {
			part, err := strconv.ParseUint(parts[i], 10, 32)
			if err != nil || part > 999 {
				return nil
			}
			n += int64(part)
		}
	}
	return n
}

// ConvertToNative implements ref.Val.
func (o *facts) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("facts cannot be converted")
}

// ConvertToType implements ref.Val.
func (o *facts) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("facts cannot be converted to %s", t.TypeName())
}

// Equal implements ref.Val: each value of facts exists once.
func (o *facts) Equal(other ref.Val) ref.Val {
	p, ok := other.(*facts)
	return types.Bool(ok && o.shape == p.shape)
}

// Type implements ref.Val.
func (o *facts) Type() ref.Type { return o.shape.cel }

// Value implements ref.Val.
func (o *facts) Value() any { return o }

// AggregateSize implements types.AggregateSizeVisitor.
func (o *facts) AggregateSize(types.AggregateSizer) uint32 { return 1 }
