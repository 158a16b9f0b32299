package report

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// markdownAdvice returns an advice as paragraphs and blocks.
func markdownAdvice(a *Advice) string {
	return markdownWords(a) + markdownBlock("diff", a.shownDiff()) + markdownCommand(a)
}

func markdownWords(a *Advice) string {
	label := "Fix"
	if a.Manager != "" {
		label += " (" + prose(a.Manager) + ")"
	}
	return label + ": " + prose(a.words()) + "\n"
}

func markdownCommand(a *Advice) string {
	if a.Command == "" {
		return ""
	}
	return markdownBlock("console", []string{"$ " + a.Command})
}

// markdownBlock returns lines as a code block; "" if there are none.
func markdownBlock(language string, lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	cleaned := make([]string, len(lines))
	for i, l := range lines {
		cleaned[i] = clean(l)
	}
	text := strings.Join(cleaned, "\n")
	fence := strings.Repeat("`", max(3, longestRun(text)+1))
	return "\n" + fence + language + "\n" + text + "\n" + fence + "\n"
}

// maxDiffs is how many lines of differences are shown for the findings of a rule in a guest.
const maxDiffs = 3 * maxDiff

// fixes prints the advice about findings of a rule, which are those with the indexes: each text and
// command once, and the differences of findings with the same text together.
func (m *markdownReporter) fixes(b *strings.Builder, r *audit.Result, all []audit.Finding, of []int) {
	type fix struct {
		Advice
		diff []string
	}
	var fixes []*fix
	byText := map[string]*fix{}
	for _, i := range of {
		a := m.opt.advice(r, &all[i])
		key := a.words()
		x := byText[key]
		if x == nil {
			x = &fix{Advice: a}
			byText[key] = x
			fixes = append(fixes, x)
		}
		if lines := a.shownDiff(); len(x.diff)+len(lines) <= maxDiffs {
			x.diff = append(x.diff, lines...)
		}
	}
	command := ""
	for _, x := range fixes {
		b.WriteString("\n" + markdownWords(&x.Advice) + markdownBlock("diff", x.diff))
		if x.Command != command {
			b.WriteString(markdownCommand(&x.Advice))
			command = x.Command
		}
	}
}
