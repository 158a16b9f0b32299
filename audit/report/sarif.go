package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/virt-audit/virt-audit/audit"
)

// The SARIF report follows version 2.1.0 with errata 01
// (https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/sarif-v2.1.0-errata01-os-complete.html)
// and what GitHub code scanning supports
// (https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning):
//   - GitHub rejects the whole file if one result has no URI of an artifact, even with a logical
//     location (https://github.com/forcedotcom/code-analyzer/issues/1970). Every result has one,
//     see sarifAt.
//   - It ignores "suppressions" and "kind" and makes an alert of every result, passes included
//     (https://github.com/github/codeql-action/issues/1230,
//     https://github.com/microsoft/PSRule/issues/955). Findings that do not count are therefore
//     omitted without --show-waived, and the verdict of each guest is in the properties of the run.
//     "artifacts" would not do: one file can contain several guests.
//   - A region must begin at line 1 or later.

// sarifSchema is where OASIS publishes the schema.
const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

type sarifReporter struct {
	w     io.Writer
	opt   Options
	rules []*audit.Rule  // that are described
	index map[string]int // of these, by ID
	tally Tally

	checkout          checkout
	outside           occurrences // of what is about no guest
	begun             bool
	results, notified int

	// What follows the results, in bounded memory.
	guests, problems spool
	missing          map[audit.Unevaluated]int // the number of guests for which a rule was not evaluated
}

func newSARIF(w io.Writer, o Options) Reporter {
	s := &sarifReporter{w: w, opt: o, rules: slices.Concat(o.Rules, unaudited), index: map[string]int{}, missing: map[audit.Unevaluated]int{}}
	s.checkout, s.outside = newCheckout(os.Getenv("GITHUB_WORKSPACE")), occurrences{}
	for i, r := range s.rules {
		s.index[r.ID] = i
	}
	return s
}

// begin writes what comes before the first result.
func (s *sarifReporter) begin() error {
	if s.begun {
		return nil
	}
	s.begun = true
	tool, err := encode(newSARIFTool(s.opt.Version), "      ")
	if err != nil {
		return err
	}
	// Rules, like results, take a line each: in a stored report, a change of one is a change of one
	// line.
	before, after, _ := bytes.Cut(tool, []byte(`"rules": []`))
	var rules bytes.Buffer
	for i, r := range s.rules {
		if err := sarifItem(&rules, i, 12, newSARIFDescriptor(r)); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(s.w, `{
  "$schema": "%s",
  "version": "2.1.0",
  "runs": [
    {
      "tool": %s"rules": [%s]%s,
      "columnKind": "unicodeCodePoints",
      "originalUriBaseIds": {
        "%s": {"description": {"text": "The directory in which virt-audit ran."}}
      },
      "results": [`, sarifSchema, before, rules.Bytes(), after, sarifRoot)
	return err
}

// result writes a result on a line of its own.
func (s *sarifReporter) result(r *sarifResult) error {
	if err := s.begin(); err != nil {
		return err
	}
	err := sarifItem(s.w, s.results, 8, r)
	s.results++
	return err
}

// sarifItem writes an element of a list that has n elements already, indented.
func sarifItem(w io.Writer, n, indent int, v any) error {
	text, err := JSON(v)
	if err != nil {
		return err
	}
	separator := ","
	if n == 0 {
		separator = ""
	}
	_, err = fmt.Fprintf(w, "%s\n%*s%s", separator, indent, "", text)
	return err
}

func (s *sarifReporter) Domain(r *audit.Result) error {
	err := sarifItem(&s.guests, s.tally.Domains, 10, newSARIFGuest(r))
	if err != nil {
		return err
	}
	s.tally.Add(r)
	for _, u := range r.Unevaluated {
		s.missing[u]++
	}
	seen := occurrences{}
	for i := range r.Findings {
		if err := s.result(s.finding(r, &r.Findings[i], seen)); err != nil {
			return err
		}
	}
	for _, u := range s.opt.uncounted(r) {
		f := s.finding(r, u.Finding, seen)
		f.Suppressions = []sarifSuppression{newSARIFSuppression(u)}
		if err := s.result(f); err != nil {
			return err
		}
	}
	return nil
}

// finding returns a finding about a guest as a result.
func (s *sarifReporter) finding(r *audit.Result, f *audit.Finding, seen occurrences) *sarifResult {
	out := s.about(f.Rule, f.Severity, f.Message+". Guest "+r.Name+": "+string(r.Boundary.Verdict)+", "+r.Boundary.Explain())
	at := sarifAt(r.Source, f.Pos)
	at.Logical = []sarifLogical{newSARIFLogical(r.Name, f.Path.String())}
	out.Locations = []sarifLocation{at}
	out.Fingerprints = s.fingerprints(r.Source, r.Fingerprint(f), seen)
	p := &out.Properties
	p.sarifVerdict = newSARIFVerdict(r)
	p.Path, p.Device, p.Drift = printable(f.Path.String()), printable(f.Device), string(f.Drift)
	a := s.opt.advice(r, f)
	p.Fix, p.FixIn, p.Safety, p.Command = printable(a.Text), a.Manager, a.Safety, printable(a.Command)
	out.Fixes = s.fixes(r, &a)
	return out
}

// about returns what results about a guest and others have in common.
func (s *sarifReporter) about(r *audit.Rule, severity audit.Severity, text string) *sarifResult {
	out := &sarifResult{RuleID: printable(r.ID), Level: sarifLevel(severity), Message: sarifText{sarifMessage(text + ".")}}
	if i, ok := s.index[r.ID]; ok {
		out.RuleIndex = &i
	}
	out.Properties = sarifProperties{Severity: severity.String(), Title: printable(r.Title), Fix: printable(ruleAdvice(r, "").Text), URL: printable(r.URL())}
	return out
}

func (s *sarifReporter) Notice(n *audit.Notice) error {
	s.tally.AddNotice(n)
	out := s.about(n.Rule, n.Severity, n.Message)
	out.Locations = []sarifLocation{sarifAt(n.Source, n.Pos)}
	out.Fingerprints = s.fingerprints(n.Source, n.Fingerprint(), s.outside)
	return s.result(out)
}

func (s *sarifReporter) Unreadable(err error) error {
	s.tally.Unreadable++
	e := newJSONUnreadable(err)
	return s.unaudited(unreadableInput, "unreadable: "+e.Message, e.Source, audit.Pos{Line: e.Line, Column: e.Column})
}

// unaudited writes a notification, which is what SARIF has for it, and a result, since GitHub shows
// no notifications: an input that was not audited would look like one without findings.
func (s *sarifReporter) unaudited(r *audit.Rule, message, source string, p audit.Pos) error {
	at := sarifAt(source, p)
	n := sarifNotification{Level: sarifError, Message: sarifText{sarifMessage(message)}}
	if source != "" {
		n.Locations = []sarifLocation{at}
	}
	if err := sarifItem(&s.problems, s.notified, 12, n); err != nil {
		return err
	}
	s.notified++
	out := s.about(r, r.Severity, message)
	out.Locations = []sarifLocation{at}
	out.Fingerprints = s.fingerprints(source, unreadableFingerprint(r, source), s.outside)
	return s.result(out)
}

// unevaluated returns a notification for each rule that was not evaluated and each missing fact.
func (s *sarifReporter) unevaluated() []sarifNotification {
	out := make([]sarifNotification, 0, len(s.missing))
	for _, u := range slices.SortedFunc(maps.Keys(s.missing), func(a, b audit.Unevaluated) int {
		return cmp.Or(cmp.Compare(a.Rule.ID, b.Rule.ID), cmp.Compare(a.Missing, b.Missing))
	}) {
		text := fmt.Sprintf("%s was not evaluated for %s, because %s.", u.Rule.ID, plural(s.missing[u], "guest"), u.Missing)
		n := sarifNotification{Level: sarifWarning, Message: sarifText{sarifMessage(text)}, Rule: &sarifRule{ID: printable(u.Rule.ID)}}
		if i, ok := s.index[u.Rule.ID]; ok {
			n.Rule.Index = &i
		}
		out = append(out, n)
	}
	return out
}

func (s *sarifReporter) Close() error {
	if s.tally.nothing() {
		if err := s.unaudited(nothingAudited, noGuest, s.opt.firstArgument(), audit.Pos{}); err != nil {
			return err
		}
	}
	if err := s.begin(); err != nil {
		return err
	}
	w := &firstError{w: s.w}
	text := func(text []byte, err error) []byte {
		w.note(err)
		return text
	}
	started := ""
	if !s.opt.Now.IsZero() {
		started = fmt.Sprintf("\n          \"startTimeUtc\": %q,", s.opt.Now.UTC().Format(time.RFC3339))
	}
	fmt.Fprintf(w, `%s],
      "invocations": [
        {%s
          "executionSuccessful": %t,
          "toolConfigurationNotifications": %s,
          "toolExecutionNotifications": [`,
		sarifEnd(s.results, 6), started, s.notified == 0, text(encode(s.unevaluated(), "          ")))
	w.note(s.problems.copyTo(w))
	fmt.Fprintf(w, `%s]
        }
      ],
      "properties": {
        "policy": %s,
        "profiles": %s,
        "domains": [`,
		sarifEnd(s.notified, 10), text(JSON(printable(s.opt.Policy))), text(JSON(append([]audit.Profile{}, s.opt.Profiles...))))
	w.note(s.guests.copyTo(w))
	fmt.Fprintf(w, `%s],
        "summary": %s
      }
    }
  ]
}
`, sarifEnd(s.tally.Domains, 8), text(encode(newJSONSummary(&s.tally), "        ")))
	return w.err
}

// sarifEnd returns the white space between the last of n elements of a list and its end.
func sarifEnd(n, indent int) string {
	if n == 0 {
		return ""
	}
	return "\n" + strings.Repeat(" ", indent)
}

// firstError is a writer that remembers the first error and writes no more.
type firstError struct {
	w   io.Writer
	err error
}

func (f *firstError) Write(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.w.Write(p)
	f.note(err)
	return n, err
}

func (f *firstError) note(err error) {
	if f.err == nil {
		f.err = err
	}
}
