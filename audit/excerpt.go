package audit

import (
	"bytes"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// Excerpt is the line of the document that a finding is about, with every secret on it replaced,
// and the columns to point at: code points of Line, from zero, the end exclusive.
type Excerpt struct {
	Line       string
	Start, End int
}

// maxExcerpt bounds an excerpt, in bytes on either side of the place: a document on one line would
// be repeated whole with every finding otherwise.
const maxExcerpt = 160

// hidden is what stands in a report where the document holds a secret.
const hidden = "******"

// secretAttributes and secretElements say where documents hold secrets, by element name. What a
// passthrough or firmware argument holds is not known, so it counts as secret whole.
var (
	secretAttributes = map[string]string{
		"graphics": "passwd", "qemu:arg": "value", "qemu:env": "value", "xen:arg": "value", "xen:env": "value",
		"bhyve:arg": "value", "bhyve:env": "value", "source": "query", "qemu:property": "value",
	}
	secretElements = set("cookie", "cmdline", "initarg", "initenv", "entry", "metadata", "session", "bootloader_args", "description")
)

// harmlessOptions are the passthrough options whose arguments a report may show, unless they look as if
// a secret were in them all the same. To see which argument is meant is half of the finding.
var harmlessOptions = set("accel", "machine", "M", "cpu", "smp", "device", "global", "sandbox", "compat", "gdb", "s", "monitor", "qmp",
	"qmp-pretty", "mon", "runas", "run-with", "incoming", "name", "rtc", "icount", "msg", "overcommit", "action", "watchdog", "no-kvm", "enable-kvm")

// suspicious are the words, in small letters, that mark an argument as one that may hold a secret.
var suspicious = []string{"pass", "secret", "data=", "key", "token", "cookie", "user", "cred", "://", "auth", "string="}

// harmless returns the numbers of the passthrough arguments that may be shown.
func (c Command) harmless() map[int]bool {
	if len(c.Options) == 0 {
		return nil
	}
	out := map[int]bool{}
	for _, o := range c.Options {
		if o.Name == "" {
			continue
		}
		lower := strings.ToLower(o.Value)
		if harmlessOptions[o.Name] && !slices.ContainsFunc(suspicious, func(w string) bool { return strings.Contains(lower, w) }) {
			out[o.At.index] = true
		}
		if _, known := withArgument[o.Name]; known || withoutArgument[o.Name] {
			out[o.Path.index] = true
		}
	}
	return out
}

type interval struct{ start, end int }

// excerpt cuts out the first line of a span, secrets masked.
func (x *index) excerpt(start, end int) Excerpt {
	from, to := lineAt(x.src, start)
	end = min(end, to)
	cutLeft, cutRight := from < start-maxExcerpt, to > end+maxExcerpt
	if cutLeft {
		from = x.rune(start - maxExcerpt)
	}
	if cutRight {
		to = x.rune(end + maxExcerpt)
	}
	secrets := x.secrets(from, to)
	var b strings.Builder
	var e Excerpt
	if cutLeft {
		b.WriteString("…")
	}
	mark := func(at int, column *int, pos int) {
		if at == pos {
			*column = utf8.RuneCountInString(b.String())
		}
	}
	e.End = -1
	for i := from; i < to; {
		if n := len(secrets); n > 0 && i >= secrets[0].start {
			s := secrets[0]
			secrets = secrets[1:]
			if start >= s.start && start < s.end {
				e.Start = utf8.RuneCountInString(b.String())
			}
			b.WriteString(hidden)
			if end > s.start && end <= s.end {
				e.End = utf8.RuneCountInString(b.String())
			}
			i = max(i, s.end)
			continue
		}
		mark(start, &e.Start, i)
		mark(end, &e.End, i)
		_, size := utf8.DecodeRune(x.src[i:])
		b.Write(x.src[i : i+size])
		i += size
	}
	if e.End < 0 {
		e.End = utf8.RuneCountInString(b.String())
	}
	if cutRight {
		b.WriteString("…")
	}
	e.Line = strings.TrimRight(b.String(), " \t\r")
	e.Start = min(e.Start, utf8.RuneCountInString(e.Line))
	e.End = min(max(e.End, e.Start+1), max(utf8.RuneCountInString(e.Line), e.Start+1))
	return e
}

// rune returns the first offset, from i on, at which a code point begins.
func (x *index) rune(i int) int {
	for i < len(x.src) && !utf8.RuneStart(x.src[i]) {
		i++
	}
	return i
}

// secrets returns the parts of a stretch of the document that must not be shown, in order.
func (x *index) secrets(from, to int) []interval {
	all := x.allSecrets()
	first := sort.Search(len(all), func(i int) bool { return all[i].end > from })
	var out []interval
	for _, s := range all[first:] {
		if s.start >= to {
			break
		}
		out = append(out, interval{max(s.start, from), min(s.end, to)})
	}
	return out
}

// allSecrets finds the secrets of the whole document, once.
func (x *index) allSecrets() []interval {
	if x.hiddenDone {
		return x.hidden
	}
	x.hiddenDone = true
	last := 0
	keep := func(start, end int) {
		if start = max(start, last); start < end {
			x.hidden = append(x.hidden, interval{start, end})
			last = end
		}
	}
	arg := 0
	for i := range x.nodes {
		n := &x.nodes[i]
		if n.name == "qemu:arg" || n.name == "xen:arg" {
			if arg++; x.harmless[arg] {
				continue
			}
		}
		if name := secretAttributes[n.name]; name != "" {
			if a, ok := x.attribute(int32(i), name); ok {
				keep(a.end-1-len(a.value), a.end-1)
			}
		}
		if secretElements[n.name] && len(bytes.TrimSpace(x.src[n.tagEnd:n.close])) > 0 {
			keep(int(n.tagEnd), int(n.close))
		}
	}
	return x.hidden
}
