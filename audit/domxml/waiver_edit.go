package domxml

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Waive returns the document with a waiver added to the metadata of its domain, where libvirt keeps
// it. It replaces a waiver for the same rule and device, and changes no other byte. It returns an
// error if the domain is part of another document.
func (d *Domain) Waive(w *Waiver) ([]byte, error) {
	switch {
	case d.wrapped:
		return nil, errors.New("the domain is part of another document, which libvirt writes")
	case w.Rule == "" || !Shown(w.Reason):
		return nil, errors.New("a waiver must have a rule and a reason")
	}
	at, end, text := d.waiverEdit(w)
	out := slices.Concat(d.src[:at], []byte(text), d.src[end:])
	again, err := Load(d.Source, out)
	if err != nil {
		return nil, fmt.Errorf("the edited document could not be read: %w", err)
	}
	if !slices.ContainsFunc(again.Waivers, func(o *Waiver) bool {
		return o.Rule == w.Rule && o.Device == w.Device && o.Reason == Shorten(reasonText(w.Reason)) && o.Flaw == "" && o.WhyDropped == ""
	}) {
		return nil, errors.New("a waiver at its place in this document would not be valid")
	}
	return out, nil
}

// waiverEdit returns the range of the document to replace, and the new text.
func (d *Domain) waiverEdit(w *Waiver) (start, end int, text string) {
	for _, o := range d.Waivers {
		if o.Rule == w.Rule && o.Device == w.Device && o.WhyDropped == "" && !o.NoNamespace {
			name := string(d.src[o.Tag.Start+1 : o.Tag.Start+afterName(d.src[o.Tag.Start:o.Tag.End])])
			return o.Tag.Start, o.end, w.element(name)
		}
	}
	l := d.Layout()
	if a := d.auditElement; a.tagEnd > 0 {
		tag := d.src[a.start:a.tagEnd]
		prefix := ""
		if p, _, ok := strings.Cut(string(tag[1:afterName(tag)]), ":"); ok {
			prefix = p + ":"
		}
		return d.lastIn(Span{int(a.start), int(a.tagEnd)}, int(a.close), l).insert(w.element(prefix + "waive"))
	}
	line, unit := d.topLine(l)
	audit := `<va:audit xmlns:va="` + WaiverNamespace + `">` + line + unit + unit + w.element("va:waive") + line + unit + `</va:audit>`
	if e, missing := d.Find(At("metadata")); missing == nil {
		return e.LastIn(l).insert(audit)
	}
	// libvirt itself writes these elements before the metadata, in this order.
	after := int(d.nodes[0].tagEnd)
	for _, name := range []string{"name", "uuid", "genid", "title", "description"} {
		if e, missing := d.Find(At(name)); missing == nil {
			after = max(after, e.Whole().End)
		}
	}
	return after, after, line + "<metadata>" + line + unit + audit + line + "</metadata>"
}

// insert returns the edit that adds an element in the gap.
func (g Gap) insert(element string) (from, to int, text string) {
	return g.Start, g.End, g.Open + g.Line + element + g.Close
}

// topLine returns the beginning of the line of a child of the root, and the indentation of each
// level. Both are empty if the document is on one line.
func (d *Domain) topLine(l Layout) (line, unit string) {
	for e := range d.Root().All() {
		if _, ok := d.Indent(e.Tag().Start); ok {
			root, _ := d.Indent(d.Root().Tag().Start)
			return l.Newline + root + l.Unit, l.Unit
		}
	}
	return "", ""
}

// WaiverText returns waivers in the form that "virsh metadata --set" requires: one element without
// a prefix, which libvirt puts into the namespace itself. The existing waivers that are Kept come
// first. Characters that are not printable are written as references.
func WaiverText(old []*Waiver, w *Waiver) string {
	var b strings.Builder
	b.WriteString("<audit>")
	for _, o := range old {
		if o.Kept() && (o.Rule != w.Rule || o.Device != w.Device) {
			b.WriteString(o.element("waive"))
		}
	}
	return b.String() + w.element("waive") + "</audit>"
}

// Kept reports whether a waiver is valid and in a place where libvirt keeps it.
func (w *Waiver) Kept() bool { return w.Flaw == "" && w.WhyDropped == "" }

// Wrong returns, for users, why a waiver of a domain is invalid or would be dropped; "" if it is
// Kept.
func (w *Waiver) Wrong() string { return cmp.Or(w.Flaw, w.WhyDropped) }

// element formats the waiver as an element.
func (w *Waiver) element(name string) string {
	var b strings.Builder
	b.WriteString("<" + name + ` rule="` + Escape(w.Rule, `"'`) + `"`)
	if w.Device != "" {
		b.WriteString(` device="` + Escape(w.Device, `"'`) + `"`)
	}
	if !w.Until.IsZero() {
		b.WriteString(` until="` + w.Until.Format(time.DateOnly) + `"`)
	}
	b.WriteString(">" + Escape(reasonText(w.Reason), `"'`) + "</" + name + ">")
	return b.String()
}
