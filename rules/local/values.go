package local

import (
	"errors"
	"iter"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/virt-audit/virt-audit/audit"
)

// document is one domain during the evaluation of a rule. It caches long values: an expression can
// read every value many times, and the work must not grow with the square of the document.
type document struct {
	lists map[place]ref.Val
	texts map[place]types.String
}

type place struct {
	element audit.Element
	field   *field
}

// long is the size in bytes above which a value is cached.
const long = 1 << 10

// object is an element of the domain. An element that the document lacks is an object with empty
// fields, so that an expression need not call has() at each dot.
type object struct {
	shape   *shape
	in      *document
	element audit.Element
	exists  bool
}

func (o *object) children(f *field) iter.Seq[audit.Element] {
	if !o.exists {
		return func(func(audit.Element) bool) {}
	}
	return o.element.Children(f.step)
}

// has implements has(): it reports whether an element or attribute exists, or whether a list or
// text is not empty.
func (o *object) has(f *field) bool {
	switch f.role {
	case attribute:
		if !o.exists {
			return false
		}
		_, ok := o.element.Attr(f.step)
		return ok
	case text:
		return o.get(f) != types.String("")
	default:
		for range o.children(f) {
			return true
		}
		return false
	}
}

func (o *object) get(f *field) ref.Val {
	switch f.role {
	case attribute, text:
		if !o.exists {
			return types.String("")
		}
		return o.text(f)
	case elements:
		return o.list(f)
	default:
		for e := range o.children(f) {
			return &object{f.of, o.in, e, true}
		}
		return &object{shape: f.of, in: o.in}
	}
}

// text returns the value of an attribute, or the text of the element.
func (o *object) text(f *field) types.String {
	size, content := o.element.Size()
	if f.role == text {
		size = content
	}
	at := place{o.element, f}
	if size > long {
		if s, ok := o.in.texts[at]; ok {
			return s
		}
	}
	var s string
	if f.role == text {
		s = o.element.Text()
	} else {
		s, _ = o.element.Attr(f.step)
	}
	if size > long {
		o.in.texts[at] = types.String(s)
	}
	return types.String(s)
}

func (o *object) list(f *field) ref.Val {
	at := place{o.element, f}
	if list, ok := o.in.lists[at]; ok && o.exists {
		return list
	}
	items := []ref.Val{}
	for e := range o.children(f) {
		items = append(items, &object{f.of, o.in, e, true})
	}
	list := types.NewRefValList(types.DefaultTypeAdapter, items)
	if o.exists {
		o.in.lists[at] = list
	}
	return list
}

// ConvertToNative implements ref.Val.
func (o *object) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("an element cannot be converted")
}

// ConvertToType implements ref.Val.
func (o *object) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("an element cannot be converted to %s", t.TypeName())
}

// Equal implements ref.Val: an element equals itself.
func (o *object) Equal(other ref.Val) ref.Val {
	p, ok := other.(*object)
	return types.Bool(ok && o.shape == p.shape && o.exists == p.exists && o.element == p.element)
}

// Type implements ref.Val.
func (o *object) Type() ref.Type { return o.shape.cel }

// Value implements ref.Val.
func (o *object) Value() any { return o }

// AggregateSize implements types.AggregateSizeVisitor: the contents of an element have a cost when
// they are read.
func (o *object) AggregateSize(types.AggregateSizer) uint32 { return 1 }
