package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// Topic is a group of rules on the rules page.
type Topic struct {
	Title, About string
	Rules        []RuleEntry
}

// RulesPage prints the page that documents every rule, as Markdown. example returns a rule's bad
// and good document.
func RulesPage(w io.Writer, topics []Topic, example func(id string) (bad, good string)) error {
	var b strings.Builder
	b.WriteString("# Rules\n\nMade by `make docs` from the rules' own literals and fixtures; edits here are lost.\n\n")
	for _, t := range topics {
		fmt.Fprintf(&b, "- [%s](#%s) (%d)\n", t.Title, strings.ReplaceAll(strings.ToLower(t.Title), " ", "-"), len(t.Rules))
	}
	for _, t := range topics {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n%s", t.Title, t.About, RuleRows(t.Rules, ""))
		for _, r := range t.Rules {
			bad, good := example(r.ID)
			markdownRule(&b, r.Rule, r.title(), bad, good)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// RuleRows returns a Markdown table of rules whose IDs link to the rules page.
func RuleRows(rules []RuleEntry, page string) string {
	var b strings.Builder
	b.WriteString("| rule | severity | what is wrong | profiles |\n|---|---|---|---|\n")
	for _, r := range rules {
		fmt.Fprintf(&b, "| [`%s`](%s#%s) | %s | %s | %s |\n", r.ID, page, r.ID, r.Severity, escapeMarkdown(r.title()), profileList(r.Rule))
	}
	return b.String()
}

func markdownRule(b *strings.Builder, r *audit.Rule, title, bad, good string) {
	fmt.Fprintf(b, "\n### %s\n\n**%s**: %s\n\n%s\n", r.ID, r.Severity, escapeMarkdown(title), escapeMarkdown(strings.Join(strings.Fields(r.Doc), " ")))
	if r.Requires != 0 {
		fmt.Fprintf(b, "\n%s\n", escapeMarkdown(notEvaluatedSentence(r)))
	}
	b.WriteString("\n**Fix.**")
	fenced := false
	for l := range strings.SplitSeq(r.Fix, "\n") {
		if strings.HasPrefix(l, "$ ") {
			if !fenced {
				b.WriteString("\n\n```console")
				fenced = true
			}
			b.WriteString("\n" + l)
			continue
		}
		if fenced {
			b.WriteString("\n```\n")
			fenced = false
		}
		b.WriteString(" " + escapeMarkdown(l))
	}
	if fenced {
		b.WriteString("\n```")
	}
	b.WriteString("\n")
	if bad != "" {
		fmt.Fprintf(b, "\n<details><summary>A document that it flags, and one that it does not</summary>\n\n```xml\n%s```\n\n```xml\n%s```\n\n</details>\n", bad, good)
	}
	b.WriteString("\n")
	for i, ref := range r.Refs {
		before := ", "
		if i == 0 {
			before = "Sources: "
		}
		fmt.Fprintf(b, "%s<%s>", before, ref)
	}
	if len(r.Refs) > 0 { // a site-specific rule may have none
		b.WriteString(". ")
	}
	fmt.Fprintf(b, "Profiles: %s.\n", profileList(r))
}
