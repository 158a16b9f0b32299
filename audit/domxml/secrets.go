package domxml

import (
	"bytes"
	"slices"
	"sort"

	"github.com/virt-audit/virt-audit/audit/secret"
)

// secretAttributes and secretElements list, by the local name of the element, where documents hold
// secrets. What a passthrough or firmware argument contains is not known, so it counts as secret as
// a whole.
var (
	secretAttributes = map[string]string{
		"graphics": "passwd", "arg": "value", "env": "value", "source": "query", "property": "value",
	}
	secretElements = set("cookie", "cmdline", "initarg", "initenv", "entry", "metadata", "session", "bootloader_args", "description")
)

// shownOptions lists the passthrough options whose arguments a report may show, unless they look
// like a secret. Without its argument, a finding about an option is half as useful.
var shownOptions = set("accel", "machine", "M", "cpu", "smp", "device", "global", "sandbox", "compat", "gdb", "s", "monitor", "qmp",
	"qmp-pretty", "mon", "runas", "run-with", "incoming", "name", "rtc", "icount", "msg", "overcommit", "action", "watchdog", "no-kvm", "enable-kvm")

// shownArgs returns the numbers of the passthrough arguments that reports may show.
func (c Command) shownArgs() map[int]bool {
	if len(c.Options) == 0 {
		return nil
	}
	out := map[int]bool{}
	for _, o := range c.Options {
		if o.Name == "" {
			continue
		}
		if shownOptions[o.Name] && !secret.InValue(o.Value) && !secret.InArgument(o.Value) {
			out[o.At.index] = true
		}
		if withArgument[o.Name] || withoutArgument[o.Name] {
			out[o.Path.index] = true
		}
	}
	return out
}

// secrets returns the secret parts of a range of the document, in order.
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

// allSecrets finds the secrets of the whole document and caches them. It reads the tags as written
// instead of the index: elements that the reader dropped can contain secrets too, and their
// findings show them.
func (x *index) allSecrets() []interval {
	if !x.secretsFound {
		x.secretsFound = true
		h := secretSearch{index: x, root: x.nodes[0]}
		h.document()
		x.secretIntervals = h.found
	}
	return x.secretIntervals
}

// secretSearch is a search for everything that reports must not show.
type secretSearch struct {
	*index
	root         node // arguments outside this domain, in a document with several, do not count
	found        []interval
	foundEnd     int // the end of the last of found
	argCount     int
	secretDepth  int    // how many of the open elements are secret as a whole
	secretStart  int    // where the content of the outermost of those begins
	openElements []bool // for each open element: whether its text is a secret

	pending       []piece // the text and comments since the last tag
	afterStartTag bool    // the last tag was a start tag
}

// piece is a run of text, or a comment or processing instruction.
type piece struct {
	interval
	comment bool
}

func (h *secretSearch) hide(start, end int) {
	if start = max(start, h.foundEnd); start < end {
		h.found = append(h.found, interval{start, end})
		h.foundEnd = end
	}
}

func (h *secretSearch) document() {
	src := h.src
	for i := 0; i < len(src); {
		lt := bytes.IndexByte(src[i:], '<')
		if lt < 0 {
			break
		}
		h.pending = append(h.pending, piece{interval{i, i + lt}, false})
		i += lt
		switch {
		case bytes.HasPrefix(src[i:], []byte("<!--")):
			end := len(src) - len(afterMark(src[i:], "-->"))
			h.pending = append(h.pending, piece{interval{i, end}, true})
			i = end
		case bytes.HasPrefix(src[i:], []byte("<![CDATA[")):
			end := len(src) - len(afterMark(src[i:], "]]>"))
			start := i + len("<![CDATA[")
			h.pending = append(h.pending, piece{interval{start, max(start, end-len("]]>"))}, false})
			i = end
		case bytes.HasPrefix(src[i:], []byte("<?")):
			end := len(src) - len(afterMark(src[i:], "?>"))
			h.pending = append(h.pending, piece{interval{i, end}, true})
			i = end
		default:
			end := i + tagEnd(src[i:])
			closes := bytes.HasPrefix(src[i:], []byte("</"))
			h.content(h.afterStartTag && closes)
			h.tag(i, end)
			h.afterStartTag = !closes && (end < 2 || src[end-2] != '/')
			i = end
		}
	}
	h.content(false)
}

// content hides the secrets between two tags. Only the text of an element without child elements is
// a value that libvirt may read and that reports need. All other text is there by mistake, and is
// hidden because it may be anything.
func (h *secretSearch) content(value bool) {
	isSecret := !value || h.joinedSecret()
	for _, p := range h.pending {
		if p.comment {
			h.comment(p.start, p.end)
		} else {
			h.text(p.start, p.end, isSecret)
		}
	}
	h.pending = h.pending[:0]
}

// joinedSecret reports whether text that comments divide looks like a secret when it is joined.
func (h *secretSearch) joinedSecret() bool {
	if len(h.pending) < 2 || h.secretDepth > 0 {
		return false
	}
	var text []byte
	for _, p := range h.pending {
		if !p.comment {
			text = append(text, h.src[p.start:p.end]...)
		}
	}
	return rawLooksSecret(text)
}

// rawLooksSecret is secret.InValue for text as written in the document, in which character
// references may replace characters.
func rawLooksSecret(raw []byte) bool {
	if secret.InValue(raw) {
		return true
	}
	if bytes.IndexByte(raw, '&') < 0 {
		return false
	}
	// without this, each '&' after the last ';' would search the rest for one
	end := bytes.LastIndexByte(raw, ';') + 1
	return secret.InValue(unescape(raw[:end], false) + string(raw[end:]))
}

// comment hides a comment or processing instruction that names a secret. It hides all of it,
// because its format is not known.
func (h *secretSearch) comment(start, end int) {
	if body := h.src[start:end]; h.secretDepth == 0 && (secret.InName(body) || secret.InValue(body)) {
		h.hide(min(start+len("<!--"), end), end)
	}
}

// text hides a run of text that is known to be a secret, is in an element that holds one, or looks
// like one. Template marks are shown: they are what the user has to find.
func (h *secretSearch) text(start, end int, isSecret bool) {
	if h.secretDepth > 0 || len(h.openElements) == 0 || start >= end {
		return
	}
	text := h.src[start:end]
	if unrendered(text) {
		isSecret = secret.InName(text)
	}
	if (isSecret || h.openElements[len(h.openElements)-1] || rawLooksSecret(text)) && len(bytes.TrimSpace(text)) > 0 {
		h.hide(start, end)
	}
}

// unrendered reports whether a text seems to contain the marks of a template.
func unrendered(text []byte) bool {
	return bytes.IndexByte(text, '{') >= 0 && slices.ContainsFunc([]string{"{{", "{%", "${"}, func(mark string) bool {
		return bytes.Contains(text, []byte(mark))
	})
}

// tag hides the secrets of a tag and updates the open elements.
func (h *secretSearch) tag(start, end int) {
	tag := h.src[start:end]
	if len(tag) < 3 {
		return
	}
	local := localName(tag)
	if tag[1] == '/' {
		if local = localName(tag[1:]); secretElements[local] && h.secretDepth > 0 {
			if h.secretDepth--; h.secretDepth == 0 && len(bytes.TrimSpace(h.src[h.secretStart:start])) > 0 {
				h.hide(h.secretStart, start)
			}
		}
		h.openElements = h.openElements[:max(0, len(h.openElements)-1)]
		return
	}
	isSecret := h.attributes(local, start, tag)
	if tag[len(tag)-2] == '/' {
		return
	}
	h.openElements = append(h.openElements, isSecret || len(h.openElements) > 0 && h.openElements[len(h.openElements)-1])
	if secretElements[local] {
		if h.secretDepth++; h.secretDepth == 1 {
			h.secretStart = end
		}
	}
}

// attributes hides the secret attributes of a start tag, and reports whether the element's text is
// secret.
func (h *secretSearch) attributes(local string, start int, tag []byte) (isSecret bool) {
	shown := false
	if local == "arg" && start >= int(h.root.start) && start < int(h.root.close) {
		h.argCount++
		shown = h.shownArgs[h.argCount]
	}
	named := secret.InName(local)
	isSecret = named || setsSecret(tag)
	for at := afterName(tag); ; {
		name, value, _, next, ok := nextAttribute(tag, at)
		if !ok {
			return isSecret
		}
		at = next
		if h.secretDepth > 0 {
			continue
		}
		if secretAttributes[local] == string(name) && !shown || secret.InName(name) || rawLooksSecret(value) && !shown ||
			isSecret && valueNames[string(name)] || named && !referenceNames[string(name)] && !bytes.HasPrefix(name, []byte("xmlns")) ||
			unrendered(value) && secret.InName(value) {
			h.hide(start+next-1-len(value), start+next-1)
		}
	}
}

// valueNames lists the attributes that hold the value of a named setting.
var valueNames = set("value", "val", "v", "data", "text", "string", "content", "contents")

// referenceNames lists the attributes that identify a secret or its use but do not contain it.
var referenceNames = set("name", "key", "id", "type", "uuid", "usage", "username", "user", "format", "state", "mode", "model", "path", "file", "dev")

// setsSecret reports whether a tag sets a value whose name marks it as a secret, such as
// name='password'.
func setsSecret(tag []byte) bool {
	for at := afterName(tag); ; {
		name, value, _, next, ok := nextAttribute(tag, at)
		if !ok {
			return false
		}
		if n := string(name); (n == "name" || n == "key" || n == "id") && secret.InName(value) {
			return true
		}
		at = next
	}
}

// localName returns the name in a tag without its prefix.
func localName(tag []byte) string {
	if len(tag) < 2 {
		return ""
	}
	name := tag[1:max(1, afterName(tag))]
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	return string(name)
}
