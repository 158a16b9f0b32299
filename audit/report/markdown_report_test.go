package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/rules"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// page is Markdown as a reader of GitHub's flavour renders it.
type page struct {
	elements []string
	hrefs    []string
	text     string   // all of it
	codes    []string // each text that is code
}

// goldmarkHTML renders Markdown, elements in it included.
func goldmarkHTML(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe(), html.WithXHTML()))
	if err := md.Convert([]byte(text), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// githubHTML renders with GitHub's own cmark-gfm, which detects addresses in more places.
func githubHTML(t *testing.T, text string) string {
	t.Helper()
	need.Programs(t, "cmark-gfm")
	cmd := exec.Command("cmark-gfm", "--unsafe", "-e", "table", "-e", "autolink", "-e", "strikethrough", "-e", "tasklist")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// readPage parses a page.
func readPage(t *testing.T, text string) page {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader("<page>" + text + "</page>"))
	d.Entity = xml.HTMLEntity
	var p page
	inCode := false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return p
		}
		if err != nil {
			t.Fatalf("the page is not well-formed: %v\n%.2000s", err, text)
		}
		switch token := token.(type) {
		case xml.StartElement:
			p.elements = append(p.elements, token.Name.Local)
			for _, a := range token.Attr {
				if language := strings.HasPrefix(a.Value, "language-"); language && token.Name.Local == "code" {
					continue
				}
				if a.Name.Local != "href" {
					t.Errorf("an element has the attribute %s=%q", a.Name.Local, a.Value)
				}
				p.hrefs = append(p.hrefs, a.Value)
			}
			if inCode = token.Name.Local == "code"; inCode {
				p.codes = append(p.codes, "")
			}
		case xml.EndElement:
			inCode = false
		case xml.CharData:
			p.text += string(token)
			if inCode {
				p.codes[len(p.codes)-1] += string(token)
			}
		}
	}
}

func (p page) count(element string) int {
	n := 0
	for _, e := range p.elements {
		if e == element {
			n++
		}
	}
	return n
}

// TestMarkdownHostile renders hostile names with independent readers. The names must be in the page
// unchanged, and must not result in elements, links or cells.
func TestMarkdownHostile(t *testing.T) {
	o := options()
	o.ShowWaived = true
	results := hostile(t)
	for _, name := range tricks {
		results = append(results, &audit.Result{Name: name, Source: name, Target: audit.Target{Machine: name}, Findings: []audit.Finding{{Rule: rules.All()[0], Message: name}}})
	}
	errs := problems()
	for _, text := range tricks {
		errs = append(errs, errors.New(text))
	}
	out := render(t, "markdown", o, results, notices(), errs)
	t.Run("goldmark", func(t *testing.T) { holdHostile(t, readPage(t, goldmarkHTML(t, out)), results) })
	t.Run("cmark-gfm", func(t *testing.T) { holdHostile(t, readPage(t, githubHTML(t, out)), results) })
}

func holdHostile(t *testing.T, p page, results []*audit.Result) {
	t.Helper()
	urls := map[string]bool{}
	for _, r := range rules.All() {
		urls[r.URL()] = true
	}
	for _, href := range p.hrefs {
		if !urls[href] {
			t.Errorf("a link goes to %q", href)
		}
	}
	for _, e := range p.elements {
		if !slices.Contains(strings.Fields("page h2 h3 h4 p blockquote ul li strong a code pre table thead tbody tr th td details summary"), e) {
			t.Errorf("there is an element <%s>", e)
		}
	}
	if p.count("blockquote") != 1 { // it is too long for a comment
		t.Errorf("%d quotes, want 1", p.count("blockquote"))
	}
	if rows := len(results) + 1; p.count("tr") != rows || p.count("td")+p.count("th") != 5*rows {
		t.Errorf("%d rows and %d cells, want %d and %d", p.count("tr"), p.count("td")+p.count("th"), rows, 5*rows)
	}
	if p.count("details") != len(results) || p.count("summary") != len(results) {
		t.Errorf("%d guests are folded, want %d", p.count("details"), len(results))
	}
	for _, r := range results {
		for _, text := range []string{clean(r.Name), clean(r.Source) + ":", clean(r.Target.Machine)} {
			if !strings.Contains(p.text, text) {
				t.Errorf("the page has no %.60q", text)
			}
		}
		if name := clean(r.Name); !slices.Contains(p.codes, name) {
			t.Errorf("the name %.60q is not code", name)
		}
	}
	for _, text := range hostileNames {
		for _, want := range []string{"broken " + text + ":2:7", "absent " + text, ".virt-audit.yaml " + text + ":3:5"} {
			if !slices.Contains(p.codes, printable(want)) {
				t.Errorf("the page has no %.60q", want)
			}
		}
	}
}

// tricks are texts with a meaning in Markdown, or for GitHub after it.
var tricks = []string{
	"@everyone look", "mail a@example.org now", "www.example.org", "see https://example.org/", "a <https://example.org> b", "xmpp:a@b.example", "fixes #1", "GH-12", "a5c3785ed8d6",
	":tada:", "$x$", "~~gone~~", "`", "``", "a`", "`a", "`a``b`", " padded ", "a ", "\\", "a\\", "\\|", "a\\|b", "|", "||", "|@a.b@c.d|", "*bold*", "_x_", "[a]: https://example.org", "![i](x)", "[x][1]", "<b>", "&lt;",
	"# head", "- item", "> quote", "1. one", "---", "```", "~~~", "<details>", "</details>", "</code>", "</summary>", "<!--", "a\x00b", "\xff", "C:\\dir|x",
}

// TestMarkdownText renders the result of each function that escapes text. It must be the text.
func TestMarkdownText(t *testing.T) {
	for _, text := range slices.Concat(tricks, hostileNames) {
		want := clean(text)
		for name, c := range map[string]struct{ source, elements string }{
			"code":  {codeSpan(text), "page p code"},
			"item":  {"- " + codeSpan(text), "page ul li code"},
			"cell":  {"| a | b |\n|---|---|\n| " + cellCode(text) + " | x |", "page table thead tr th th tbody tr td code td"},
			"fence": {strings.TrimPrefix(markdownBlock("diff", []string{"$ " + want}), "\n"), "page pre code"},
		} {
			p := readPage(t, goldmarkHTML(t, c.source+"\n"))
			if got := strings.Join(p.elements, " "); got != c.elements {
				t.Errorf("%s of %.60q: elements %s, want %s\n%.200s", name, text, got, c.elements, c.source)
				continue
			}
			if got := strings.TrimSuffix(strings.TrimPrefix(p.codes[0], "$ "), "\n"); got != want {
				t.Errorf("%s of %.60q reads %.60q", name, text, got)
			}
		}
		p := readPage(t, goldmarkHTML(t, "x: "+prose(text)+"\n"))
		words := strings.Join(strings.Fields(text), " ")
		if got := strings.TrimPrefix(strings.TrimSuffix(p.text, "\n"), "x: "); got != clean(words) {
			t.Errorf("prose of %.60q reads %.60q", text, got)
		}
		if e := strings.Join(p.elements, " "); e != "page p" && e != "page p code" {
			t.Errorf("prose of %.60q: elements %s", text, e)
		}
	}
	if p := readPage(t, goldmarkHTML(t, markdownBlock("diff", strings.Split("```\n# x\n````", "\n")))); len(p.codes) != 1 || p.codes[0] != "```\n# x\n````\n" {
		t.Errorf("a fix breaks its fence: %v %q", p.elements, p.codes)
	}
	if codeSpan("") == "``" {
		t.Error("there is no empty code")
	}
	for _, plain := range []string{"no <idmap>: root is root", "type 'lxc' is not run by QEMU (here), 32-bit Arm", "a_b*c [d] & e"} {
		if strings.Contains(prose(plain), "`") {
			t.Errorf("plain prose is code: %s", prose(plain))
		}
	}
	for _, trick := range tricks[:11] {
		if !strings.HasPrefix(prose(trick), "`") && !strings.Contains(trick, "<") {
			t.Errorf("GitHub would find something in %q", prose(trick))
		}
	}
}

// TestMarkdownParts checks the parts of a report and their order.
func TestMarkdownParts(t *testing.T) {
	tcg := rules.All()[0] // boundary-accel-tcg
	results := append(fleet(t), withHidden())
	build := results[slices.IndexFunc(results, func(r *audit.Result) bool { return r.Name == "build-tcg" })]
	fix := (&Options{}).advice(build, &build.Findings[0])
	out := render(t, "markdown", options(), results, notices()[:1], problems()[:2])
	at := 0
	for _, want := range []string{
		"## virt-audit: 5 critical, 4 high, 2 medium, 3 low, 1 info in 18 guests, 2 unreadable inputs\n",
		"QEMU's security support boundary (policy `qemu-11.1`): 12 inside, 4 **outside**, 1 undetermined, 1 not-qemu.\n",
		"11 findings at or above medium: the audit fails. 1 finding waived, not counted. 1 finding in the baseline, not counted. 1 check not evaluated.\n",
		"### Unreadable inputs\n", "- `broken ]]>:2:7`: bad: \\]\\]&gt;\n- `absent ]]>`: no such file\n",
		"### Guests\n", "| **outside** | `build-tcg` | `qemu x86_64 pc-q35-9.2` | critical | 1 critical, 1 high |\n", "| no finding, 1 check not evaluated |\n",
		"### Findings\n", "<details><summary><code>build-tcg</code>: outside, 1 critical, 1 high</summary>\n",
		"Verdict outside: type 'qemu' is software emulation (TCG), by policy `qemu-11.1`. Read from `guests/build-tcg.xml`.\n",
		"**critical** [`boundary-accel-tcg`](<" + audit.DocsURL + "#boundary-accel-tcg>): " + prose(firstSentence(tcg.Doc)) + "\n",
		"- `guests/build-tcg.xml:8:9`: " + prose(build.Findings[0].Message) + "\n",
		"\n" + markdownAdvice(&fix), "**high** ",
		"### Findings about no guest\n", "**low** ", "`.virt-audit.yaml ]]>:3:5`: about \\]\\]&gt;\n",
		"### Not evaluated\n", "- 1 check of `" + withHidden().Unevaluated[0].Rule.ID + "`, because passwords are not in this document",
	} {
		i := strings.Index(out[at:], want)
		if i < 0 {
			t.Fatalf("no %q after\n%s\nin\n%s", want, out[max(0, at-200):at], out)
		}
		at += i + len(want)
	}
	if strings.Contains(out, "waived message") || strings.Contains(out, "known message") || strings.Contains(out, "too long") {
		t.Error("there is more than was asked for")
	}
	o := options()
	o.ShowWaived = true
	out = render(t, "markdown", o, []*audit.Result{withHidden()}, nil, nil)
	for _, want := range []string{"in 1 guest\n", "#### Waived, not counted\n", ": waived message; waived until 2027-06-30: `because of @admin`\n", "#### In the baseline, not counted\n", ": known message\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// TestMarkdownUnread reports unreadable inputs. None may be omitted.
func TestMarkdownUnread(t *testing.T) {
	if out := render(t, "markdown", options(), nil, nil, nil); out != "## virt-audit: no guest was audited\n" {
		t.Errorf("nothing: %s", out)
	}
	out := render(t, "markdown", options(), nil, nil, []error{errors.New("no such host")})
	if want := "## virt-audit: no guest was audited, 1 unreadable input\n\n### Unreadable inputs\n\nThe guests in these were not audited.\n\n- An input: no such host\n"; out != want {
		t.Errorf("unreadable: %s", out)
	}
}

func TestMarkdownLength(t *testing.T) {
	results := fleet(t)
	for _, c := range []struct {
		guests int
		want   string
	}{{17, ""}, {170, "\n> This report is too long for a comment on GitHub: "}, {2000, "\n> This report is too long for GitHub: "}} {
		var b bytes.Buffer
		rep := newMarkdown(&b, options())
		for i := range c.guests {
			if err := rep.Domain(results[i%len(results)]); err != nil {
				t.Fatal(err)
			}
		}
		if err := rep.Close(); err != nil {
			t.Fatal(err)
		}
		note := lengthNote(0, 0)
		rest := b.String()
		if i := strings.Index(rest, "\n> "); i >= 0 {
			end := i + 1 + strings.Index(rest[i+1:], "\n") + 1
			note, rest = rest[i:end], rest[:i]+rest[end:]
		}
		if !strings.HasPrefix(note, c.want) || note != lengthNote(len(rest), utf8.RuneCountInString(rest)) {
			t.Errorf("%d guests, %d bytes: %s", c.guests, len(rest), note)
		}
	}
}

// TestRuleLink links to pages of site-specific rules, which may be any address.
func TestRuleLink(t *testing.T) {
	for url, linked := range map[string]bool{
		"https://wiki.example.org/a_(b)": true, "javascript:alert(1)": false, "https://x>y": false, "http://a b": false, "../up": false,
	} {
		p := readPage(t, goldmarkHTML(t, ruleLink(&audit.Rule{ID: "site-x", Page: url})+"\n"))
		if (p.count("a") == 1) != linked || linked && p.hrefs[0] != url || !linked && !strings.Contains(p.text, url) {
			t.Errorf("%s: %v %v %s", url, p.elements, p.hrefs, p.text)
		}
	}
}
