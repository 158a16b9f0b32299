package audit

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// Boundary is the answer to the first question: is the guest inside QEMU's security support boundary?
type Boundary = policy.Verdict

// Config says what a run is to do. The zero value judges by the default edition of the policy and
// runs no rule.
type Config struct {
	Rules    []*Rule
	Policy   *policy.Edition // nil: the default
	QEMU     policy.Version  // the release that guests are to run on; zero: the newest known
	HostArch string          // libvirt's name of the host's architecture, before what Host says; "" when not known
	Have     Needs           // what this run can supply to rules, besides what Host does
	Minimum  Severity        // findings below are left out
	Index    *Index          // what the domains of the run use; nil for a run over one

	Host  *host.Facts            // what is known of the host; nil when the run is about none
	Hosts map[string]*host.Facts // the same for domains that came over a connection, by its name in their Origin
	// FileMode tells the permissions of the file that a document came from; nil where none came from files.
	FileMode func(source string) (host.Mode, bool)

	Named bool // the rules were named one by one: none is left out without a word
}

// Finding is one thing that is wrong, at one place.
type Finding struct {
	Rule     *Rule
	Severity Severity // the rule's, unless the rule judged this case differently
	Message  string
	Path     Path
	Pos      Pos
	Excerpt  Excerpt
	Drift    Drift // of a guest with several documents, where they differ; "" where they do not
}

// Unevaluated is a rule that could not answer, and what it lacked.
type Unevaluated struct {
	Rule  *Rule
	Needs Needs
}

// Result is what a run says about one domain. It holds no part of the document but the excerpts.
type Result struct {
	Source, Name, UUID string
	Origin             Origin
	Target             Target
	Boundary           Boundary
	Findings           []Finding // by line, column, rule, message
	Unevaluated        []Unevaluated
}

// Pass is what a rule's Check is given: one domain, and the means to report.
type Pass struct {
	*Domain
	Boundary Boundary
	QEMU     policy.Version
	Host     *host.Facts // what is known of the host; nil, which answers all the same, when nothing is
	HostArch string      // libvirt's name of its architecture; "" when not known

	rule   *Rule
	result *Result
	lacked Needs

	fileMode func(source string) (host.Mode, bool)

	set   *Index   // what other domains use; nil when there are none
	notes *[]noted // what this domain uses, while the index is filled
	asked *asked   // what rules want to know of others, while the index is filled
}

// Reportf reports a finding at a place. Messages are one sentence without a period, in words for
// the person who has to mend it; they must not hold a secret.
func (p *Pass) Reportf(at Path, format string, args ...any) {
	p.ReportAs(p.rule.Severity, at, format, args...)
}

// ReportAs is Reportf with a severity that differs from the rule's in this case.
func (p *Pass) ReportAs(s Severity, at Path, format string, args ...any) {
	start, end := p.span(at)
	p.add(s, at, start, end, fmt.Sprintf(format, args...))
}

// ReportDropped reports an element that the reader left out, where it stands.
func (p *Pass) ReportDropped(e Dropped, format string, args ...any) {
	p.add(p.rule.Severity, Path{}, e.start, e.end, fmt.Sprintf(format, args...))
}

func (p *Pass) add(s Severity, at Path, start, end int, message string) {
	p.result.Findings = append(p.result.Findings, Finding{
		Rule: p.rule, Severity: s, Message: message, Path: at, Pos: p.pos(start, end), Excerpt: p.excerpt(start, end),
	})
}

// Unknown says that the rule cannot answer for this domain for want of something.
func (p *Pass) Unknown(lacking Needs) { p.lacked |= lacking }

// Judge returns the boundary verdict for a domain.
func (c *Config) Judge(d *Domain) Boundary {
	edition := c.Policy
	if edition == nil {
		edition = policy.Default()
	}
	return edition.Judge(c.guest(d))
}

// qemu returns the release that guests are to run on.
func (c *Config) qemu() policy.Version {
	if c.QEMU == (policy.Version{}) {
		return policy.NewestQEMU()
	}
	return c.QEMU
}

// Run judges one domain and applies the rules. Everything that decides which findings a report holds,
// with which severity and in which order, happens here and nowhere else.
func Run(d *Domain, c *Config) *Result {
	res := &Result{Source: d.Source, Name: d.Name, UUID: d.UUID, Origin: d.Origin, Target: d.Target, Boundary: c.Judge(d)}
	p := Pass{Domain: d, Boundary: res.Boundary, QEMU: c.qemu(), Host: c.facts(d), result: res, fileMode: c.FileMode}
	p.HostArch = c.hostArch(p.Host)
	have := c.have(p.Host)
	if c.Index.Len() > 1 {
		p.set = c.Index
	}
	for _, r := range c.Rules {
		if r.Needs&NeedDomains != 0 && p.set == nil {
			continue // not a check that is missing: there is nothing to compare the domain with
		}
		lacking := r.Needs &^ (have | NeedDomains)
		if lacking&hostNeeds != 0 && p.Host == nil && !c.Named {
			continue // nobody asked about a host
		}
		if lacking != 0 && r.Concerns != nil && !r.Concerns(&p) {
			continue
		}
		if lacking != 0 {
			res.Unevaluated = append(res.Unevaluated, Unevaluated{r, lacking})
			continue
		}
		p.rule, p.lacked = r, 0
		r.Check(&p)
		if p.lacked != 0 {
			res.Unevaluated = append(res.Unevaluated, Unevaluated{r, p.lacked})
		}
	}
	res.Findings = slices.DeleteFunc(res.Findings, func(f Finding) bool { return f.Severity < c.Minimum })
	slices.SortStableFunc(res.Findings, compare)
	return res
}

func compare(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.Pos.Line, b.Pos.Line),
		cmp.Compare(a.Pos.Column, b.Pos.Column),
		cmp.Compare(a.Rule.ID, b.Rule.ID),
		cmp.Compare(a.Message, b.Message),
	)
}

// Machine takes the domain's machine type apart.
func (p *Pass) Machine() policy.Machine {
	return policy.ParseMachine(p.Boundary.Target, p.Target.Machine)
}

// MachineStage returns where the domain's machine type is in its life, in the release of QEMU that
// the run is about: "supported", "deprecated", "removed", or "" when that cannot be told.
func (p *Pass) MachineStage() string {
	stage, _ := p.Machine().StageIn(p.QEMU)
	return string(stage)
}
