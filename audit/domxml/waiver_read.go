package domxml

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/secret"
)

// The reader skips <metadata> except for waivers. libvirt keeps the first of several elements of
// one namespace there and none without a namespace, and outside <metadata> it drops every element
// that it does not know (tested with "virsh define" of libvirt 9 and 11). A waiver in such a place
// is lost when the guest is defined, so it does not count and is reported.

// waiverPlace is where an element is in relation to the places that hold waivers.
type waiverPlace uint8

const (
	outsideAudit      waiverPlace = iota
	inAudit                       // inside <audit> of WaiverNamespace, directly below <metadata>
	inUnprefixedAudit             // the same without a namespace, as in the output of "virsh metadata"
	inSecondAudit                 // inside a second <audit>
	misplaced                     // anywhere else
	inForeignAudit                // inside <audit> of another namespace
)

// dropReasons is the reason why libvirt drops a waiver, by its place.
var dropReasons = map[waiverPlace]string{
	inSecondAudit:  "it is in a second element of this namespace, of which libvirt keeps the first",
	misplaced:      "it is not directly inside the <audit> of <metadata>, where libvirt would keep it",
	inForeignAudit: "the namespace of <audit> is not " + WaiverNamespace,
}

// noteWaiver records a waiver in any place, and the name of an element directly below <metadata>. It
// is called for elements that libvirt's drivers do not read.
func (r *reader) noteWaiver(f *frame, t xml.StartElement, attrs []xml.Attr, start, end int) {
	uri, _ := r.resolve(t.Name.Space)
	parent := &r.stack[len(r.stack)-2]
	name := t.Name.Local
	inNamespace := uri == WaiverNamespace
	directly := parent.node == f.node && parent.mode == metadata && parent.out == (xml.Name{Local: "metadata"})
	second := directly && uri != "" && !r.metadataNamespaces.Add(uri) // after an element of any name
	if directly && uri != "" && !second {
		r.metadataNames = append(r.metadataNames, xml.Name{Space: uri, Local: name})
	}
	switch {
	case name == "audit" && directly:
		switch {
		case inNamespace && second:
			f.waiverPlace = inSecondAudit
		case inNamespace:
			f.waiverPlace, r.auditElement = inAudit, node{start: int32(start), tagEnd: int32(end), close: int32(end)}
		case uri == "":
			f.waiverPlace = inUnprefixedAudit
		default:
			f.waiverPlace = inForeignAudit
		}
	case name != "waive":
		if inNamespace {
			f.waiverPlace = misplaced
		}
		if inNamespace && name != "audit" || parent.waiverPlace == inAudit || parent.waiverPlace == inUnprefixedAudit || parent.waiverPlace == inSecondAudit {
			f.waiverPlace = misplaced
			w := &Waiver{Flaw: misspeltFlaw(name, directly)}
			w.Source, w.InDomain, w.Tag = r.source, true, Span{start, end}
			r.waivers = append(r.waivers, w)
		}
	case inNamespace || parent.waiverPlace != outsideAudit && uri == "" || parent.waiverPlace == inForeignAudit && hasAttr(attrs, "rule"):
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

// misspeltFlaw returns the flaw of an element that is in the place of a waiver and has another
// name.
func misspeltFlaw(name string, directly bool) string {
	want := "waive"
	if directly {
		want = "audit"
	}
	return fmt.Sprintf("there is no element <%s> of this kind, did you mean <%s>?", name, want)
}

// noteWaiverEnd records the end of a waiver, or of the element that holds waivers. start is the
// offset of the end tag.
func (r *reader) noteWaiverEnd(f *frame, start int) {
	switch {
	case f.waiver != nil:
		f.waiver.end = r.in.pos
	case f.waiverPlace == inAudit && f.raw.Local == "audit":
		r.auditElement.close = max(int32(start), r.auditElement.tagEnd)
	}
}

// newWaiver reads the attributes of a waiver. Its reason is the text, which comes later.
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
			w.Flaw = fmt.Sprintf("it has the unknown attribute %q; the known ones are rule, until and device", name)
		}
	}
	if w.Rule == "" {
		w.Flaw = "it names no rule"
	}
	return w
}

// completeWaivers sets the reasons and positions of the waivers after the document has been read.
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
