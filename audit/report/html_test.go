package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/source"
)

// everything gives guests findings of all kinds that a page can list.
func everything(results []*audit.Result) []*audit.Result {
	for i, r := range results {
		if len(r.Findings) > 1 {
			r.InBaseline = append(r.InBaseline, r.Findings[0])
			r.Findings[1].Drift = audit.UntilRestart
			if len(r.Waived) == 0 {
				w := &audit.Waiver{Reason: "agreed", Source: "site.yaml", Pos: audit.Pos{Line: 4, Column: 2}, Until: time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC)}
				r.Waived = append(r.Waived, audit.Waived{Finding: r.Findings[0], Waiver: w})
			}
		}
		r.Unevaluated = append(r.Unevaluated, audit.Unevaluated{Rule: baselineRules()[i%3], Missing: audit.NeedSecrets}, audit.Unevaluated{Rule: baselineRules()[4], Missing: audit.NeedQEMUConf})
	}
	return results
}

// htmlTree parses a page as a browser does, with or without scripts.
func htmlTree(t *testing.T, page string, scripting bool) *html.Node {
	t.Helper()
	doc, err := html.ParseWithOptions(strings.NewReader(page), html.ParseOptionEnableScripting(scripting))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// vocabulary lists the elements and attributes of a page, and the addresses that it refers to.
func vocabulary(doc *html.Node) map[string]bool {
	out := map[string]bool{}
	for n := range doc.Descendants() {
		if n.Type == html.CommentNode {
			out["a comment"] = true
		}
		if n.Type != html.ElementNode {
			continue
		}
		out[n.Data] = true
		for _, a := range n.Attr {
			out[n.Data+" "+a.Key] = true
			if a.Key == "href" && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "https://") {
				out["an address "+a.Val] = true
			}
		}
	}
	return out
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// texts returns the text of all elements of a class.
func texts(doc *html.Node, class string) []string {
	var out []string
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || !slices.Contains(strings.Fields(attr(n, "class")), class) {
			continue
		}
		var b strings.Builder
		for d := range n.Descendants() {
			if d.Type == html.TextNode {
				b.WriteString(d.Data)
			}
		}
		out = append(out, b.String())
	}
	return out
}

// TestHTMLHostile compares the page of hostile guests with that of harmless ones. It must have the
// same elements and attributes, and the names must be text.
func TestHTMLHostile(t *testing.T) {
	o := options()
	o.ShowWaived = true
	guests := fleet(t)
	i := slices.IndexFunc(guests, func(r *audit.Result) bool { return len(r.Findings) > 0 })
	guests[i].Findings[0].Fixes = someFixes("harmless")
	harmless := render(t, "html", o, everything(guests), []*audit.Notice{{Rule: o.Rules[0], Message: "m", Source: "s"}}, []error{&source.Error{File: "s", Message: "m"}})
	page := render(t, "html", o, everything(hostile(t)), notices(), problems())
	for _, scripting := range []bool{false, true} {
		known := vocabulary(htmlTree(t, harmless, scripting))
		doc := htmlTree(t, page, scripting)
		for word := range vocabulary(doc) {
			if !known[word] {
				t.Errorf("a hostile name brings %q into the page", word)
			}
		}
		var want []string
		for _, name := range hostileNames {
			want = append(want, printable(strings.ReplaceAll(name, "\x1b", "ESC")))
		}
		got := texts(doc, "name")
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("the names are %q, want %q", got, want)
		}
	}
	reasons := strings.Join(texts(htmlTree(t, page, false), "waiver"), "\n")
	for _, text := range []string{`</script><script>alert(1)</script>`, `[x](javascript:alert(1))`, `&amp;amp;`, `two lines`} {
		if !strings.Contains(reasons, "“"+text+"”") {
			t.Errorf("the reason %q of a waiver is not in the page as text", text)
		}
	}
}

// TestHTMLComplete requires a page to contain all parts of a report without its script.
func TestHTMLComplete(t *testing.T) {
	o := options()
	o.ShowWaived = true
	results := everything(fleet(t))
	doc := htmlTree(t, render(t, "html", o, results, notices()[:1], problems()[:1]), false)
	text := ""
	hrefs := map[string]bool{}
	for n := range doc.Descendants() {
		switch {
		case n.Type == html.TextNode && n.Parent.Data != "style" && n.Parent.Data != "script":
			text += n.Data
		case n.Data == "a":
			hrefs[attr(n, "href")] = true
		}
	}
	want := []string{
		"4 of 17 guests are outside", "24 November 2026, 12:00 UTC", "qemu-11.1", "1.2.3",
		"1 unreadable input", "broken ]]>:2:7: bad: ]]>", "about ]]>", ".virt-audit.yaml ]]>:3:5",
		"34 checks not evaluated", audit.NeedSecrets.String(), audit.NeedQEMUConf.String(),
		"5 waived, 5 in the baseline", "“agreed”, until 2027-06-30 (site.yaml:4:2)", audit.UntilRestart.Explain(),
	}
	for _, r := range results {
		want = append(want, r.Name, string(r.Boundary.Verdict)+": "+r.Boundary.Explain(), r.Source, r.UUID, r.Target.Machine)
		for _, f := range r.Findings {
			want = append(want, f.Message, f.Rule.ID, f.Rule.Title, f.Severity.String(), source.Location(r.Source, f.Pos.Line, f.Pos.Column), f.Path.String(), strings.TrimSpace(f.Excerpt.Line))
			doc := strings.Join(strings.Fields(f.Rule.Doc), " ")
			want = append(want, firstSentence(doc), strings.TrimPrefix(doc, firstSentence(doc)))
			for line := range strings.SplitSeq(f.Rule.Fix, "\n") {
				want = append(want, strings.TrimSpace(line))
			}
			for _, address := range append([]string{f.Rule.URL(), "#r-" + f.Rule.ID}, f.Rule.Refs...) {
				if !hrefs[address] {
					t.Errorf("nothing leads to %s", address)
				}
			}
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	for _, w := range want {
		if w = strings.Join(strings.Fields(w), " "); !strings.Contains(text, w) {
			t.Errorf("the page does not say %q", w)
		}
	}
	marked := false
	for n := range doc.Descendants() {
		marked = marked || n.Data == "mark" && n.FirstChild != nil && n.FirstChild.Data == "machine='isapc'"
	}
	if !marked {
		t.Error("machine='isapc' is not marked in its excerpt")
	}
}

// TestHTMLHidden: waived findings are counted, and listed only with ShowWaived.
func TestHTMLHidden(t *testing.T) {
	page := render(t, "html", options(), everything(fleet(t)), nil, nil)
	if !strings.Contains(page, "Not counted: 5 waived, 5 in the baseline.") || strings.Contains(page, "agreed") {
		t.Error("findings that do not count are not counted, or are listed")
	}
}

// TestHTMLOrder: those that are outside come first, then the worst; also out of a spool on disk.
func TestHTMLOrder(t *testing.T) {
	want := []string{"arm-board", "build-tcg", "old-dos", "shadow", "ct-mail", "arm32-legacy", "template", "arm-web"}
	got := texts(htmlTree(t, render(t, "html", options(), fleet(t), nil, nil), false), "name")
	if !slices.Equal(got[:len(want)], want) {
		t.Errorf("the guests are %q, want %q first", got, want)
	}
	const times = 80
	many := slices.Repeat(fleet(t), times)
	page := render(t, "html", options(), many, nil, nil)
	got = texts(htmlTree(t, page, false), "name")
	if len(page) < 2*spoolMemory || len(got) != len(many) {
		t.Fatalf("%d bytes and %d guests, want more than the spool keeps in memory and %d", len(page), len(got), len(many))
	}
	for i, name := range got[:4*times] {
		if !slices.Contains(want[:4], name) {
			t.Fatalf("guest %d is %s, which is not outside", i, name)
		}
	}
	if off := len(texts(htmlTree(t, page, false), "off")); off != len(many)-htmlListed {
		t.Errorf("%d guests wait to be listed, want %d", off, len(many)-htmlListed)
	}
}

// TestHTMLPacked: findings in <noscript> are text for a browser with scripts. Parsed as the script
// parses them, they must be the elements that a browser without scripts shows.
func TestHTMLPacked(t *testing.T) {
	pageOf := func(plain int) string {
		var b strings.Builder
		h := newHTML(&b, options()).(*htmlReporter)
		h.plain = plain
		for _, r := range hostile(t) {
			if err := h.Domain(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	var want, got []string
	var body *html.Node
	for n := range htmlTree(t, pageOf(htmlPlain), false).Descendants() {
		switch {
		case n.Data == "body":
			body = n
		case attr(n, "class") == "detail":
			want = append(want, rendered(t, n))
		}
	}
	for n := range htmlTree(t, pageOf(0), true).Descendants() {
		if n.Data != "noscript" {
			continue
		}
		nodes, err := html.ParseFragment(strings.NewReader(n.FirstChild.Data), body)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range nodes {
			if d.Type == html.ElementNode {
				got = append(got, rendered(t, d))
			}
		}
	}
	if len(want) != len(hostileNames) || !slices.Equal(got, want) {
		t.Errorf("%d packed guests are not as the %d that are not packed", len(got), len(want))
	}
}

func rendered(t *testing.T, n *html.Node) string {
	t.Helper()
	var b strings.Builder
	if err := html.Render(&b, n); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHTMLAnswer(t *testing.T) {
	for _, tt := range []struct {
		in, out, open, other int
		want                 string
	}{
		{0, 0, 0, 0, "No guest was audited"},
		{0, 1, 0, 0, "The guest is outside QEMU’s security boundary"},
		{0, 3, 0, 0, "All 3 guests are outside QEMU’s security boundary"},
		{1, 1, 5, 5, "1 of 12 guests is outside QEMU’s security boundary"},
		{1, 2, 0, 0, "2 of 3 guests are outside QEMU’s security boundary"},
		{9, 0, 1, 0, "1 of 10 guests may be outside QEMU’s security boundary"},
		{8, 0, 2, 0, "2 of 10 guests may be outside QEMU’s security boundary"},
		{0, 0, 1, 0, "The guest may be outside QEMU’s security boundary"},
		{0, 0, 0, 2, "No guest runs in QEMU"},
		{2, 0, 0, 2, "All guests that run in QEMU are inside its security boundary"},
		{1, 0, 0, 0, "The guest is inside QEMU’s security boundary"},
		{4, 0, 0, 0, "All 4 guests are inside QEMU’s security boundary"},
	} {
		tally := &Tally{Domains: tt.in + tt.out + tt.open + tt.other, Verdicts: map[policy.Word]int{
			policy.Inside: tt.in, policy.Outside: tt.out, policy.Undetermined: tt.open, policy.NotQEMU: tt.other,
		}}
		if got := htmlAnswer(tally); got != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
		tally.Unreadable = 2
		if got := htmlAnswer(tally); got != tt.want+", and 2 unreadable inputs" {
			t.Errorf("%+v, and 2 inputs: %q", tt, got)
		}
	}
}

// TestHTMLFix: sentences with line breaks in the source are joined, commands and lines of XML are
// not.
func TestHTMLFix(t *testing.T) {
	r := newHTMLRule(&audit.Rule{
		ID: "a-b", Fix: "Do <this a='b'>or</this>, since an image that a\nguest could write.\n<idmap>\n  <uid/>\nThe rest. For the disk:\nqemu-img x\n$ virt-xml DOMAIN --edit DOMAIN",
		Refs: []string{"https://example.org/", "javascript:alert(1)"},
	})
	var prose strings.Builder
	for _, p := range r.Fix[0].Prose {
		fmt.Fprintf(&prose, "[%t %s]", p.Code, p.Text)
	}
	const want = "[false Do ][true <this a='b'>or</this>][false , since an image that a guest could write.\n][true <idmap>][false \n  ][true <uid/>][false \nThe rest. For the disk:\nqemu-img x]"
	if prose.String() != want {
		t.Errorf("the prose is %s", prose.String())
	}
	if !slices.Equal(r.Fix[1].Command, []string{"virt-xml ", " --edit ", ""}) {
		t.Errorf("the command is %q", r.Fix[1].Command)
	}
	if !r.Refs[0].Link || r.Refs[1].Link {
		t.Errorf("the references are %v", r.Refs)
	}
}
