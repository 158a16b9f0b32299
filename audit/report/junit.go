package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/source"
)

// CI systems show JUnit XML as tests. A guest is a suite, in which
//   - "boundary" is the verdict: it fails if a finding about the boundary fails the run, and is
//     skipped, which is not a pass, if the guest is not inside and no finding fails the run;
//   - a rule with findings is a test that fails if they fail the run, and otherwise passes with the
//     findings as its output; a rule that was not evaluated is skipped;
//   - "other rules" stands for all rules without findings. A test for each would be a hundred times
//     the number of guests, and GitLab stops reading at half a million tests.
//
// Unreadable inputs are errors in a suite of their own, and notices have one too. The elements are
// those that Jenkins and GitLab read. GitLab shows the text of an element and not its message, and
// of several tests with the same class and name it shows the first.

type junitSuite struct {
	XMLName    xml.Name         `xml:"testsuite"`
	Name       string           `xml:"name,attr"`
	Tests      int              `xml:"tests,attr"`
	Failures   int              `xml:"failures,attr"`
	Errors     int              `xml:"errors,attr"`
	Skipped    int              `xml:"skipped,attr"`
	Timestamp  string           `xml:"timestamp,attr,omitempty"`
	Properties *junitProperties `xml:"properties"` // the element may not be empty
	Cases      []*junitTestCase `xml:"testcase"`
}

type junitProperties struct {
	All []junitProperty `xml:"property"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitTestCase struct {
	XMLName xml.Name      `xml:"testcase"`
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Skipped *junitOutcome `xml:"skipped"`
	Error   *junitOutcome `xml:"error"`
	Failure *junitOutcome `xml:"failure"`
	Out     *junitText    `xml:"system-out"`
}

type junitOutcome struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr"`
	junitText
}

// junitText is prose of several lines, which the encoder would write as character references.
type junitText struct {
	Text string `xml:",innerxml"`
}

type junitReporter struct {
	w                 io.Writer
	opt               Options
	begun             bool
	guests            int
	notices, problems junitSpool
}

// junitSpool is a suite whose tests come as the run goes on.
type junitSpool struct {
	cases spool
	junitSuite
}

func newJUnit(w io.Writer, o Options) Reporter { return &junitReporter{w: w, opt: o} }

// junitProse makes lines the content of an element.
func junitProse(lines ...string) junitText {
	var b bytes.Buffer
	for i, line := range strings.Split(strings.Join(lines, "\n"), "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(xmlText(line))
	}
	return junitText{b.String()}
}

func (j *junitReporter) begin() error {
	if j.begun {
		return nil
	}
	j.begun = true
	if _, err := io.WriteString(j.w, xml.Header+"<testsuites name=\"virt-audit\">\n"); err != nil {
		return err
	}
	var profiles, rules []string
	for _, p := range j.opt.Profiles {
		profiles = append(profiles, string(p))
	}
	for _, r := range j.opt.Rules {
		rules = append(rules, r.ID)
	}
	return j.suite(&junitSuite{Name: "virt-audit", Properties: &junitProperties{[]junitProperty{
		{"version", j.opt.Version},
		{"policy", printable(j.opt.Policy)},
		{"profiles", strings.Join(profiles, " ")},
		{"fail-on", j.opt.FailOn.String()},
		{"rules", strings.Join(rules, " ")},
	}}})
}

// suite writes a suite and the time of the run.
func (j *junitReporter) suite(s *junitSuite) error {
	if !j.opt.Now.IsZero() {
		s.Timestamp = j.opt.Now.UTC().Format("2006-01-02T15:04:05") // the format has no zone
	}
	for _, c := range s.Cases {
		s.count(c)
	}
	return junitWrite(j.w, s, "  ")
}

func junitWrite(w io.Writer, v any, indent string) error {
	text, err := xml.MarshalIndent(v, indent, "  ")
	if err != nil {
		return err
	}
	return writeLines(w, string(text)+"\n")
}

func (s *junitSuite) count(c *junitTestCase) {
	s.Tests++
	switch {
	case c.Error != nil:
		s.Errors++
	case c.Failure != nil:
		s.Failures++
	case c.Skipped != nil:
		s.Skipped++
	}
}

func (j *junitReporter) Domain(r *audit.Result) error {
	if err := j.begin(); err != nil {
		return err
	}
	j.guests++
	s := &junitSuite{Name: printable(r.Name), Properties: junitGuest(r)}
	class := junitClass(r)
	s.Cases = append(s.Cases, j.boundary(r, class))
	groups := junitGroups(r)
	quiet, hidden := len(j.opt.Rules), 0
	for _, g := range groups {
		if slices.Contains(j.opt.Rules, g.rule) {
			quiet--
		}
		if c := j.rule(r, g, class); c != nil {
			s.Cases = append(s.Cases, c)
		} else {
			hidden++
		}
	}
	if len(j.opt.Rules) > 0 {
		text := fmt.Sprintf("%d of %s found nothing", quiet, plural(len(j.opt.Rules), "rule"))
		if hidden > 0 {
			text += fmt.Sprintf(", and %d only findings that are waived or in the baseline", hidden)
		}
		out := junitProse(text)
		s.Cases = append(s.Cases, &junitTestCase{Class: class, Name: "other rules", Out: &out})
	}
	if s.Name == "" {
		s.Name = class
	}
	return j.suite(s)
}

// junitGuest returns the properties of a guest.
func junitGuest(r *audit.Result) *junitProperties {
	b, t := r.Boundary, r.Target
	all := &junitProperties{}
	for _, p := range []junitProperty{
		{"source", r.Source},
		{"uuid", r.UUID},
		{"host", r.Origin.Host},
		{"document", junitDocument(r)},
		{"type", t.Type},
		{"os", t.OS},
		{"arch", t.Arch},
		{"machine", t.Machine},
		{"verdict", string(b.Verdict)},
		{"reason", string(b.Reason)},
		{"policy", b.Policy},
		{"accelerator", b.Accelerator},
		{"waived", strconv.Itoa(len(r.Waived))},
		{"in-baseline", strconv.Itoa(len(r.InBaseline))},
	} {
		if p.Value = printable(p.Value); p.Value != "" {
			all.All = append(all.All, p)
		}
	}
	return all
}

// junitClass returns a name of a guest's document that is unique in the run. It does not contain
// the suffix ".xml": Jenkins takes what follows a dot for the name of a class.
func junitClass(r *audit.Result) string {
	class := strings.TrimSuffix(printable(r.Source), ".xml")
	if document := junitDocument(r); document != "" {
		class += " (" + printable(document) + ")"
	}
	return class
}

func (j *junitReporter) Notice(n *audit.Notice) error {
	c := &junitTestCase{Class: printable(n.Source), Name: n.Rule.ID}
	place := source.Location(printable(n.Source), n.Pos.Line, n.Pos.Column)
	if n.Pos.Line > 0 {
		c.Name += fmt.Sprintf(" at line %d", n.Pos.Line)
	}
	message := printable(n.Message)
	text := junitProse(n.Severity.String()+": "+message, "  "+place, "fix: "+n.Rule.Fix, "see: "+n.Rule.URL())
	if j.opt.fails(n.Severity) {
		c.Failure = &junitOutcome{n.Severity.String(), message, text}
	} else {
		c.Out = &text
	}
	return j.notices.add(c)
}

func (j *junitReporter) Unreadable(err error) error {
	e := newJSONUnreadable(err)
	place, message := printable(e.Source), printable(e.Message)
	c := &junitTestCase{Class: strings.TrimSuffix(place, ".xml"), Name: "can be read"}
	if place == "" {
		c.Class, c.Name = "virt-audit", fmt.Sprintf("unreadable input %d", j.problems.Tests+1)
	}
	place = source.Location(place, e.Line, e.Column)
	c.Error = &junitOutcome{"input", message, junitProse(strings.TrimPrefix(place+": "+message, ": "))}
	return j.problems.add(c)
}

func (s *junitSpool) add(c *junitTestCase) error {
	s.count(c)
	return junitWrite(&s.cases, c, "    ")
}

func (j *junitReporter) Close() error {
	if err := j.begin(); err != nil {
		return err
	}
	j.notices.Name, j.problems.Name = "notices", "unreadable inputs"
	if j.guests+j.problems.Tests == 0 {
		j.problems.Name = "guests"
		if err := j.problems.add(junitNothing()); err != nil {
			return err
		}
	}
	for _, s := range []*junitSpool{&j.notices, &j.problems} {
		if s.Tests == 0 {
			continue
		}
		if err := j.spooled(s); err != nil {
			return err
		}
	}
	_, err := io.WriteString(j.w, "</testsuites>\n")
	return err
}

// spooled writes a suite with the tests that were stored.
func (j *junitReporter) spooled(s *junitSpool) error {
	var head bytes.Buffer
	inner := junitReporter{w: &head, opt: j.opt}
	if err := inner.suite(&s.junitSuite); err != nil {
		return err
	}
	const end = "</testsuite>\n"
	if _, err := j.w.Write(append(bytes.TrimSuffix(head.Bytes(), []byte(end)), '\n')); err != nil {
		return err
	}
	if err := s.cases.copyTo(j.w); err != nil {
		return err
	}
	_, err := io.WriteString(j.w, "  "+end)
	return err
}
