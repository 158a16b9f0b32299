package domxml

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit/secret"
)

// ContentAt returns the digest of the element or attribute at a path, or of its nearest existing
// ancestor. It caches the digests: an element can have any number of findings.
func (d *Domain) ContentAt(p Path) Content {
	var key contentKey
	key.at, key.exact = d.find(p)
	key.device, _ = d.deviceNode(p)
	c, ok := d.contents[key]
	if !ok {
		c = d.contentOfNode(key)
		if d.contents == nil {
			d.contents = map[contentKey]Content{}
		}
		d.contents[key] = c
	}
	return c
}

func (d *Domain) contentOfNode(key contentKey) Content {
	var b strings.Builder
	at, exact := key.at, key.exact
	n := &d.nodes[at]
	d.writeTag(&b, n.name, int(n.start), int(n.tagEnd))
	if exact && n.first == 0 && n.close > n.tagEnd {
		b.WriteString(d.shownText(at))
	}
	if key.device != 0 {
		b.WriteString(d.identity(key.device))
	}
	if strings.HasSuffix(n.name, ":arg") || strings.HasSuffix(n.name, ":commandline") {
		b.Reset()
		d.writeCommand(&b, at)
	}
	return Digest(b.String())
}

// ContentOf returns the digest of a start tag that the index does not have.
func (d *Domain) ContentOf(at Span) Content {
	var b strings.Builder
	d.writeTag(&b, localName(d.src[at.Start:at.End]), at.Start, at.End)
	return Digest(b.String())
}

// volatileAttributes lists, by element, the attributes that libvirt writes into the document of a
// running guest with different values at each start, and the defaults for a graphics card, which
// libvirt spells out when it defines a document. Neither makes a different guest.
var volatileAttributes = map[string]map[string]bool{
	"domain": set("id"), "console": set("tty"), "source": set("index", "portid"),
	"model": set("vram", "vram64", "ram", "vgamem", "heads", "primary"),
}

// writeTag writes a start tag with its attributes sorted by name and its secrets masked.
func (x *index) writeTag(b *strings.Builder, name string, start, end int) {
	attributes := x.shownAttributes(name, start, end)
	if name == "graphics" && slices.Contains(attributes, `autoport="yes"`) {
		attributes = slices.DeleteFunc(attributes, func(a string) bool {
			return strings.HasPrefix(a, "port=") || strings.HasPrefix(a, "tlsPort=") || strings.HasPrefix(a, "websocket=")
		})
	}
	b.WriteString("<" + name + " " + strings.Join(attributes, " ") + ">")
}

func (x *index) shownAttributes(element string, start, end int) []string {
	var out []string
	tag := x.src[start:end]
	named := ""
	for i := afterName(tag); ; {
		name, value, _, next, ok := nextAttribute(tag, i)
		if !ok {
			break
		}
		i = next
		if string(name) == "name" {
			named = string(value)
		}
		if bytes.HasPrefix(name, []byte("xmlns")) || volatileAttributes[element][string(name)] {
			continue
		}
		to := start + next - 1
		text := strings.Join(strings.Fields(unescape(value, true)), " ")
		if element == "mac" && string(name) == "address" {
			text = strings.ToLower(text) // the form that libvirt writes
		}
		if len(x.secrets(to-len(value), to)) > 0 {
			_, local, prefixed := strings.Cut(element, ":")
			if !prefixed {
				local = element
			}
			if secretAttributes[local] == string(name) || secret.InName(name) || setsSecret(tag) ||
				secret.InName(local) && !referenceNames[string(name)] {
				text = secret.Hidden
			} else {
				text = contentOfValue(text)
			}
		}
		out = append(out, string(name)+"="+strconv.Quote(text))
	}
	if element == "source" {
		out = append(out, x.query(tag)...)
	}
	if strings.HasSuffix(element, ":env") || element == "qemu:property" {
		out = append(out, x.setting(named, tag))
	}
	slices.Sort(out)
	return out
}

// query returns the parameters of the query of a <source>. Reports hide the query as a whole.
func (x *index) query(tag []byte) []string {
	for i := afterName(tag); ; {
		name, raw, _, next, ok := nextAttribute(tag, i)
		if !ok {
			return nil
		}
		i = next
		if string(name) != "query" {
			continue
		}
		var out []string
		for parameter := range strings.FieldsFuncSeq(unescape(raw, true), func(r rune) bool { return r == '&' || r == ';' }) {
			key, value, _ := strings.Cut(parameter, "=")
			out = append(out, "query "+strconv.Quote(key)+"="+strconv.Quote(maskedValue(key, value)))
		}
		return out
	}
}

// setting returns the value of an element that sets something by name. Reports show no such value;
// a fingerprint can include it unless its name or its form marks it as a secret.
func (x *index) setting(name string, tag []byte) string {
	for i := afterName(tag); ; {
		attribute, raw, _, next, ok := nextAttribute(tag, i)
		if !ok {
			return ""
		}
		i = next
		if string(attribute) == "value" {
			return "set=" + strconv.Quote(maskedValue(name, unescape(raw, true)))
		}
	}
}

// shownText returns the text of an element, or a mask.
func (x *index) shownText(at int32) string {
	n := &x.nodes[at]
	text := strings.Join(strings.Fields(textOf(x.src[n.tagEnd:n.close])), " ")
	tag := x.src[n.start:n.tagEnd]
	switch {
	case len(x.secrets(int(n.tagEnd), int(n.close))) == 0:
		return text
	case n.name == "cmdline":
		return kernelContent(text)
	case n.name == "entry" && !setsSecret(tag):
		return smbiosContent(text)
	case secretElements[n.name] || secret.InName(n.name) || setsSecret(tag):
		return secret.Hidden
	}
	return contentOfValue(text)
}

// writeCommand writes the option that an argument belongs to. For the element around the arguments
// it writes all options and the environment.
func (d *Domain) writeCommand(b *strings.Builder, at int32) {
	one := strings.HasSuffix(d.nodes[at].name, ":arg")
	if !one {
		for i := d.nodes[at].first; i != 0; i = d.nodes[i].next {
			if n := &d.nodes[i]; !strings.HasSuffix(n.name, "qemu:arg") && !strings.HasSuffix(n.name, "xen:arg") {
				d.writeTag(b, n.name, int(n.start), int(n.tagEnd))
			}
		}
		for i := range d.Command.Options {
			d.Command.Options[i].write(b)
		}
		return
	}
	if o := d.optionOf(d.nth(at)); o != nil {
		o.write(b)
		return
	}
	n := &d.nodes[at] // not part of QEMU's command line
	d.writeTag(b, n.name, int(n.start), int(n.tagEnd))
}
