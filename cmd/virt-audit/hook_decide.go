package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/audit/pipeline"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/report"
)

// unjudged is a guest that cannot be judged because of what its XML is. All other errors of a decision are ours,
// or the installation's: a configuration that is wrong, a policy that is missing, a defect of the program.
type unjudged struct{ err error }

func (e *unjudged) Error() string { return e.err.Error() }
func (e *unjudged) Unwrap() error { return e.err }

// decide judges the guest on standard input. It returns why the guest is refused, or "" where it is
// not; the error means that it cannot be judged. It takes no longer than --timeout, whatever libvirt
// does: it may leave a goroutine behind that waits for input.
func (s *streams) decide(c *cli.Context, guest, operation string) (refused string, err error) {
	setup, err := hookConfig(c)
	if err != nil {
		return "", err
	}
	limit, err := sizeOption(c)
	if err != nil {
		return "", err
	}
	type answer struct {
		refused string
		err     error
	}
	done := make(chan answer, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- answer{err: blame(&pipeline.PanicError{Source: "guest " + guest, Value: r, Stack: debug.Stack()}, setup.Settings)}
			}
		}()
		setup.Host = hookedHost(c)
		res, err := judgeHooked(io.LimitReader(s.in, limit+1), limit, operation, setup.Settings)
		if defect, ok := errors.AsType[*pipeline.PanicError](err); ok {
			defect.Source = "guest " + guest
			done <- answer{err: blame(defect, setup.Settings)}
			return
		}
		if err != nil {
			done <- answer{err: &unjudged{err}}
			return
		}
		done <- answer{refused: setup.refuse.reason(res)}
	}()
	select {
	case a := <-done:
		return a.refused, a.err
	case <-time.After(c.Duration("timeout")):
		return "", &unjudged{fmt.Errorf("no verdict after %v", c.Duration("timeout"))}
	}
}

// controlGuest is a document that can be judged. What fails with it too is not a guest's fault.
const controlGuest = `<domain type='kvm' id='1'><name>control</name><memory>1048576</memory><os><type arch='x86_64' machine='q35'>hvm</type></os></domain>`

// blame says whose fault a panic is: ours if the control guest has the same effect, and else that of the guest's
// XML. A defect that only some documents meet would be a way past the hook.
func blame(err error, cfg *audit.Settings) (blamed error) {
	defer func() {
		if recover() != nil {
			blamed = err
		}
	}()
	if _, failed := judgeHooked(strings.NewReader(controlGuest), 1<<20, opPrepare, cfg); failed != nil {
		return err
	}
	return &unjudged{err}
}

// judgeHooked reads and judges a guest as a hook is shown it. Its errors are about the XML.
func judgeHooked(in io.Reader, limit int64, operation string, cfg *audit.Settings) (*audit.Result, error) {
	data, err := io.ReadAll(in)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the XML: %w", err)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("the XML is larger than %d bytes (--max-size)", limit)
	}
	d, err := domxml.Load("XML from libvirt", data)
	if err != nil {
		return nil, err
	}
	d.Origin = hookOrigin(d, operation)
	results, err := pipeline.New(pipeline.Options{Settings: cfg}).Domains(d)
	if err != nil {
		return nil, err
	}
	return results[0], nil
}

// hookOrigin says what the document is. At "prepare" libvirt has set an id, but not yet put the host's
// words in place of the author's as it does for guests that run. Only the CPU of a guest that ran
// before, and is restored now, has gone through that: check='full' is libvirt's mark of it.
func hookOrigin(d *audit.Domain, operation string) audit.Origin {
	kind := audit.Stored
	switch {
	case operation != opPrepare:
		kind = audit.Saved
	case d.CPU != nil && d.CPU.Check == "full":
		kind = audit.Running
	}
	daemon := "qemu:///system"
	if os.Geteuid() != 0 { // users' daemons run the same hooks
		daemon = "qemu:///session"
	}
	return audit.Origin{Kind: kind, Stated: true, Host: daemon}
}

// hookedHost is what the guest inherits from the host: the hook is on it. What cannot be read there is
// not known; libvirt has its own opinion of it.
func hookedHost(c *cli.Context) *host.Facts {
	facts, errs := host.Find(host.Places{Root: c.String("host-root"), Getenv: os.Getenv})
	if len(errs) > 0 && c.String("log") == logSyslog {
		_ = toSyslog("not used: " + joined(errs))
	}
	return facts
}

// A refusal is read in the middle of an error of libvirt's, often by someone who did not set the hook
// up: it is short, and says what to do.
const (
	maxFindings = 3   // that are told of in full
	maxLine     = 400 // in characters
	maxLines    = 20
)

// reason says why a guest is refused, "" when it is not: one line with the causes, and lines on each.
func (r *refusal) reason(res *audit.Result) string {
	var causes []string
	boundary := true
	switch {
	case boundaryWaived(res):
		boundary = false
	case r.outside && res.Boundary.Verdict == policy.Outside:
		causes = append(causes, "it is outside QEMU's security support boundary")
	case r.undetermined && res.Boundary.Verdict == policy.Undetermined:
		causes = append(causes, "whether it is inside QEMU's security support boundary cannot be told")
	default:
		boundary = false
	}
	var told, others []audit.Finding
	for _, f := range res.Findings {
		switch matches := r.any && f.Severity >= r.severity || slices.Contains(r.rules, f.Rule.ID); {
		case matches:
			told = append(told, f)
			boundary = boundary && f.Rule.Group() != "boundary"
		case f.Rule.Group() == "boundary":
			others = append(others, f)
		}
	}
	for _, s := range audit.Severities() {
		n := 0
		for _, f := range told {
			if f.Severity == s {
				n++
			}
		}
		switch n {
		case 0:
		case 1:
			causes = append(causes, fmt.Sprintf("1 %s finding", s))
		default:
			causes = append(causes, fmt.Sprintf("%d %s findings", n, s))
		}
	}
	if len(causes) == 0 {
		return ""
	}
	worst := func(a, b audit.Finding) int { return int(b.Severity - a.Severity) }
	slices.SortStableFunc(told, worst)
	var text strings.Builder
	text.WriteString(strings.Join(causes, ", ") + "\n")
	if boundary { // and nothing that is told of says why
		text.WriteString("boundary: " + res.Boundary.Explain() + "\n")
		if len(others) > 0 {
			text.WriteString("mend: " + mend(slices.MinFunc(others, worst).Rule, res.Name) + "\n")
		}
	}
	for i, f := range told {
		if i == maxFindings {
			fmt.Fprintf(&text, "and %d more\n", len(told)-i)
			break
		}
		fmt.Fprintf(&text, "%s: %s (%s, at %s)\nmend: %s\n", f.Severity, f.Message, f.Rule.ID, place(f.Path), mend(f.Rule, res.Name))
	}
	if len(told) > 0 {
		fmt.Fprintf(&text, "'virt-audit explain %s' tells more\n", told[0].Rule.ID)
	}
	return text.String()
}

// boundaryWaived reports whether the site lives with the verdict: its rules found something, and all of
// that is waived.
func boundaryWaived(res *audit.Result) bool {
	about := func(r *audit.Rule) bool { return r.Group() == "boundary" }
	return slices.ContainsFunc(res.Waived, func(w audit.Waived) bool { return about(w.Rule) }) &&
		!slices.ContainsFunc(res.Findings, func(f audit.Finding) bool { return about(f.Rule) })
}

// place says in words where in the XML something is: the reader has no line numbers to go by.
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

// mend is the command of a rule's fix, or its first line.
func mend(r *audit.Rule, guest string) string {
	fix := strings.Split(report.Fix(r, guest), "\n")
	for _, l := range fix {
		if command, ok := strings.CutPrefix(l, "$ "); ok {
			return command
		}
	}
	return fix[0]
}

// lines makes text fit for standard error: no control characters, no line longer than maxLine, no more than
// maxLines, and all but the first one indented.
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
