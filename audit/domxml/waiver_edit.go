package domxml

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Waive returns the document with a waiver added to the metadata of its domain, where libvirt keeps
// it. It replaces a waiver for the same rule and device, and changes no other byte. It returns an
// error if the domain is part of another document.
func (d *Domain) Waive(w *Waiver) ([]byte, error) {
	switch {
	case d.Origin.Stated:
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
	if a := d.auditElement; a.tagEnd > 0 {
		prefix := ""
		name := string(d.src[int(a.start)+1 : int(a.start)+afterName(d.src[a.start:a.tagEnd])])
		if p, _, ok := strings.Cut(name, ":"); ok {
			prefix = p + ":"
		}
		return d.insertLast(int(a.start), int(a.tagEnd), int(a.close), name, w.element(prefix+"waive"))
	}
	line, unit := d.layout(1)
	audit := `<va:audit xmlns:va="` + WaiverNamespace + `">` + line + unit + unit + w.element("va:waive") + line + unit + `</va:audit>`
	if at, ok := d.find(At("metadata")); ok {
		n := d.nodes[at]
		return d.insertLast(int(n.start), int(n.tagEnd), int(n.close), "metadata", audit)
	}
	// libvirt itself writes these elements before the metadata, in this order.
	after := int(d.nodes[0].tagEnd)
	for _, name := range []string{"name", "uuid", "genid", "title", "description"} {
		if at, ok := d.find(At(name)); ok {
			after = max(after, d.endOf(at))
		}
	}
	return after, after, line + "<metadata>" + line + unit + audit + line + "</metadata>"
}

// insertLast returns the edit that inserts an element as the last child of another, on a separate
// line if the document has lines.
func (d *Domain) insertLast(start, tagEnd, closing int, name, element string) (from, to int, text string) {
	line, unit := "", ""
	if before, ok := d.indent(start); ok {
		line, unit = d.newline()+before, d.unit()
	}
	if bytes.HasSuffix(d.src[start:tagEnd], []byte("/>")) {
		return tagEnd - len("/>"), tagEnd, ">" + line + unit + element + line + "</" + name + ">"
	}
	from = closing
	for from > tagEnd && isSpace(d.src[from-1]) {
		from--
	}
	if from == tagEnd { // the element is empty
		return from, closing, line + unit + element + line
	}
	return from, from, line + unit + element
}

// layout returns the beginning of a line at a depth, and the indentation of each level. Both are
// empty if the document is on one line.
func (d *Domain) layout(depth int) (line, unit string) {
	for i := d.nodes[0].first; i != 0; i = d.nodes[i].next {
		if _, ok := d.indent(int(d.nodes[i].start)); ok {
			unit = d.unit()
			root, _ := d.indent(int(d.nodes[0].start))
			return d.newline() + root + strings.Repeat(unit, depth), unit
		}
	}
	return "", ""
}

// unit returns the indentation of each level in the document, or two spaces, as libvirt writes, if
// it cannot be determined.
func (d *Domain) unit() string {
	root, _ := d.indent(int(d.nodes[0].start))
	for i := d.nodes[0].first; i != 0; i = d.nodes[i].next {
		if own, ok := d.indent(int(d.nodes[i].start)); ok && strings.HasPrefix(own, root) && own != root {
			return own[len(root):]
		}
	}
	return "  "
}

// indent returns the white space before an element that begins its line. ok is false if it does
// not.
func (d *Domain) indent(start int) (text string, ok bool) {
	from, _ := d.lines.around(d.src, start)
	before := string(d.src[from:start])
	return before, strings.Trim(before, " \t") == "" && from > 0
}

func (d *Domain) newline() string {
	if i := bytes.IndexByte(d.src, '\n'); i > 0 && d.src[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// endOf returns the offset after an element's end tag.
func (d *Domain) endOf(at int32) int {
	n := d.nodes[at]
	if bytes.HasSuffix(d.src[n.start:n.tagEnd], []byte("/>")) {
		return int(n.tagEnd)
	}
	return int(n.close) + bytes.IndexByte(d.src[n.close:], '>') + 1
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
	b.WriteString("<" + name + ` rule="` + escape(w.Rule) + `"`)
	if w.Device != "" {
		b.WriteString(` device="` + escape(w.Device) + `"`)
	}
	if !w.Until.IsZero() {
		b.WriteString(` until="` + w.Until.Format(time.DateOnly) + `"`)
	}
	b.WriteString(">" + escape(reasonText(w.Reason)) + "</" + name + ">")
	return b.String()
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;", "\r", "&#13;")

func escape(s string) string {
	s = escaper.Replace(s)
	if strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if unprintable(c) {
			fmt.Fprintf(&b, "&#x%x;", c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func unprintable(c rune) bool { return !unicode.IsPrint(c) }
