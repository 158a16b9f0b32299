package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/source"
)

// htmlAnswer is the headline: are guests outside? It adds the number of unreadable inputs.
func htmlAnswer(t *Tally) string {
	if t.Unreadable == 0 {
		return htmlVerdictAnswer(t)
	}
	return htmlVerdictAnswer(t) + ", and " + plural(t.Unreadable, "unreadable input")
}

func htmlVerdictAnswer(t *Tally) string {
	outside, open, other := t.Verdicts[policy.Outside], t.Verdicts[policy.Undetermined], t.Verdicts[policy.NotQEMU]
	const boundary = "QEMU’s security boundary"
	some := func(n int, verb string) string {
		switch {
		case t.Domains == 1:
			return "The guest " + verb + " outside " + boundary
		case n == t.Domains:
			return fmt.Sprintf("All %d guests %s outside %s", n, strings.Replace(verb, "is", "are", 1), boundary)
		case n == 1:
			return fmt.Sprintf("1 of %d guests %s outside %s", t.Domains, verb, boundary)
		}
		return fmt.Sprintf("%d of %d guests %s outside %s", n, t.Domains, strings.Replace(verb, "is", "are", 1), boundary)
	}
	switch {
	case t.Domains == 0:
		return "No guest was audited"
	case outside > 0:
		return some(outside, "is")
	case open > 0:
		return some(open, "may be")
	case other == t.Domains:
		return "No guest runs in QEMU"
	case other > 0:
		return "All guests that run in QEMU are inside its security boundary"
	case t.Domains == 1:
		return "The guest is inside " + boundary
	}
	return fmt.Sprintf("All %d guests are inside %s", t.Domains, boundary)
}

// htmlAt returns a place in the form of [source.Location].
func htmlAt(input string, line, column int) string {
	return printable(source.Location(input, line, column))
}

// htmlUntil returns the last day of a waiver as part of a sentence.
func htmlUntil(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ", until " + t.Format(time.DateOnly)
}

// htmlNotCounted counts the findings that do not count, by reason.
func htmlNotCounted(waived, inBaseline int) string {
	var parts []string
	if waived > 0 {
		parts = append(parts, fmt.Sprintf("%d waived", waived))
	}
	if inBaseline > 0 {
		parts = append(parts, fmt.Sprintf("%d in the baseline", inBaseline))
	}
	return strings.Join(parts, ", ")
}

func htmlNotCountedNote(waived, inBaseline int, shown bool) string {
	text := htmlNotCounted(waived, inBaseline)
	switch {
	case text == "":
		return ""
	case shown:
		return "Not counted, and listed with their guests: " + text + "."
	}
	return "Not counted: " + text + ". Run with --show-waived to list them."
}

// htmlMissingOf groups what was not evaluated by the missing fact.
func htmlMissingOf(missing map[audit.Inputs]map[string]int) *htmlMissing {
	if len(missing) == 0 {
		return nil
	}
	out := &htmlMissing{}
	needs := make([]audit.Inputs, 0, len(missing))
	total := 0
	for need := range missing {
		needs = append(needs, need)
	}
	slices.Sort(needs)
	for _, need := range needs {
		n := htmlNeed{Text: need.String()}
		for id, count := range missing[need] {
			n.Rules = append(n.Rules, htmlRuleCount{id, count})
			total += count
		}
		slices.SortFunc(n.Rules, func(a, b htmlRuleCount) int { return cmp.Compare(a.ID, b.ID) })
		out.Needs = append(out.Needs, n)
	}
	out.Title = plural(total, "check") + " not evaluated, because facts are missing"
	return out
}

// part writes the bytes between two offsets. copyTo must not have been called before.
func (s *spool) part(w io.Writer, from, to int64) error {
	if s.file == nil {
		_, err := w.Write(s.buf.Bytes()[from:to])
		return err
	}
	_, err := io.Copy(w, io.NewSectionReader(s.file, from, to-from))
	return err
}

// close releases the temporary file.
func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close()
	}
}
