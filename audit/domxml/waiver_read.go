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

// waiverPlace is what the reader knows of waivers around the element at hand.
type waiverPlace uint8

const (
	outsideAudit      waiverPlace = iota
	inAudit                       // inside <audit> of our namespace, directly below <metadata>
	inUnprefixedAudit             // the same without a namespace, as "virsh metadata" prints it
	inSecondAudit                 // inside a second <audit>
	misplaced                     // anywhere else
	inForeignAudit                // inside <audit> of a namespace that is not ours
)

// dropReasons says what is wrong with the place of a waiver.
var dropReasons = map[waiverPlace]string{
	inSecondAudit:  "it is in a second element of this namespace, of which libvirt keeps the first",
	misplaced:      "it is not directly inside the <audit> of <metadata>, where libvirt would keep it",
	inForeignAudit: "the namespace of <audit> is not " + WaiverNamespace,
}

// noteWaiver notes a waiver, of whatever place; it is called for elements that libvirt's drivers do not read.
func (r *reader) noteWaiver(f *frame, t xml.StartElement, attrs []xml.Attr, start, end int) {
	uri, _ := r.resolve(t.Name.Space)
	parent := &r.stack[len(r.stack)-2]
	name := t.Name.Local
	ours := uri == WaiverNamespace
	directly := parent.node == f.node && parent.mode == metadata && parent.out == (xml.Name{Local: "metadata"})
	second := r.ownElementSeen
	if directly && ours {
		r.ownElementSeen = true // whatever it is called
	}
	switch {
	case name == "audit" && directly:
		switch {
		case ours && second:
			f.waiverPlace = inSecondAudit
		case ours:
			f.waiverPlace, r.auditElement = inAudit, node{start: int32(start), tagEnd: int32(end), close: int32(end)}
		case uri == "":
			f.waiverPlace = inUnprefixedAudit
		default:
			f.waiverPlace = inForeignAudit
		}
	case name != "waive":
		if ours {
			f.waiverPlace = misplaced
		}
		if ours && name != "audit" || parent.waiverPlace == inAudit || parent.waiverPlace == inUnprefixedAudit || parent.waiverPlace == inSecondAudit {
			f.waiverPlace = misplaced
			w := &Waiver{Flaw: misspeltFlaw(name, directly)}
			w.Source, w.InDomain, w.Tag = r.source, true, Span{start, end}
			r.waivers = append(r.waivers, w)
		}
	case ours || parent.waiverPlace != outsideAudit && uri == "" || parent.waiverPlace == inForeignAudit && hasAttr(attrs, "rule"):
		w := newWaiver(attrs)
		w.Source, w.InDomain, w.Tag = r.source, true, Span{start, end}
		where := parent.waiverPlace
		if where == outsideAudit {
			where = misplaced
		}
		w.WhyDropped, w.NoNamespace = dropReasons[where], where == inUnprefixedAudit
		f.waiver = w
		r.waivers = append(r.waivers, w)
	}
}

// misspeltFlaw says what is wrong with an element that is no waiver, where one is expected.
func misspeltFlaw(name string, directly bool) string {
	want := "waive"
	if directly {
		want = "audit"
	}
	return fmt.Sprintf("there is no element <%s> of this kind, did you mean <%s>?", name, want)
}

// noteWaiverEnd notes where a waiver, or the element that holds them, ends: its end tag begins at start.
func (r *reader) noteWaiverEnd(f *frame, start int) {
	switch {
	case f.waiver != nil:
		f.waiver.end = r.in.pos
	case f.waiverPlace == inAudit && f.raw.Local == "audit":
		r.auditElement.close = max(int32(start), r.auditElement.tagEnd)
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

// completeWaivers completes the waivers when the document has been read.
func (d *Domain) completeWaivers(waivers []*Waiver, within node) {
	d.Waivers, d.auditElement = slices.Clip(waivers), within
	for _, w := range d.Waivers {
		w.Reason, w.rawReason = secret.MaskWords(Shorten(reasonText(string(w.rawReason)))), nil
		if !Shown(w.Reason) && w.Flaw == "" {
			w.Flaw = "it gives no reason"
		}
		w.Pos = d.PosOf(w.Tag)
	}
}
