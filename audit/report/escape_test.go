package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"html"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// escapes has a check for each context. It parses the result of the function as a reader of that
// context does, and returns the error as text, or "".
var escapes = map[string]func(text string) string{
	"terminal": func(text string) string {
		return wrongIf(strings.IndexFunc(printable(text), func(r rune) bool { return bad(r) || r == utf8.RuneError && !strings.ContainsRune(text, r) }) >= 0 ||
			strings.Contains(printable(text), runnerMark), printable(text))
	},
	"log of GitHub": func(text string) string {
		for line := range strings.SplitSeq(inert(text), "\n") {
			if strings.HasPrefix(strings.TrimLeftFunc(line, unicode.IsSpace), "::") {
				return line
			}
		}
		return ""
	},
	"shell": func(text string) string { return wrongIf(shellWord(shellQuote(text)) != text, shellQuote(text)) },
	"JSON": func(text string) string {
		in, err := json.Marshal(text)
		if err != nil {
			return err.Error()
		}
		var was, is string
		out := jsonVisible(in)
		if json.Unmarshal(in, &was) != nil || json.Unmarshal(out, &is) != nil || was != is {
			return string(out)
		}
		return wrongIf(bytes.IndexFunc(out, bad) >= 0 || bytes.Contains(out, []byte(runnerMark)), string(out))
	},
	"CSV cell": func(text string) string {
		for cell := range strings.SplitSeq(csvCell(text), ";") {
			if cell = strings.TrimLeft(cell, ` "`); cell != "" && strings.ContainsRune(csvFormula, []rune(cell)[0]) {
				return cell
			}
		}
		return wrongIf(strings.ContainsAny(csvCell(text), "\n\r\t"), csvCell(text))
	},
	"GitHub data": func(text string) string {
		back := strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n").Replace(githubData(text))
		return wrongIf(strings.ContainsAny(githubData(text), "\r\n") || back != text, githubData(text))
	},
	"GitHub property": func(text string) string {
		out := githubProperty(text)
		back := strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",").Replace(out)
		return wrongIf(strings.ContainsAny(out, "\r\n:,") || back != text, out)
	},
	"metric label": func(text string) string {
		back := strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n").Replace(metricLabel(text))
		return wrongIf(strings.Contains(metricLabel(text), "\n") || back != text, metricLabel(text))
	},
	"SARIF message": func(text string) string {
		out := sarifMessage(text)
		plain := strings.NewReplacer("{{", "", "}}", "").Replace(out)
		return wrongIf(strings.ContainsAny(plain, "{}") || strings.Contains(out, "]("), out)
	},
	"URI path": func(text string) string {
		back, err := url.PathUnescape(uriPath(text))
		return wrongIf(err != nil || back != text || strings.ContainsAny(uriPath(text), ":?# \n"), uriPath(text))
	},
	"XML text": func(text string) string {
		var v struct {
			Text string `xml:",chardata"`
		}
		if err := xml.Unmarshal([]byte("<a>"+xmlText(text)+"</a>"), &v); err != nil {
			return err.Error()
		}
		return wrongIf(strings.ReplaceAll(v.Text, `\x5bATT`, `[ATT`) != strings.ReplaceAll(printable(text), `\x5bATT`, `[ATT`) ||
			strings.Contains(v.Text, "[[ATTACHMENT"), v.Text)
	},
	"virt-host-validate": func(text string) string {
		return wrongIf(strings.Contains(validateCheck(text), ": "), validateCheck(text))
	},
	"HTML element": func(text string) string {
		out := htmlElement(text)
		return wrongIf(strings.ContainsAny(out, `<>"`) || html.UnescapeString(out) != clean(text), out)
	},
}

func wrongIf(wrong bool, out string) string {
	if wrong {
		return "wrong: " + out
	}
	return ""
}

// shellWord expands the quotes of a word as a POSIX shell does.
func shellWord(word string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(word); i++ {
		switch c := word[i]; {
		case c == '\'':
			quoted = !quoted
		case c == '\\' && !quoted:
			i++
			b.WriteByte(word[i])
		case !quoted && strings.IndexByte(" \t\n$`\"&|;<>()*?[]#~{}!=", c) >= 0:
			return "a shell would expand this"
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func TestEscapes(t *testing.T) {
	for name, check := range escapes {
		for _, text := range append(hostileNames, tricks...) {
			if wrong := check(text); wrong != "" {
				t.Errorf("%s: %q: %s", name, text, wrong)
			}
		}
	}
	for name, got := range map[string]string{
		"csvCell": csvCell("a; =b"), "githubData": githubData("a\n%"), "githubProperty": githubProperty("a:b,c"),
		"metricLabel": metricLabel("\"\\\n"), "sarifMessage": sarifMessage("{0} [a](b)"), "uriPath": uriPath("a:b c/#"),
		"xmlText": xmlText("<[[ATTACHMENT|x]]>"), "validateCheck": validateCheck("a: b"), "htmlElement": htmlElement("<a>"),
		"jsonVisible": string(jsonVisible([]byte("\"\u202e\""))), "clean": clean("a\xff"), "printableLines": printableLines("a\x1b\nb"),
	} {
		want := map[string]string{
			"csvCell": "a; '=b", "githubData": "a%0A%25", "githubProperty": "a%3Ab%2Cc",
			"metricLabel": `\"\\\n`, "sarifMessage": "{{0}} [a] (b)", "uriPath": "a%3Ab%20c/%23",
			"xmlText": `&lt;[\x5bATTACHMENT|x]]&gt;`, "validateCheck": `a:\x20b`, "htmlElement": "&lt;a&gt;",
			"jsonVisible": `"\u202e"`, "clean": "a\ufffd", "printableLines": "a\\x1b\nb",
		}[name]
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// TestShellQuoteInShell expands the words with a real shell.
func TestShellQuoteInShell(t *testing.T) {
	for _, text := range hostileNames {
		if strings.Contains(text, "\x00") {
			continue
		}
		out, err := exec.Command("sh", "-c", "printf %s "+shellQuote(text)).Output()
		if err != nil || string(out) != text {
			t.Errorf("%q: %q, %v", text, out, err)
		}
	}
}

// FuzzEscape checks the function of every context with arbitrary bytes.
func FuzzEscape(f *testing.F) {
	for _, text := range append(hostileNames, tricks...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, check := range escapes {
			if wrong := check(text); wrong != "" {
				t.Errorf("%s: %q: %q", name, text, wrong)
			}
		}
	})
}

// FuzzMarkdown renders a text in each context of Markdown with a reader of GitHub's flavour. It must not
// result in a link, or an element other than code.
func FuzzMarkdown(f *testing.F) {
	for _, text := range append(hostileNames, tricks...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, source := range map[string]string{
			"prose": "x: " + prose(text), "code": "x: " + codeSpan(text),
			"cell": "| a |\n|---|\n| x " + cellCode(text) + " |", "block": "x\n" + markdownBlock("diff", []string{text}),
		} {
			p := readPage(t, goldmarkHTML(t, source+"\n"))
			for _, e := range p.elements {
				switch e {
				case "page", "p", "code", "pre", "table", "thead", "tbody", "tr", "th", "td":
				default:
					t.Errorf("%s: %q becomes the element %s: %q", name, text, e, source)
				}
			}
			if p.count("td") > 1 || p.count("tr") > 2 || len(p.hrefs) > 0 {
				t.Errorf("%s: %q is more than one cell: %q", name, text, source)
			}
		}
	})
}
