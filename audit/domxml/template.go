package domxml

import (
	"bytes"
	"sort"
	"strings"

	"github.com/virt-audit/virt-audit/audit/source"
)

// templateMarks are what the common template languages put before a placeholder.
var templateMarks = []string{"{{", "{%", "<%", "${"}

// explainTemplate returns the error with a hint if the document looks like an unrendered template.
func explainTemplate(bad *source.Error, src []byte) error {
	mark := ""
	eachMark(src, func(_ int, m string) bool { mark = m; return false })
	if mark == "" {
		return bad
	}
	explained := *bad
	explained.Message = "the document looks like a template that was not rendered, since it contains '" + mark +
		"': render it and audit the result (" + bad.Message + ")"
	return &explained
}

// Template returns the first mark of a template in a value that libvirt reads. It ignores text for
// people, metadata, comments, and everything that is passed to the guest's kernel, its firmware or
// QEMU: such marks have other uses there. mark is "" if there is none.
func (d *Domain) Template() (at Span, mark string) {
	var comments []interval
	searched, hits := false, 0
	eachMark(d.src, func(offset int, m string) bool {
		if !searched {
			comments, searched = commentsOf(d.src), true
		}
		if hits++; hits > maxTemplateMarks {
			return false
		}
		if inAny(comments, offset) || !d.templateMayFill(offset) {
			return true
		}
		at, mark = Span{offset, offset + len(m)}, m
		return false
	})
	return at, mark
}

// maxTemplateMarks bounds the number of marks that are examined: a document with more of them in
// its prose is not worth the time.
const maxTemplateMarks = 1000

// markedForOtherReasons lists the elements in which template marks have other uses.
var markedForOtherReasons = set("metadata", "description", "title", "cmdline", "bootloader_args", "initarg", "initenv",
	"entry", "qemu:commandline", "xen:commandline", "bhyve:commandline", "qemu:override")

// templateMayFill reports whether libvirt reads a value at an offset that a template would fill in.
func (x *index) templateMayFill(offset int) bool {
	at := int32(sort.Search(len(x.nodes), func(i int) bool { return int(x.nodes[i].start) > offset }) - 1)
	if at < 0 {
		return false
	}
	for at != 0 && offset >= int(x.nodes[at].close) && offset >= int(x.nodes[at].tagEnd) {
		at = x.nodes[at].parent
	}
	for ; at != 0; at = x.nodes[at].parent {
		if markedForOtherReasons[x.nodes[at].name] {
			return false
		}
	}
	return true
}

// eachMark calls do for each template mark in src until it returns false. Marks of one kind come in
// order.
func eachMark(src []byte, do func(offset int, mark string) bool) {
	for _, mark := range templateMarks {
		for from := 0; ; {
			i := bytes.Index(src[from:], []byte(mark))
			if i < 0 {
				break
			}
			if !do(from+i, mark) {
				return
			}
			from += i + len(mark)
		}
	}
	for from := 0; ; {
		i := bytes.IndexByte(src[from:], '@')
		if i < 0 {
			return
		}
		from += i
		n := placeholder(src[from:])
		if n > 0 && !do(from, string(src[from:from+n])) {
			return
		}
		from += max(n, 1)
	}
}

// placeholder returns the length of the "@NAME@", as autoconf writes it, at the beginning of src,
// or 0.
func placeholder(src []byte) int {
	const capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
	for i := 1; i < min(len(src), 40); i++ {
		switch {
		case src[i] == '@' && i > 1:
			return i + 1
		case strings.IndexByte(capitals, src[i]) < 0:
			return 0
		}
	}
	return 0
}

// commentsOf returns the comments of a well-formed document.
func commentsOf(src []byte) []interval {
	var out []interval
	for from := 0; ; {
		i := bytes.Index(src[from:], []byte("<!--"))
		if i < 0 {
			return out
		}
		start := from + i
		n := bytes.Index(src[start:], []byte("-->"))
		if n < 0 {
			return out
		}
		from = start + n
		out = append(out, interval{start, from})
	}
}

// inAny reports whether an offset is in one of the intervals, which must be sorted.
func inAny(list []interval, offset int) bool {
	i := sort.Search(len(list), func(i int) bool { return list[i].end > offset })
	return i < len(list) && list[i].start <= offset
}
