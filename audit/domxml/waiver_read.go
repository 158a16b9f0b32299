package domxml

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/secret"
)

// The reader passes <metadata> over, but for waivers. Of several elements of one namespace there libvirt
// keeps the first, of those without a namespace none, and whatever it does not know outside it drops
// (tested with "virsh define" of libvirt 9 and 11): a waiver in such a place is lost when the guest is
// defined, so it is none, and is told of.

// waiving is what the reader knows of waivers around the element at hand.
type waiving uint8

const (
	noWaivers  waiving = iota
	ourWaivers         // inside <audit> of our namespace, directly below <metadata>
	bare               // the same without a namespace, as "virsh metadata" prints it
	lostSecond         // inside a second <audit>
	lostPlace          // anywhere else
	lostName           // inside <audit> of a namespace that is not ours
)

// lost says what is wrong with the place of a waiver.
var lost = map[waiving]string{
	lostSecond: "it is in a second element of this namespace, of which libvirt keeps the first",
	lostPlace:  "it is not directly inside the <audit> of <metadata>, where libvirt would keep it",
	lostName:   "the namespace of <audit> is not " + WaiverNamespace,
}

// waiver notes a waiver, of whatever place; it is called for elements that libvirt's drivers do not read.
func (r *reader) waiver(f *frame, t xml.StartElement, attrs []xml.Attr, start, end int) {
	uri, _ := r.resolve(t.Name.Space)
	parent := &r.stack[len(r.stack)-2]
	name := t.Name.Local
	ours := uri == WaiverNamespace
	directly := parent.node == f.node && parent.mode == metadata && parent.out == (xml.Name{Local: "metadata"})
	second := r.taken
	if directly && ours {
		r.taken = true // whatever it is called
	}
	switch {
	case name == "audit" && directly:
		switch {
		case ours && second:
			f.waiving = lostSecond
		case ours:
			f.waiving, r.ours = ourWaivers, node{start: int32(start), tagEnd: int32(end), close: int32(end)}
		case uri == "":
			f.waiving = bare
		default:
			f.waiving = lostName
		}
	case name != "waive":
		if ours {
			f.waiving = lostPlace
		}
		if ours && name != "audit" || parent.waiving == ourWaivers || parent.waiving == bare || parent.waiving == lostSecond {
			f.waiving = lostPlace
			w := &Waiver{Flaw: misspelt(name, directly)}
			w.Source, w.InDomain, w.Tag = r.source, true, Span{start, end}
			r.waivers = append(r.waivers, w)
		}
	case ours || parent.waiving != noWaivers && uri == "" || parent.waiving == lostName && hasAttr(attrs, "rule"):
		w := newWaiver(attrs)
		w.Source, w.InDomain, w.Tag = r.source, true, Span{start, end}
		where := parent.waiving
		if where == noWaivers {
			where = lostPlace
		}
		w.Lost, w.Bare = lost[where], where == bare
		f.waiver = w
		r.waivers = append(r.waivers, w)
	}
}

// misspelt says what is wrong with an element that is no waiver, where one is expected.
func misspelt(name string, directly bool) string {
	want := "waive"
	if directly {
		want = "audit"
	}
	return fmt.Sprintf("there is no element <%s> of this kind, did you mean <%s>?", name, want)
}

// waiverEnd notes where a waiver, or the element that holds them, ends: its end tag begins at start.
func (r *reader) waiverEnd(f *frame, start int) {
	switch {
	case f.waiver != nil:
		f.waiver.stop = r.in.pos
	case f.waiving == ourWaivers && f.raw.Local == "audit":
		r.ours.close = max(int32(start), r.ours.tagEnd)
	}
}

// newWaiver reads the attributes of a waiver. The reason is its text, which comes later.
func newWaiver(attrs []xml.Attr) *Waiver {
	w := &Waiver{}
	for _, a := range attrs {
		name := a.Name.Local
		if a.Name.Space != "" {
			name = a.Name.Space + ":" + name
		}
		switch name {
		case "rule":
			w.Rule = strings.TrimSpace(a.Value)
		case "device":
			if w.Device = a.Value; strings.TrimSpace(a.Value) == "" {
				w.Flaw = "its device is empty: without the attribute it is for all devices"
			}
		case "until":
			until, err := ParseDay(a.Value)
			if err != nil {
				w.Flaw = err.Error()
			}
			w.Until = until
		default:
			w.Flaw = fmt.Sprintf("it has an attribute %q, where rule, until and device are known", name)
		}
	}
	if w.Rule == "" {
		w.Flaw = "it names no rule"
	}
	return w
}

// reasoned completes the waivers when the document has been read.
func (d *Domain) reasoned(waivers []*Waiver, within node) {
	d.Waivers, d.waivers = slices.Clip(waivers), within
	for _, w := range d.Waivers {
		w.Reason, w.text = secret.MaskWords(Shorten(reasonText(string(w.text)))), nil
		if !Shown(w.Reason) && w.Flaw == "" {
			w.Flaw = "it gives no reason"
		}
		w.Pos = d.PosOf(w.Tag)
	}
}
