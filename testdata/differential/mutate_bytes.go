package differential

import (
	"strings"
	"unicode/utf16"
)

// byteMutations change bytes. They depend on no syntax except the XML declaration and the root
// element.
var byteMutations = []mutation{
	{name: "byte: replace", bytes: func(m *mutator, text string) string {
		return splice(m, text, 1, m.pick("<", ">", "&", "'", "\"", "/", "=", " ", "\x00", "\x1a",
			"\xff", "\t", "x", ":", ";", "!", "0", "-", "+"))
	}},
	{name: "byte: delete", bytes: func(m *mutator, text string) string {
		return splice(m, text, 1+m.IntN(3), "")
	}},
	{name: "byte: insert", bytes: func(m *mutator, text string) string {
		return splice(m, text, 0, m.pick("\x00", "\x01", "\x0b", "\x1a", "\x7f", "\x85", "\xff",
			"\xc0\x80", "\xed\xa0\x80", "\u00a0", "\u0085",
			"\u2028", "\ufeff", "\ufffe", "\u200b", "é", "\xe9", "𝟘", "\r", "\f", "]]>", "--",
			"&amp;", "<", ">"))
	}},
	{name: "byte: repeat a range", bytes: func(m *mutator, text string) string {
		at, n := m.IntN(len(text)), 1+m.IntN(60)
		return text[:at] + text[at:min(len(text), at+n)] + text[at:]
	}},
	{name: "byte: truncate", bytes: func(m *mutator, text string) string {
		return text[:max(1, len(text)-1-m.IntN(40))]
	}},
	{name: "byte: case of a letter", bytes: func(m *mutator, text string) string {
		at := m.IntN(len(text))
		if c := text[at]; c|0x20 >= 'a' && c|0x20 <= 'z' {
			return text[:at] + string(c^0x20) + text[at+1:]
		}
		return text
	}},
	{name: "line ends: CR LF", bytes: func(_ *mutator, text string) string {
		return strings.ReplaceAll(text, "\n", "\r\n")
	}},
	{name: "line ends: CR", bytes: func(_ *mutator, text string) string {
		return strings.ReplaceAll(text, "\n", "\r")
	}},
	{name: "byte order mark", bytes: func(_ *mutator, text string) string {
		return "\ufeff" + text
	}},
	{name: "declaration: encoding", bytes: func(m *mutator, text string) string {
		encoding := m.word(`utf-8 UTF-8 utf8 UTF8 us-ascii US-ASCII ASCII ISO-8859-1 latin1 windows-1252 UTF-16 UTF-16LE UTF-7
			UTF-32 UCS-4 EBCDIC-CP-US HTML KOI8-R Shift_JIS none`)
		return "<?xml version='1.0' encoding='" + encoding + "'?>\n" + undeclared(text)
	}},
	{name: "declaration: encoding obeyed", bytes: func(m *mutator, text string) string {
		text = undeclared(text)
		switch m.IntN(5) {
		case 0:
			return "<?xml version='1.0' encoding='ISO-8859-1'?>\n" + splice(m, text, 0, "\xe9")
		case 1:
			return "<?xml version='1.0' encoding='windows-1252'?>\n" + splice(m, text, 0, "\x80")
		case 2:
			return "<?xml version='1.0' encoding='US-ASCII'?>\n" + splice(m, text, 0, "é")
		case 3:
			return "<?xml version='1.0' encoding='UTF-7'?>\n" + splice(m, text, 0,
				m.pick("+ADw-title+AD4-x+ADw-/title+AD4-", "+ACA-", "+AOk-"))
		}
		return "\xff\xfe" + utf16le("<?xml version='1.0' encoding='UTF-16'?>\n"+text)
	}},
	{name: "encoding: UTF-16", bytes: func(m *mutator, text string) string {
		if m.maybe(50) {
			return utf16le(undeclared(text))
		}
		return "\xff\xfe" + utf16le(undeclared(text))
	}},
	{name: "declaration: form", bytes: func(m *mutator, text string) string {
		return m.pick("<?xml version='1.1'?>", "<?xml version='1.0' standalone='yes'?>",
			"<?xml version='1.0' standalone='no' encoding='UTF-8'?>",
			"<?xml version = \"1.0\" ?>", "<?xml version='1.0'encoding='UTF-8'?>",
			"<?xml encoding='UTF-8'?>", "<?xml?>", " <?xml version='1.0'?>",
			"\n<?xml version='1.0'?>",
			"<?XML version='1.0'?>", "<?xml version='1.0' foo='1'?>", "<?xml version='1.5'?>",
			"<?xml version='1.0'?><?xml version='1.0'?>",
			"<?xml\tversion='1.0'\r\n?>", "<!-- c --><?xml version='1.0'?>") + undeclared(text)
	}},
	{name: "before the root", bytes: func(m *mutator, text string) string {
		return m.pick("<!-- c -->", "<?p i?>", "text ", "\n\n", "&#32;", "<![CDATA[ ]]>", "\x00",
			"<!DOCTYPE domain>", "<a/>", "<!-- a -- b -->", "<?xml-stylesheet href='x'?>",
			"]]>") + undeclared(text)
	}},
	{name: "after the root", bytes: func(m *mutator, text string) string {
		return text + afterRoot(m)
	}},
	{name: "after the root, and a namespace error", bytes: func(m *mutator, text string) string {
		at := strings.LastIndex(text, "</")
		if at < 0 {
			return text + afterRoot(m)
		}
		spoilt := m.pick("<f:x/>", "<x xmlns:f=''/>", "<x xmlns:xml='urn:x'/>",
			"<x xmlns='http://www.w3.org/XML/1998/namespace'/>",
			"<x xmlns='not a uri'/>", "<x xml:id='1 2'/>", "<a:b:c/>", "<?a:b c?>",
			"<x xmlns='relative'/>", "<x xml:lang='zz zz'/>")
		return text[:at] + spoilt + text[at:] + afterRoot(m)
	}},
	{name: "doctype", bytes: func(m *mutator, text string) string {
		return m.pick("<!DOCTYPE domain>", "<!DOCTYPE domain SYSTEM 'file:///nonexistent.dtd'>",
			"<!DOCTYPE domain []>", "<!DOCTYPE x [<!ELEMENT x ANY>]>",
			"<!DOCTYPE domain [<!ATTLIST domain type CDATA 'qemu'>]>",
			"<!DOCTYPE domain [<!ATTLIST graphics listen CDATA '0.0.0.0'>]>",
			"<!DOCTYPE domain [<!ATTLIST type machine CDATA #FIXED 'isapc'>]>",
			"<!doctype domain>") + undeclared(text)
	}},
	{name: "entity", bytes: func(m *mutator, text string) string {
		text = undeclared(text)
		var at []int
		for i := 1; i+1 < len(text); i++ {
			if (text[i-1] == '>' || text[i-1] == '\'' || text[i-1] == '"') && text[i] != '<' && text[i] > ' ' {
				at = append(at, i)
			}
		}
		if len(at) == 0 {
			return text
		}
		i := at[m.IntN(len(at))]
		n := strings.IndexAny(text[i:], "<'\"")
		if n < 0 {
			return text
		}
		n = min(n, m.oneOf(0, 1, 3, 1000))
		value := text[i : i+n]
		if strings.ContainsAny(value, "&%'\"") {
			value = "x"
		}
		return "<!DOCTYPE domain [<!ENTITY e '" + value + "'>]>" + text[:i] + m.pick("&e;", "&e;",
			"&undefined;", "&amp;e;") + text[i+n:]
	}},
}

// splice replaces n bytes at a random place, most often inside the root element.
func splice(m *mutator, text string, n int, by string) string {
	at := m.IntN(len(text))
	return text[:at] + by + text[min(len(text), at+n):]
}

// undeclared is the text without an XML declaration.
func undeclared(text string) string {
	if strings.HasPrefix(text, "<?xml ") {
		if _, rest, ok := strings.Cut(text, "?>"); ok {
			return strings.TrimLeft(rest, blanks)
		}
	}
	return text
}

func afterRoot(m *mutator) string {
	return m.pick("text", "<domain type='qemu'/>", "</domain>", "<![CDATA[x]]>",
		"<!DOCTYPE domain>", "\x1a", "\xff", "\x00", "<a><b>", "<!-- c -->", "<?p i?>",
		"<?xml version='1.0'?>", " \n\t", "&#32;",
		"<!-- c -->\n<domain type='kvm'><name>x</name></domain>", "\u00a0", "]]>",
		"<!-- unfinished",
		"<?xml version='1.0'?><domain type='qemu'><name>second</name><memory>1</memory><os><type>hvm</type></os></domain>")
}

func utf16le(text string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(text)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}
