package hook

import (
	"errors"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
)

const (
	maxLine   = 400 // in characters, of what is written to standard error
	maxLines  = 20
	maxLogged = 1900 // in bytes, of a line in the log; every syslog takes 2 KiB (RFC 5424, 6.1)
)

// place describes the place of a finding without a line number, which the reader cannot use:
// "devices/graphics[1]/listen@address" is "<graphics> 1, <listen>, address".
func place(p audit.Path) string {
	element, attr, _ := strings.Cut(p.String(), "@")
	var words []string
	for step := range strings.SplitSeq(element, "/") {
		if step == "devices" || step == "." || step == "" {
			continue
		}
		name, index, _ := strings.Cut(strings.TrimSuffix(step, "]"), "[")
		words = append(words, strings.TrimSpace("<"+name+"> "+index))
	}
	if len(words) == 0 {
		words = append(words, "<domain>")
	}
	if attr != "" {
		words = append(words, attr)
	}
	return strings.Join(words, ", ")
}

// fixOf returns how to resolve a finding: a line, and one with the command that does it.
func fixOf(res *audit.Result, f *audit.Finding) string {
	a := report.AdviceFor(audit.SystemURI(res.Target.Type), res, f)
	return strings.Join(a.Lines(), "\n") + "\n"
}

// lines makes text fit for standard error: no control characters, no line longer than maxLine, at
// most maxLines, and all but the first indented.
func lines(text string) string {
	var out []string
	for l := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		if len(out) == maxLines {
			out = append(out, "...")
			break
		}
		l = report.Printable(l)
		if r := []rune(l); len(r) > maxLine {
			l = string(r[:maxLine]) + "..."
		}
		out = append(out, l)
	}
	return strings.Join(out, "\n  ")
}

// oneLine makes text fit for the log.
func oneLine(text string) string {
	line := strings.ReplaceAll(lines(text), "\n  ", "; ")
	if len(line) > maxLogged {
		line = strings.ToValidUTF8(line[:maxLogged], "") + "..."
	}
	return line
}

// hinted returns an error's text, with the hint of a usage error in parentheses.
func hinted(err error) string {
	if u, ok := errors.AsType[*cmdutil.UsageError](err); ok && u.Hint != "" {
		return u.Message + " (" + u.Hint + ")"
	}
	return err.Error()
}
