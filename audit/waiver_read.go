package audit

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"time"
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
	switch {
	case name == "audit" && parent.node == f.node && parent.mode == metadata && parent.out == (xml.Name{Local: "metadata"}):
		switch {
		case uri == WaiverNamespace && r.ours.tagEnd > 0:
			f.waiving = lostSecond
		case uri == WaiverNamespace:
			f.waiving, r.ours = ourWaivers, node{start: int32(start), tagEnd: int32(end), close: int32(end)}
		case uri == "":
			f.waiving = bare
		default:
			f.waiving = lostName
		}
	case name != "waive":
		if uri == WaiverNamespace {
			f.waiving = lostPlace
		}
	case uri == WaiverNamespace || parent.waiving != noWaivers && uri == "" || parent.waiving == lostName && hasAttr(attrs, "rule"):
		w := newWaiver(attrs)
		w.Source, w.InDomain, w.start, w.end = r.source, true, start, end
		where := parent.waiving
		if where == noWaivers {
			where = lostPlace
		}
		w.lost, w.bare = lost[where], where == bare
		f.waiver = w
		r.waivers = append(r.waivers, w)
	}
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
			w.Device = a.Value
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

// ParseDay reads a day such as 2027-06-30.
func ParseDay(text string) (time.Time, error) {
	day, err := time.ParseInLocation(time.DateOnly, text, time.Local)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no day of the form 2027-06-30", text)
	}
	return day, nil
}

// reasoned completes the waivers when the document has been read.
func (d *Domain) reasoned(waivers []*Waiver, within node) {
	d.Waivers, d.waivers = slices.Clip(waivers), within
	for _, w := range d.Waivers {
		w.Reason, w.text = reasonText(string(w.text)), nil
		if w.Reason == "" && w.Flaw == "" {
			w.Flaw = "it gives no reason"
		}
		w.Pos = d.pos(w.start, w.end)
	}
}
