package audit

import (
	"bytes"
	"slices"
	"sort"
	"strings"
)

// hidden is what stands in a report where the document holds a secret.
const hidden = "******"

// secretAttributes and secretElements say where documents hold secrets, by the local name of the
// element. What a passthrough or firmware argument holds is not known, so it counts as secret whole.
var (
	secretAttributes = map[string]string{
		"graphics": "passwd", "arg": "value", "env": "value", "source": "query", "property": "value",
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
		if withArgument[o.Name] || withoutArgument[o.Name] {
			out[o.Path.index] = true
		}
	}
	return out
}

// secretMarks begin a secret in a value of any kind: the parameters of URLs and of network storage.
var secretMarks = []string{"password=", "passwd=", "pass=", "pwd=", "key=", "token=", "secret=", "sig=", "signature=", `password"`, `passwd"`, `secret"`}

// looksSecret reports whether a value of any attribute or element seems to hold a secret: a mark as
// above, or a user with a password as in "https://user:password@host".
func looksSecret(value []byte) bool {
	if at := bytes.LastIndexByte(value, '@'); at > 0 && bytes.ContainsAny(value[:at], ":%") {
		return true
	}
	if !bytes.ContainsAny(value, `="`) {
		return false
	}
	lower := bytes.ToLower(value)
	return slices.ContainsFunc(secretMarks, func(m string) bool { return bytes.Contains(lower, []byte(m)) })
}

// secretNames are the words, in small letters, that mark an attribute as one that holds a secret, wherever it
// stands: who has misspelt one has put his secret into it all the same.
var secretNames = [][]byte{[]byte("pass"), []byte("pwd"), []byte("secret"), []byte("token"), []byte("cookie"), []byte("cred")}

// harmlessNames are the attributes of libvirt's that have such a word in them.
var harmlessNames = set("passthrough", "passwdValidTo")

func namesSecret(attribute []byte) bool {
	if harmlessNames[string(attribute)] {
		return false
	}
	for i := range attribute {
		for _, word := range secretNames {
			if len(attribute)-i >= len(word) && bytes.EqualFold(attribute[i:i+len(word)], word) {
				return true
			}
		}
	}
	return false
}

// interval is a stretch of the document, in bytes.
type interval struct{ start, end int }

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

// allSecrets finds the secrets of the whole document, once. It goes by the tags as they are written
// and not by the index: what the reader dropped can hold secrets too, and is shown with its finding.
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
	src := x.src
	root := x.nodes[0] // what stands around it in a document of several has numbers of its own
	for i := 0; i < len(src); {
		lt := bytes.IndexByte(src[i:], '<')
		if lt < 0 {
			break
		}
		i += lt
		switch {
		case bytes.HasPrefix(src[i:], []byte("<!--")):
			i = len(src) - len(behind(src[i:], "-->"))
			continue
		case bytes.HasPrefix(src[i:], []byte("<![CDATA[")):
			i = len(src) - len(behind(src[i:], "]]>"))
			continue
		}
		end := i + tagEnd(src[i:])
		tag := src[i:end]
		local := localName(tag)
		shown := false
		if local == "arg" && i >= int(root.start) && i < int(root.close) {
			arg++
			shown = x.harmless[arg]
		}
		for at := afterName(tag); ; {
			name, value, _, next, ok := nextAttribute(tag, at)
			if !ok {
				break
			}
			at = next
			if secretAttributes[local] == string(name) && !shown || namesSecret(name) || looksSecret(value) && !shown {
				keep(i+next-1-len(value), i+next-1)
			}
		}
		i = end
		if len(tag) < 2 || tag[1] == '/' || tag[1] == '?' || tag[len(tag)-2] == '/' {
			continue
		}
		text := src[end:]
		if secretElements[local] {
			// All that is inside, elements too.
			if n := closing(text, tag); n > 0 && len(bytes.TrimSpace(text[:n])) > 0 {
				keep(end, end+n)
				i = end + n
			}
		} else if n := bytes.IndexByte(text, '<'); n > 0 && looksSecret(text[:n]) {
			keep(end, end+n)
		}
	}
	return x.hidden
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

// closing returns where the end tag of an element begins, in the text behind its start tag. An element
// of the same name inside ends it too early, which hides less: none of those that hold secrets nests.
func closing(text, tag []byte) int {
	name := tag[1:afterName(tag)]
	n := bytes.Index(text, append([]byte("</"), name...))
	return n
}
