package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/baseline"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/source"
)

// Baseline writes a baseline, one entry a line, so that a change of one is a change of one line in
// a repository. version is that of virt-audit.
func Baseline(to io.Writer, entries []*baseline.Entry, version string) error {
	w := bufio.NewWriter(to)
	tool, err := JSON(struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}{"virt-audit", version})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "{\n  \"version\": %d,\n  \"tool\": %s,\n  \"findings\": [", baseline.Version, tool)
	separator, end := "", ""
	for _, e := range entries {
		line, err := JSON(e)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\n    %s", separator, line)
		separator, end = ",", "\n  "
	}
	fmt.Fprintf(w, "%s]\n}\n", end)
	return w.Flush()
}

// Difference prints for people how two reports differ; with o.Quiet, only what is new.
func Difference(to io.Writer, d *baseline.Difference, o Options) error {
	w := bufio.NewWriter(to)
	t := newText(w, o).(*textReporter)
	for _, change := range d.Verdicts {
		fmt.Fprintf(w, "%s  %s: %s -> %s\n", t.style.bold("verdict"), printable(change.Domain),
			t.style.verdict[change.Old](string(change.Old)), t.style.verdict[change.New](string(change.New)))
	}
	if !o.Quiet {
		for _, own := range d.Settings {
			t.setting(w, own)
		}
	}
	lists := []struct {
		word, about string
		items       []baseline.Item
	}{
		{"new", "", d.New},
		{"not counted", "still found, but now waived or in the baseline", d.NotCounted},
		{"not evaluated", "found before, and not evaluated by this run: it may still be there", d.NotEvaluated},
		{"fixed", "", d.Fixed},
		{"gone", "the guest is not in the new report", d.Gone},
	}
	var counts []string
	for _, list := range lists {
		if n := len(list.items); n > 0 || list.word == "new" || list.word == "fixed" {
			counts = append(counts, fmt.Sprintf("%d %s", n, list.word))
		}
		if o.Quiet && list.word != "new" {
			continue
		}
		for i := range list.items {
			if err := writeLines(w, t.item(list.word, list.about, &list.items[i])); err != nil {
				return err
			}
		}
	}
	counts = append(counts, fmt.Sprintf("%d unchanged", d.Unchanged))
	if !o.Quiet {
		if len(d.New)+len(d.NotCounted)+len(d.NotEvaluated)+len(d.Fixed)+len(d.Gone)+len(d.Verdicts)+len(d.Settings) > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, t.style.bold(strings.Join(counts, ", ")))
	}
	if d.Unreadable > 0 {
		fmt.Fprintln(w, t.style.severity[audit.High](plural(d.Unreadable, "unreadable input")+" in the new report: findings there are unknown"))
	}
	if d.UnreadableBefore > 0 && !o.Quiet {
		fmt.Fprintln(w, plural(d.UnreadableBefore, "unreadable input")+" in the old report: a new finding may be an old one")
	}
	return w.Flush()
}

func (t *textReporter) setting(w io.Writer, own baseline.Setting) {
	const title = "different setting"
	for i, line := range wrap(fmt.Sprintf("%s: %s -> %s", own.Name, printable(own.Old), printable(own.New)), t.width-len(title)-2) {
		if i == 0 {
			fmt.Fprintf(w, "%s  %s\n", t.style.bold(title), line)
			continue
		}
		fmt.Fprintf(w, "%s  %s\n", pad("", len(title)), line)
	}
}

func (t *textReporter) item(word, about string, i *baseline.Item) string {
	var b strings.Builder
	severity, err := audit.ParseSeverity(i.Severity)
	if err != nil {
		severity = audit.Critical // from a newer virt-audit: the word is printed as it is
	}
	head := fmt.Sprintf("%s  %s  %s", t.style.bold(word), t.style.severity[severity](printable(i.Severity)), t.style.bold(printable(i.Rule)))
	fmt.Fprintf(&b, "%s  %s\n", head, printable(i.Domain))
	t.message(&b, i.Message)
	if about != "" {
		for _, line := range wrap("("+about+")", t.width-4) {
			fmt.Fprintf(&b, "    %s\n", t.style.dim(line))
		}
	}
	if word == "new" {
		fmt.Fprintf(&b, "    %s\n", source.Location(printable(i.Source), i.Line, i.Column))
		fix := strings.Join(strings.Fields(i.Fix), " ")
		if i.FixIn != "" {
			fix = "In " + i.FixIn + ": " + fix
		}
		t.message(&b, fix)
		if i.Command != "" { // it stays on one line, to be copied
			fmt.Fprintf(&b, "    $ %s\n", printable(i.Command))
		}
		fmt.Fprintf(&b, "    %s\n", printable(i.URL))
	}
	return b.String()
}

// DifferenceJSON prints as JSON how two reports differ.
func DifferenceJSON(w io.Writer, d *baseline.Difference) error {
	type item struct {
		Domain   string `json:"domain"`
		Source   string `json:"source"`
		Rule     string `json:"rule"`
		Severity string `json:"severity"`
		Message  string `json:"message"`
		Path     string `json:"path"`
		Line     int    `json:"line"`
		Column   int    `json:"column"`
		Fix      string `json:"fix"`
		FixIn    string `json:"fix_in,omitempty"`
		Command  string `json:"command,omitempty"`
		URL      string `json:"url"`

		Fingerprint string `json:"fingerprint"`
	}
	type turn struct {
		Domain string      `json:"domain"`
		Old    policy.Word `json:"old"`
		New    policy.Word `json:"new"`
	}
	type setting struct {
		Name string `json:"name"`
		Old  string `json:"old"`
		New  string `json:"new"`
	}
	settings := make([]setting, 0, len(d.Settings))
	for _, own := range d.Settings {
		settings = append(settings, setting{own.Name, own.Old, own.New})
	}
	items := func(list []baseline.Item) []item {
		out := make([]item, 0, len(list))
		for _, i := range list {
			out = append(out, item{i.Domain, i.Source, i.Rule, i.Severity, i.Message, i.Path, i.Line, i.Column, i.Fix, i.FixIn, i.Command, i.URL, i.Fingerprint})
		}
		return out
	}
	turns := make([]turn, 0, len(d.Verdicts))
	for _, t := range d.Verdicts {
		turns = append(turns, turn{t.Domain, t.Old, t.New})
	}
	text, err := encode(struct {
		Version          int       `json:"version"`
		Settings         []setting `json:"settings"`
		Verdicts         []turn    `json:"verdicts"`
		New              []item    `json:"new"`
		Fixed            []item    `json:"fixed"`
		NotCounted       []item    `json:"not_counted"`
		NotEvaluated     []item    `json:"not_evaluated"`
		Gone             []item    `json:"gone"`
		Unchanged        int       `json:"unchanged"`
		Unreadable       int       `json:"unreadable"`
		UnreadableBefore int       `json:"unreadable_before"`
	}{1, settings, turns, items(d.New), items(d.Fixed), items(d.NotCounted), items(d.NotEvaluated), items(d.Gone), d.Unchanged, d.Unreadable, d.UnreadableBefore}, "")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
