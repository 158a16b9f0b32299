package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// The page is one file that loads nothing: its content security policy allows only the script and
// the style that it contains, by their hashes. All data goes through html/template, which escapes
// by context, after printable has made it harmless to the eye.
//
// The worst guests come first, and the counts before them, so that the top of the page answers the
// most frequent questions. Both are known at the end only: the rows wait in a spool, and a small
// entry records where each is.

//go:embed html
var htmlFiles embed.FS

const (
	// htmlListed is how many guests the page lists at a time, where its script runs.
	htmlListed = 250
	// htmlPlain is the number of findings up to which they are elements of the page. Above it, a
	// browser would create millions of objects before it shows the first row, so findings are
	// inside <noscript>: text for a browser that runs the script, which parses it guest by guest,
	// and elements for one that does not.
	htmlPlain = 3000
)

type htmlReporter struct {
	w     io.Writer
	opt   Options
	parts *template.Template
	tally Tally

	guests            spool
	entries           []htmlEntry
	written           int64
	problems, notices spool
	noticed, findings int
	buf               bytes.Buffer

	rules   map[string]*htmlRule // that the page has to explain
	frames  map[htmlKey]*htmlFrame
	missing map[audit.Inputs]map[string]int // how often a rule was not evaluated
	plain   int
}

// htmlEntry is the position of a guest in the spool: its row, and from middle on its details.
type htmlEntry struct {
	begin, middle, end int64
	rank               htmlRank
}

// htmlRank orders guests, the worst first.
type htmlRank [4]int

func newHTML(w io.Writer, o Options) Reporter {
	return &htmlReporter{
		w: w, opt: o, parts: template.Must(template.ParseFS(htmlFiles, "html/*.html")), plain: htmlPlain,
		rules: map[string]*htmlRule{}, frames: map[htmlKey]*htmlFrame{}, missing: map[audit.Inputs]map[string]int{},
	}
}

func (h *htmlReporter) Domain(r *audit.Result) error {
	h.tally.Add(r)
	for _, u := range r.Unevaluated {
		if h.missing[u.Missing] == nil {
			h.missing[u.Missing] = map[string]int{}
		}
		h.missing[u.Missing][u.Rule.ID]++
	}
	for i := range r.Findings {
		h.rule(r.Findings[i].Rule).N++
	}
	g, err := h.guest(r)
	if err != nil {
		return err
	}
	entry := htmlEntry{begin: h.written, rank: rankHTML(r)}
	if err := h.spooled(&h.guests, "row", g); err != nil {
		return err
	}
	entry.middle = h.written
	if err := h.spooled(&h.guests, "detail", g); err != nil {
		return err
	}
	entry.end = h.written
	h.entries = append(h.entries, entry)
	return nil
}

// rule records that the page must explain a rule, and returns its entry.
func (h *htmlReporter) rule(r *audit.Rule) *htmlRule {
	explained := h.rules[r.ID]
	if explained == nil {
		explained = newHTMLRule(r)
		h.rules[r.ID] = explained
	}
	return explained
}

// spooled renders a part of the page and keeps it for later.
func (h *htmlReporter) spooled(s *spool, part string, data any) error {
	h.buf.Reset()
	if err := h.parts.ExecuteTemplate(&h.buf, part, data); err != nil {
		return err
	}
	if s == &h.guests {
		h.written += int64(h.buf.Len())
	}
	_, err := s.Write(h.buf.Bytes())
	return err
}

// rankHTML ranks guests that are outside first, and then by their worst findings.
func rankHTML(r *audit.Result) htmlRank {
	worst, count := audit.Severity(-1), 0
	for i := range r.Findings {
		switch s := r.Findings[i].Severity; {
		case s > worst:
			worst, count = s, 1
		case s == worst:
			count++
		}
	}
	outside := 1
	if r.Boundary.Verdict == policy.Outside {
		outside = 0
	}
	return htmlRank{outside, -int(worst), slices.Index(htmlVerdictOrder, r.Boundary.Verdict), -count}
}

func (h *htmlReporter) Notice(n *audit.Notice) error {
	h.tally.AddNotice(n)
	h.noticed++
	h.rule(n.Rule)
	return h.spooled(&h.notices, "notice", htmlNotice{
		n.Rule.ID, n.Severity.String(), printable(n.Message), htmlAt(n.Source, n.Pos.Line, n.Pos.Column),
	})
}

func (h *htmlReporter) Unreadable(err error) error {
	h.tally.Unreadable++
	e := newJSONUnreadable(err)
	return h.spooled(&h.problems, "problem", htmlNotice{Message: printable(e.Message), Place: htmlAt(e.Source, e.Line, e.Column)})
}

func (h *htmlReporter) Close() error {
	page, err := h.page()
	if err != nil {
		return err
	}
	part := func(name string) func() error {
		return func() error { return h.parts.ExecuteTemplate(h.w, name, page) }
	}
	text := func(s string) func() error {
		return func() error { _, err := io.WriteString(h.w, s); return err }
	}
	steps := []func() error{part("head")}
	if page.Problems != "" {
		steps = append(steps, text("<ul class=\"long\" tabindex=\"0\" aria-labelledby=\"problems\">\n"), func() error { return h.problems.copyTo(h.w) }, text("</ul>\n</section>\n"))
	}
	steps = append(steps, part("summary"))
	if page.Notices != "" {
		steps = append(steps, func() error { return h.notices.copyTo(h.w) }, text("</ul>\n</section>\n"))
	}
	steps = append(steps, part("table"), h.rows, part("tail"))
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// rows writes the guests, the worst first.
func (h *htmlReporter) rows() error {
	defer h.guests.close()
	slices.SortStableFunc(h.entries, func(a, b htmlEntry) int { return slices.Compare(a.rank[:], b.rank[:]) })
	open, end := "<div>\n", "</div></details></td></tr></tbody>\n"
	if h.findings > h.plain {
		open, end = "<noscript>\n", "</noscript></details></td></tr></tbody>\n"
	}
	for i, e := range h.entries {
		class := "guest"
		if i >= htmlListed {
			class = "guest off"
		}
		h.buf.Reset()
		fmt.Fprintf(&h.buf, "<tbody class=%q>", class)
		if err := h.guests.part(&h.buf, e.begin, e.middle); err != nil {
			return err
		}
		h.buf.WriteString(open)
		if err := h.guests.part(&h.buf, e.middle, e.end); err != nil {
			return err
		}
		h.buf.WriteString(end)
		if _, err := h.w.Write(h.buf.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// page returns the data about the run as a whole.
func (h *htmlReporter) page() (*htmlPage, error) {
	style, err := htmlFiles.ReadFile("html/page.css")
	if err != nil {
		return nil, err
	}
	script, err := htmlFiles.ReadFile("html/page.js")
	if err != nil {
		return nil, err
	}
	hash := func(b []byte) string {
		sum := sha256.Sum256(b)
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	t := &h.tally
	p := &htmlPage{
		CSP:     "default-src 'none'; script-src " + hash(script) + "; style-src " + hash(style) + "; base-uri 'none'; form-action 'none'",
		Style:   template.CSS(style),
		Script:  template.JS(script),
		Version: printable(h.opt.Version),
		Answer:  htmlAnswer(t),
		Docs:    audit.DocsURL,
		Guests:  t.Domains,
		Caption: "Verdict and findings of each guest, the worst first. The line below a guest expands its findings.",
		Missing: htmlMissingOf(h.missing),
		Hidden:  htmlNotCountedNote(t.Waived, t.InBaseline, h.opt.ShowWaived),
	}
	if t.Unreadable > 0 {
		p.Problems = plural(t.Unreadable, "unreadable input")
	}
	if h.noticed > 0 {
		p.Notices = plural(h.noticed, "finding")
	}
	p.About = h.about()
	for _, w := range htmlVerdictOrder {
		p.Verdicts = append(p.Verdicts, htmlVerdict{htmlVerdicts[w], t.Verdicts[w]})
	}
	for _, s := range audit.Severities() {
		p.Severities = append(p.Severities, htmlCount{s.String(), t.Severities[s]})
	}
	for _, r := range h.rules {
		p.Rules = append(p.Rules, r)
	}
	slices.SortFunc(p.Rules, func(a, b *htmlRule) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(a.ID, b.ID))
	})
	p.RuleGroups = htmlRuleGroups(p.Rules)
	return p, nil
}

// about describes the run: time, policy, profiles, rules.
func (h *htmlReporter) about() []string {
	var about []string
	if !h.opt.Now.IsZero() {
		about = append(about, h.opt.Now.Format("2 January 2006, 15:04 MST"))
	}
	about = append(about, "policy "+printable(h.opt.Policy))
	if of := ofProfiles(&h.opt); of != "" {
		about = append(about, of)
	}
	if len(h.opt.Rules) > 0 {
		about = append(about, plural(len(h.opt.Rules), "rule"))
	}
	if n := h.tally.AtLeast(h.opt.FailOn); n > 0 {
		about = append(about, fmt.Sprintf("%s of %s or worse", plural(n, "finding"), h.opt.FailOn))
	}
	return about
}
