package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/inventory"
	"github.com/virt-audit/virt-audit/audit/reach"
	"github.com/virt-audit/virt-audit/audit/source"
)

// The list for people has a row for each thing, under its kind. Where a name does not fit its
// column, the rest of the row follows on the next line. Without a width, as in a pipe, a row is one
// line, and has the whole place.

type reachText struct {
	w     io.Writer
	opt   ReachOptions
	style styles

	guests, listed, things, unreadable int
	severities                         [audit.Critical + 1]int
	openers                            reach.Opener // that occur
	relabel                            bool
	begun                              bool
	omitted                            int
	hosts                              bool // what is shared is on several hosts
}

func newReachText(w io.Writer, o ReachOptions) ReachReporter {
	if o.Width > 0 {
		o.Width = max(o.Width, leastWidth)
	}
	return &reachText{w: w, opt: o, style: newStyles(o.Color)}
}

// reachRow is a row in columns.
type reachRow struct{ name, how, who, at string }

func (t *reachText) Guest(g *inventory.Guest) error {
	t.guests++
	if !t.opt.selected(g) {
		return nil
	}
	t.listed++
	var b strings.Builder
	if t.begun {
		b.WriteByte('\n')
	}
	t.begun = true
	b.WriteString(t.head(g) + "\n")
	if g.Contained {
		b.WriteString("  names are those of the container that QEMU runs in\n")
	}
	if len(g.Entries) == 0 {
		b.WriteString("\n  nothing\n")
	}
	rows := make([]reachRow, len(g.Entries))
	for i := range g.Entries {
		rows[i] = t.row(g, &g.Entries[i])
	}
	columns := t.columns(rows)
	for i := range g.Entries {
		e := &g.Entries[i]
		if i == 0 || g.Entries[i-1].Kind != e.Kind {
			fmt.Fprintf(&b, "\n  %s\n", t.style.dim(kindHeading(e.Kind)))
		}
		t.print(&b, rows[i], columns)
		t.sensitive(&b, e.Severity, reachReason(e.Reason, e.Owner), "      ")
		t.count(e)
	}
	return writeLines(t.w, b.String())
}

// head returns the line of a guest: its name and document.
func (t *reachText) head(g *inventory.Guest) string {
	name, file, origin := printable(g.Name), printable(g.Source), ""
	if name == "" {
		name = "(no name)"
	}
	if showsOrigin(g.Origin) && g.Origin.Host == "" { // otherwise the source contains it
		origin = "  (" + printable(g.Origin.String()) + ")"
	}
	if t.opt.Terminal && t.opt.Width > 0 {
		file = elided(file, max(20, t.opt.Width-uniseg.StringWidth(name+origin)-2))
	}
	return t.style.bold(name) + "  " + t.style.dim(file+origin)
}

func (t *reachText) row(g *inventory.Guest, e *inventory.Entry) reachRow {
	r := reachRow{name: printable(e.Name), how: accessWords(e.Kind, e.Access, e.Relabel), who: openerWords(e.Opener)}
	if e.Implied {
		r.name += " (implied)"
	}
	r.at = ":" + strconv.Itoa(e.Places[0].Line)
	if t.opt.Width == 0 {
		r.at = source.Location(printable(g.Source), e.Places[0].Line, 0)
	}
	if more := len(e.Places) - 1; more > 0 {
		r.at += " +" + strconv.Itoa(more)
	}
	return r
}

func (t *reachText) count(e *inventory.Entry) {
	t.things++
	t.openers |= e.Opener
	t.relabel = t.relabel || e.Relabel
	if s, err := audit.ParseSeverity(e.Severity); err == nil && s >= audit.Medium {
		t.severities[s]++
	}
}

// Names have at least leastName columns, since longer ones have a line of their own, and at most
// mostName where nothing limits the width.
const (
	leastWidth = 70
	leastName  = 8
	mostName   = 80
	rowIndent  = 4
)

// columns returns the widths of the columns of a table.
func (t *reachText) columns(rows []reachRow) (w struct{ name, how, who int }) {
	at := 0
	for _, r := range rows {
		w.how, w.who = max(w.how, uniseg.StringWidth(r.how)), max(w.who, uniseg.StringWidth(r.who))
		w.name, at = max(w.name, uniseg.StringWidth(r.name)), max(at, uniseg.StringWidth(r.at))
	}
	if t.opt.Width == 0 {
		w.name = min(w.name, mostName)
		return w
	}
	w.name = min(w.name, max(leastName, t.opt.Width-rowIndent-w.how-w.who-at-3*len("  ")))
	return w
}

func (t *reachText) print(b *strings.Builder, r reachRow, w struct{ name, how, who int }) {
	name := r.name
	if t.opt.Width > 0 && uniseg.StringWidth(name) > w.name {
		if t.opt.Terminal {
			name = elided(name, t.opt.Width-rowIndent)
		}
		fmt.Fprintf(b, "    %s\n", name)
		name = ""
	}
	fmt.Fprintf(b, "    %s  %s  %s  %s\n", pad(name, w.name), pad(r.how, w.how), pad(r.who, w.who), t.style.dim(r.at))
}

// sensitive prints why it is bad that a guest touches a thing. People do not need the places of low
// severity, where images usually are; the machine formats have them.
func (t *reachText) sensitive(b *strings.Builder, severity, reason, indent string) {
	s, err := audit.ParseSeverity(severity)
	if err != nil || s < audit.Medium {
		return
	}
	lines := []string{severity + ": " + printable(reason)}
	if t.opt.Width > 0 {
		lines = wrap(lines[0], t.opt.Width-len(indent))
	}
	for i, line := range lines {
		if i == 0 {
			line = t.style.severity[s](severity) + strings.TrimPrefix(line, severity)
		}
		fmt.Fprintf(b, "%s%s\n", indent, line)
	}
}

func (t *reachText) Unreadable(error) error {
	t.unreadable++
	return nil
}

func (t *reachText) Close(inventory.Hidden) error {
	var b strings.Builder
	if t.begun {
		b.WriteByte('\n')
		t.legend(&b)
		b.WriteString(t.style.bold(t.summary()) + "\n")
	}
	if t.unreadable > 0 {
		line := plural(t.unreadable, "unreadable input") + ": what those guests touch is not known"
		b.WriteString(t.style.severity[audit.High](line) + "\n")
	}
	return writeLines(t.w, b.String())
}

// summary returns the last line of a list.
func (t *reachText) summary() string {
	if t.opt.Shared {
		return t.sharedSummary()
	}
	verb := " touch "
	if t.listed == 1 {
		verb = " touches "
	}
	text := plural(t.listed, "guest") + verb + plural(t.things, "thing")
	if len(t.opt.Paths) > 0 {
		text = fmt.Sprintf("%d of %s%s%s", t.listed, plural(t.guests, "guest"), verb, pathList(t.opt.Paths))
	}
	var bad []string
	for _, s := range audit.Severities() {
		if n := t.severities[s]; n > 0 {
			bad = append(bad, fmt.Sprintf("%d %s", n, s))
		}
	}
	if len(bad) > 0 {
		text += "; sensitive: " + strings.Join(bad, ", ")
	}
	return text
}

// pathList returns paths for the end of a sentence.
func pathList(paths inventory.Paths) string { return printable(strings.Join(paths, " or ")) }

// legend explains the words that occur.
func (t *reachText) legend(b *strings.Builder) {
	var lines []string
	if t.relabel {
		lines = append(lines, "chown: libvirt changes the owner of the file for the guest")
	}
	var root []string
	for _, p := range openers {
		if reach.Opener.Root(p.bit) && t.openers&p.bit != 0 {
			root = append(root, p.word)
		}
	}
	if len(root) > 0 {
		lines = append(lines, "with the privileges of root: "+strings.Join(root, ", "))
	}
	if t.openers&reach.HelperUser != 0 {
		lines = append(lines, "user helper: a helper that runs as QEMU's user")
	}
	for _, line := range lines {
		b.WriteString(t.style.dim(line) + "\n")
	}
}
