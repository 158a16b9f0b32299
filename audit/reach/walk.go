package reach

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/identity"
)

// walker goes through a document once.
type walker struct {
	domain *domxml.Domain
	out    []Resource
	stack  []domxml.Element
	nodes  []*node // of the table, beside stack; nil where it has nothing

	rootless bool                      // QEMU runs the guest, as a user of its own
	ids      map[string]*domxml.Option // of the command line, by "option id"; see optionOf
	keeps    bool                      // libvirt leaves the owners of files alone
}

func newWalker(d *domxml.Domain) *walker {
	w := &walker{domain: d, stack: make([]domxml.Element, 0, 12), nodes: make([]*node, 0, 12)}
	w.out = make([]Resource, 0, 16)
	switch d.Type {
	case "kvm", "qemu", "hvf", "kqemu":
		w.rootless = true
	}
	for label := range d.Root().Children("seclabel") {
		w.keeps = w.keeps || identity.KeepsOwner(label)
	}
	return w
}

func (w *walker) walk() {
	table := positions()
	for e := range w.domain.Elements() {
		w.stack, w.nodes = w.stack[:min(e.Depth, len(w.stack))], w.nodes[:min(e.Depth, len(w.nodes))]
		at := table
		if e.Depth > 0 {
			if at = w.nodes[e.Depth-1]; at != nil {
				at = at.children[e.Name]
			}
		}
		if at != nil && w.ignored(e) {
			at = nil
		}
		w.stack, w.nodes = append(w.stack, e), append(w.nodes, at)
		if at != nil {
			w.element(e, at)
		}
		if e.Depth == 1 && strings.HasPrefix(e.Name, "qemu:") || e.Name == "xen:commandline" {
			w.passthrough(e)
		}
	}
}

// ignored reports whether libvirt reads nothing of an element: a copy job of a guest that does not
// run, and the first console where it is another name for the first serial port.
func (w *walker) ignored(e domxml.Element) bool {
	switch e.Name {
	case "mirror":
		return !w.domain.Live()
	case "console":
		return e.Depth == 2 && w.repeatsSerial(e)
	}
	return false
}

func (w *walker) repeatsSerial(console domxml.Element) bool {
	d := w.domain
	if d.Target.OS != "hvm" || len(d.Devices.Serials) == 0 {
		return false
	}
	for first := range w.stack[1].Children("console") {
		if first != console {
			return false
		}
		break
	}
	for target := range console.Children("target") {
		kind, _ := target.Attr("type")
		return kind == "" || kind == "serial"
	}
	return true
}

// element adds what the table has for the element at the top of the stack.
func (w *walker) element(e domxml.Element, at *node) {
	for _, r := range at.rows {
		if r.at.attr != "" {
			if _, ok := e.Attr(r.at.attr); !ok && w.holds(r.when) {
				w.add(r, "", true)
			}
		} else if value, ok := w.written(r); (ok || r.implies) && w.holds(r.when) {
			w.add(r, value, !ok)
		}
	}
	if at.attributes == nil {
		return
	}
	for name := range e.Attributes {
		for _, r := range at.attributes[string(name)] {
			if w.holds(r.when) {
				value, _ := e.Attr(r.at.attr)
				w.add(r, value, false)
			}
		}
	}
}

func (w *walker) holds(c condition) bool { return c.holds(w.stack) }

// written returns what the document has at the place of a row that is not about an attribute.
func (w *walker) written(r *row) (string, bool) {
	if !r.at.text {
		return "", !r.implies // the element itself
	}
	return r.at.value(w.stack)
}

func (w *walker) add(r *row, value string, implied bool) {
	out := Resource{Kind: r.kind, ID: r.id, Written: value, Implied: implied}
	out.Access = choose(r.access, w.holds)
	out.Opener = w.opener(choose(r.opener, w.holds))
	e := w.stack[len(w.stack)-1]
	out.Relabel = r.own && !w.keeps && !w.keepsHere(e)
	if !w.name(&out, r, value) {
		return
	}
	out.At = e.Path()
	if r.at.attr != "" && !implied {
		out.At = out.At.Attr(r.at.attr)
	}
	out.Role = w.role(r)
	out.Shareable = w.shareable(&out)
	out.complete()
	w.out = append(w.out, out)
}

// opener returns who opens a resource where another hypervisor than QEMU runs the guest: root.
func (w *walker) opener(o Opener) Opener {
	if !w.rootless && o&^GuestAlone != 0 {
		return Toolstack
	}
	return o
}

// keepsHere reports whether the element has a <seclabel> of its own that leaves the owner alone.
func (w *walker) keepsHere(e domxml.Element) bool {
	for label := range e.Children("seclabel") {
		if identity.KeepsOwner(label) {
			return true
		}
	}
	return false
}

// role is that of the row, at the element at the top of the stack.
func (w *walker) role(r *row) Role {
	if r.role != Disk {
		return r.role
	}
	for i := range w.stack {
		switch w.stack[i].Name {
		case "backingStore":
			return Backing
		case "nvram":
			return State
		}
	}
	return Disk
}

// shareable reports whether the device around is marked as one that several guests may have.
func (w *walker) shareable(out *Resource) bool {
	if out.Role != Disk && out.Kind != SCSI || len(w.stack) < 3 {
		return false
	}
	for range w.stack[2].Children("shareable") {
		return true
	}
	return false
}

// complete sets what follows from the rest: Output, and that nothing writes to a lower layer.
func (out *Resource) complete() {
	switch {
	case out.Role == Backing:
		out.Access &^= Write | Create
	case out.Role == NoRole && out.Kind == File && out.Access&(Read|Write) == Write:
		out.Role = Output
	}
}
