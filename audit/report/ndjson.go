package report

import (
	"hash/maphash"
	"io"
	"slices"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// NDJSON is the JSON report in lines, for programs that do not wait: each guest is a line as soon
// as it has been read, and what is known only after all guests follows in lines of its own. The
// findings of all lines together are those of the run, each once. ndjson.schema.json describes a
// line; it refers to report.schema.json and makes the same promise.

// ndjsonRun is the first line.
type ndjsonRun struct {
	Record   string          `json:"record"`
	Version  int             `json:"version"`
	Tool     ndjsonTool      `json:"tool"`
	Policy   string          `json:"policy"`
	Profiles []audit.Profile `json:"profiles"`
	Rules    []string        `json:"rules"`
	Minimum  string          `json:"min_severity"`
}

type ndjsonTool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type ndjsonDomain struct {
	Record string `json:"record"`
	jsonDomain
}

// ndjsonMore adds to a domain that was printed before.
type ndjsonMore struct {
	Record       string            `json:"record"`
	Source       string            `json:"source"`
	Name         string            `json:"name"`
	UUID         string            `json:"uuid"`
	Origin       *jsonOrigin       `json:"origin,omitempty"`
	Boundary     *jsonBoundary     `json:"boundary,omitempty"`
	Findings     []jsonFinding     `json:"findings"`
	Waived       []jsonFinding     `json:"waived,omitempty"`
	InBaseline   []jsonFinding     `json:"in_baseline,omitempty"`
	NotCounted   []jsonNotCounted  `json:"not_counted,omitempty"`
	NotEvaluated []jsonUnevaluated `json:"not_evaluated,omitempty"`
	Gone         int               `json:"gone,omitempty"`
}

// ndjsonDrift adds to a finding that was printed before.
type ndjsonDrift struct {
	Record      string      `json:"record"`
	Source      string      `json:"source"`
	Name        string      `json:"name"`
	UUID        string      `json:"uuid"`
	Origin      *jsonOrigin `json:"origin,omitempty"`
	Rule        string      `json:"rule"`
	Line        int         `json:"line"`
	Column      int         `json:"column"`
	Fingerprint string      `json:"fingerprint"`
	Drift       string      `json:"drift"`
}

type ndjsonNotice struct {
	Record string `json:"record"`
	jsonNotice
}

type ndjsonUnreadable struct {
	Record string `json:"record"`
	jsonUnreadable
}

type ndjsonSummary struct {
	Record string `json:"record"`
	jsonSummary
}

type ndjsonReporter struct {
	w     io.Writer
	opt   Options
	tally Tally
	begun bool
	seed  maphash.Seed
	early map[uint64]ndjsonEarly // by guest
	marks []ndjsonMark           // of all guests, one after the other
}

// ndjsonEarly is what was printed early about a guest: the range of its marks, and the verdict. A
// guest with ten findings takes some 150 bytes, its marks included.
type ndjsonEarly struct {
	from, count uint32
	verdict     uint8 // index into policyWords
}

// ndjsonMark stands for one item that was printed or counted: its kind, its severity, and in the
// remaining bits a hash of its fingerprint. The hash has a random seed in each run, so that a
// document cannot cause a collision.
type ndjsonMark uint64

// The kinds of marks.
const (
	markFinding = iota
	markWaived
	markInBaseline
	markUnevaluated
)

const (
	markKindBits     = 2
	markSeverityBits = 3
)

func (m ndjsonMark) kind() int { return int(m & (1<<markKindBits - 1)) }

func (m ndjsonMark) severity() audit.Severity {
	return audit.Severity(m >> markKindBits & (1<<markSeverityBits - 1))
}

var policyWords = []policy.Word{policy.Inside, policy.Outside, policy.Undetermined, policy.NotQEMU}

// full are the options of a report that lists all findings.
func (n *ndjsonReporter) full() *Options {
	o := n.opt
	o.ShowWaived = true
	return &o
}

func newNDJSON(w io.Writer, o Options) Reporter {
	return &ndjsonReporter{w: w, opt: o, seed: maphash.MakeSeed(), early: map[uint64]ndjsonEarly{}}
}

// line writes a record, and the first one before all others. A line is one Write.
func (n *ndjsonReporter) line(record any) error {
	if !n.begun {
		n.begun = true
		profiles := n.opt.Profiles
		if profiles == nil {
			profiles = []audit.Profile{}
		}
		if err := n.line(ndjsonRun{"run", 1, ndjsonTool{"virt-audit", n.opt.Version}, n.opt.Policy, profiles, ruleIDs(n.opt.Rules, 0), n.opt.Minimum.String()}); err != nil {
			return err
		}
	}
	text, err := JSON(record)
	if err != nil {
		return err
	}
	_, err = n.w.Write(append(text, '\n'))
	return err
}

// Early writes the line of a guest, and remembers what it contained.
func (n *ndjsonReporter) Early(r *audit.Result) error {
	n.tally.Add(r)
	d := newJSONDomain(r, n.full())
	from := len(n.marks)
	n.each(r, &d, func(_ int, m ndjsonMark) { n.marks = append(n.marks, m) })
	n.early[n.guest(r)] = ndjsonEarly{
		uint32(from), uint32(len(n.marks) - from), uint8(max(0, slices.Index(policyWords, r.Boundary.Verdict))),
	}
	if !n.opt.ShowWaived {
		d.Waived, d.InBaseline = nil, nil
	}
	return n.line(ndjsonDomain{"domain", d})
}

// guest is the key of a guest's document in this run.
func (n *ndjsonReporter) guest(r *audit.Result) uint64 {
	type key struct {
		source, name, uuid, kind, label, host string
	}
	return maphash.Comparable(n.seed, key{r.Source, r.Name, r.UUID, string(r.Origin.Kind), r.Origin.Label, r.Origin.Host})
}

// each calls do for everything that is printed or counted about a guest, with its index among the
// items of its kind.
func (n *ndjsonReporter) each(r *audit.Result, d *jsonDomain, do func(i int, m ndjsonMark)) {
	mark := func(i, kind int, s audit.Severity, text string) {
		h := maphash.String(n.seed, text) << (markKindBits + markSeverityBits)
		do(i, ndjsonMark(h|uint64(s)<<markKindBits|uint64(kind)))
	}
	for i := range d.Findings {
		mark(i, markFinding, r.Findings[i].Severity, d.Findings[i].Fingerprint)
	}
	for i := range d.Waived {
		mark(i, markWaived, r.Waived[i].Severity, d.Waived[i].Fingerprint)
	}
	for i := range d.InBaseline {
		mark(i, markInBaseline, r.InBaseline[i].Severity, d.InBaseline[i].Fingerprint)
	}
	for i := range d.NotEvaluated {
		mark(i, markUnevaluated, 0, d.NotEvaluated[i].Rule)
	}
}

// Domain writes what Early did not.
func (n *ndjsonReporter) Domain(r *audit.Result) error {
	printed, ok := n.early[n.guest(r)]
	if !ok {
		return n.Early(r)
	}
	before := map[ndjsonMark]int{}
	for _, m := range n.marks[printed.from : printed.from+printed.count] {
		before[m]++
		n.uncount(m)
	}
	n.tally.Domains--
	n.tally.Verdicts[policyWords[printed.verdict]]--
	n.tally.Add(r)

	d := newJSONDomain(r, n.full())
	more := ndjsonMore{Record: "more", Source: d.Source, Name: d.Name, UUID: d.UUID, Origin: d.Origin, Findings: []jsonFinding{}}
	if r.Boundary.Verdict != policyWords[printed.verdict] {
		more.Boundary = &d.Boundary
	}
	var drifts []ndjsonDrift
	n.each(r, &d, func(i int, m ndjsonMark) {
		if before[m] > 0 {
			before[m]--
			if f := d.Findings; m.kind() == markFinding && f[i].Drift != "" {
				drifts = append(drifts, ndjsonDrift{
					"drift", d.Source, d.Name, d.UUID, d.Origin, f[i].Rule, f[i].Line, f[i].Column, f[i].Fingerprint, f[i].Drift,
				})
			}
			return
		}
		switch m.kind() {
		case markFinding:
			more.Findings = append(more.Findings, d.Findings[i])
		case markWaived:
			more.Waived = append(more.Waived, d.Waived[i])
			more.NotCounted = append(more.NotCounted, d.NotCounted[i])
		case markInBaseline:
			more.InBaseline = append(more.InBaseline, d.InBaseline[i])
			more.NotCounted = append(more.NotCounted, d.NotCounted[len(d.Waived)+i])
		default:
			more.NotEvaluated = append(more.NotEvaluated, d.NotEvaluated[i])
		}
	})
	for m, left := range before {
		if m.kind() == markFinding {
			more.Gone += left
		}
	}
	if !n.opt.ShowWaived {
		more.Waived, more.InBaseline = nil, nil
	}
	if len(more.Findings)+len(more.NotCounted)+len(more.NotEvaluated)+more.Gone > 0 || more.Boundary != nil {
		if err := n.line(more); err != nil {
			return err
		}
	}
	for _, record := range drifts {
		if err := n.line(record); err != nil {
			return err
		}
	}
	return nil
}

// uncount removes a mark from the tally.
func (n *ndjsonReporter) uncount(m ndjsonMark) {
	switch m.kind() {
	case markFinding:
		n.tally.Severities[m.severity()]--
	case markWaived:
		n.tally.Waived--
	case markInBaseline:
		n.tally.InBaseline--
	default:
		n.tally.Unevaluated--
	}
}

func (n *ndjsonReporter) Notice(notice *audit.Notice) error {
	n.tally.AddNotice(notice)
	return n.line(ndjsonNotice{"notice", newJSONNotice(notice)})
}

func (n *ndjsonReporter) Unreadable(err error) error {
	n.tally.Unreadable++
	return n.line(ndjsonUnreadable{"unreadable", newJSONUnreadable(err)})
}

func (n *ndjsonReporter) Close() error {
	return n.line(ndjsonSummary{"summary", newJSONSummary(&n.tally)})
}
