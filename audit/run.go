package audit

import (
	"path"
	"slices"
	"sync"
	"time"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/edit"
	"github.com/virt-audit/virt-audit/audit/fleet"
	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/audit/hostpath"
	"github.com/virt-audit/virt-audit/audit/manager"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/reach"
	"github.com/virt-audit/virt-audit/audit/secret"
)

// Boundary is the verdict: whether the guest is inside QEMU's security support boundary.
type Boundary = policy.Verdict

// Settings are the settings of a run. The zero value judges by the default edition of the policy
// and runs no rule.
type Settings struct {
	Rules    []*Rule
	Policy   *policy.Edition // nil: the default
	QEMU     policy.Version  // the release that guests will run on; zero: the newest known
	HostArch string          // libvirt's name of the host's architecture, overrides Host; "" if not known
	Inputs   Inputs          // what this run can supply to rules, besides Host
	Minimum  Severity        // findings below it are omitted
	Index    *fleet.Index    // what the domains of the run use; nil for a run over one domain

	Host *host.Facts // the facts of the host; nil if there are none
	// Hosts are the facts for domains that came over a connection, by its name in Origin.Host.
	Hosts map[string]*host.Facts
	// OneHost means that all domains that did not come over a connection are of one host. Without
	// it, this holds for runs with facts about a host, and for files in libvirt's directories.
	OneHost bool

	// FileMode returns the permissions of the file that a document came from; nil if no document
	// came from a file.
	FileMode func(source string) (host.Mode, bool)

	Named bool // the user named the rules one by one: a rule that cannot run is reported as not evaluated

	// Severities are those that the site sets for all findings of a rule, by rule ID.
	Severities map[string]Severity
	Allowed    Allowed
	// ManagedBy is the manager that the site names for its guests, see manager.At; "" if it names none.
	ManagedBy manager.Manager

	Waivers       []*Waiver // of the site's configuration
	DomainWaivers DomainWaivers
	// Today is the date for the expiry of waivers; at the zero time no waiver has expired.
	Today time.Time
	// Known reports whether a rule exists, in the run or not; nil: every rule does.
	Known func(id string) bool
	// Nearest returns the ID of the most similar rule, or ""; nil: there are no suggestions.
	Nearest func(id string) string
}

// Allowed is what a site declares as intended, although rules do not expect it there.
type Allowed struct {
	Emulators   []string // absolute paths of binaries
	Directories []string // absolute paths; they include everything below
}

// AllowsEmulator reports whether the site allows guests to run with that binary.
func (p *Pass) AllowsEmulator(file string) bool {
	return p.settings.Allowed.emulator(file)
}

func (a *Allowed) emulator(file string) bool {
	return slices.Contains(a.Emulators, path.Clean(file))
}

// AllowsPath reports whether the site allows guests to use files in the directory of that path. The
// path is judged as written, after resolving "..".
func (p *Pass) AllowsPath(file string) bool {
	file = path.Clean(file)
	return slices.ContainsFunc(p.settings.Allowed.Directories, func(dir string) bool {
		return hostpath.Below(file, path.Clean(dir))
	})
}

// Finding is one fault at one place.
type Finding struct {
	Rule      *Rule
	Severity  Severity // the rule's, unless the rule set another for this case
	Key       string   // distinguishes the findings of a rule, see Pass.Key; "" if it has only one
	Message   string   // for users; not part of the identity of the finding
	Path      Path
	Pos       Pos
	Excerpt   Excerpt
	Device    string         // the first of the DeviceNames of its device; "" if it is not about a device
	Drift     Drift          // the difference between the documents of a guest; "" if there is none
	Fixes     []Fix          // the ways to resolve it, the recommended one first
	DependsOn Inputs         // the inputs from the host that it may depend on
	content   domxml.Content // includes the data that Pass.Key received besides the key
}

// Recommended returns the first fix of a finding. ok is false if there is none.
func (f *Finding) Recommended() (x Fix, ok bool) {
	if len(f.Fixes) == 0 {
		return Fix{}, false
	}
	return f.Fixes[0], true
}

// Drift means that a finding is in one of a guest's documents and not in another. The running,
// stored and saved documents can differ, and each is fixed at a different time.
type Drift string

// The ways in which a finding can differ between the documents of a guest.
const (
	UntilRestart      Drift = "until-restart"       // in the running guest, no longer in the definition
	AtNextStart       Drift = "at-next-start"       // in the definition, not yet in the running guest
	InSavedState      Drift = "in-saved-state"      // in the saved state, no longer in the definition
	WithoutSavedState Drift = "without-saved-state" // in the stored definition, and not in the saved state
)

// Unevaluated is a rule that could not be evaluated, and its missing inputs.
type Unevaluated struct {
	Rule    *Rule
	Missing Inputs
}

// Result is the outcome of a run for one domain. It contains no part of the document except the
// excerpts.
type Result struct {
	Source, Name, UUID string
	Origin             Origin
	Wrapped            bool // the domain is part of another document, see Domain.Wrapped
	Generated          bool // libvirt wrote the document for itself, see Domain.AutoGenerated
	Target             Target
	Boundary           Boundary
	Manager            manager.Manager // the application that owns or created the guest; "" if not known
	Notes              []string        // what the policy does not cover although the guest is inside
	Findings           []Finding       // sorted by line, column, rule, message
	Waived             []Waived        // in the same order; they do not count
	InBaseline         []Finding       // in the baseline, in the same order; they do not count
	Unevaluated        []Unevaluated
	Host               Inputs      // the inputs about the host that were available
	WaiverUses         []WaiverUse // of the waivers of the configuration that apply to the domain
	// Skipped: rules that require one of these were skipped without a report, because there is nothing
	// to compare, or the user gave no host.
	Skipped Inputs
}

// Pass is the argument of a rule's Check: one domain, and the methods to report findings.
type Pass struct {
	*Domain
	Boundary Boundary
	QEMU     policy.Version
	Planned  bool        // the user set QEMU: it is not just the newest release
	Host     *host.Facts // the facts of the host; nil, whose methods are safe to call, if there are none
	HostArch string      // libvirt's name of the host's architecture; "" if not known

	// Waivers are the waivers in the domain itself and their effects, for rules of the phase
	// AfterWaivers.
	Waivers []*AppliedWaiver

	guest         policy.Guest // what the verdict is based on
	rule          *Rule
	result        *Result
	missingInputs Inputs
	dependsOn     Inputs // inputs from the host, see DependsOn

	settings *Settings
	hostName string            // of the host that the guest is on, see OnHost
	reach    func() []Resource // lists what the guest reaches, once, see Reach

	crossGuest crossGuest
}

// Unknown declares that the rule cannot be evaluated for this domain because inputs are missing.
func (p *Pass) Unknown(lacking Inputs) { p.missingInputs |= lacking }

// Runs reports whether the run has a rule. A rule may leave what it finds to another one only if that
// one runs: the user can choose either alone.
func (p *Pass) Runs(id string) bool {
	return slices.ContainsFunc(p.settings.Rules, func(r *Rule) bool { return r.ID == id })
}

// Judge returns the boundary verdict for a domain.
func (c *Settings) Judge(d *Domain) Boundary { return c.edition().Judge(c.policyGuest(d)) }

func (c *Settings) edition() *policy.Edition {
	if c.Policy == nil {
		return policy.Default()
	}
	return c.Policy
}

// EffectiveQEMU returns the QEMU release that guests will run on.
func (c *Settings) EffectiveQEMU() policy.Version {
	if c.QEMU == (policy.Version{}) {
		return policy.NewestQEMU()
	}
	return c.QEMU
}

// Run judges one domain, applies the rules, and puts their findings through the stages that need
// the domain, see finish.
func Run(d *Domain, c *Settings) *Result { return c.Prepare(d).Run() }

// Run is the function Run for a prepared domain.
func (s *Prepared) Run() *Result {
	p, d, c := s.pass, s.pass.Domain, s.pass.settings
	res := &Result{
		Source: d.Source, Name: domxml.ShortName(d.Name), UUID: domxml.ShortName(d.UUID), Origin: d.Origin,
		Target: d.Target, Boundary: p.Boundary, Manager: manager.At(c.ManagedBy, d),
		Wrapped: d.Wrapped(), Generated: d.AutoGenerated(),
	}
	p.result = res
	res.Origin.Label = domxml.ShortName(d.Origin.Label)
	if res.Boundary.Verdict == policy.Inside {
		res.Notes = scopeNotes(d, c.edition())
	}
	if c.Index.Len() > 1 {
		p.crossGuest.index = c.Index
	}
	res.Skipped = p.skippedInputs(c)
	have := c.availableInputs(p.Host)
	res.Host = have & hostNeeds
	for _, r := range c.Rules {
		if r.Phase != AfterWaivers {
			c.apply(&p, r, have)
		}
	}
	c.finish(&p, have)
	return res
}

// Prepared is a domain with the verdict about it. Collect and Run both start from it, so that a
// domain is judged, and what it reaches is listed, once for both.
type Prepared struct{ pass Pass }

// Prepare judges a domain.
func (c *Settings) Prepare(d *Domain) *Prepared {
	guest, facts := c.policyGuest(d), c.facts(d)
	return &Prepared{Pass{
		Domain: d, guest: guest, Boundary: c.edition().Judge(guest), QEMU: c.EffectiveQEMU(),
		Planned: c.QEMU != policy.Version{}, Host: facts, HostArch: c.hostArch(facts),
		settings: c, hostName: c.HostName(d),
		reach: sync.OnceValue(func() []Resource { return reach.Of(d) }),
	}}
}

// Reach returns what of its host the domain reaches, in the order of the document. Rules must not
// change it.
func (p *Pass) Reach() []Resource { return p.reach() }

// Confirm marks a result of a run without the index as valid for a run with the index, because the
// domain has nothing in common with others.
func (c *Settings) Confirm(r *Result) {
	if c.Index.Len() > 1 {
		r.Skipped &^= NeedDomains
	}
}

// apply applies one rule, or records its missing inputs.
func (c *Settings) apply(p *Pass, r *Rule, have Inputs) {
	lacking := r.Required() &^ (have | NeedDomains)
	if (r.Required()&NeedDomains|lacking)&p.result.Skipped != 0 {
		return
	}
	if lacking != 0 && r.Applies != nil && !r.Applies(p) {
		return
	}
	if lacking == 0 {
		p.rule, p.missingInputs, p.dependsOn = r, 0, r.Requires
		before := len(p.result.Findings)
		r.Check(p)
		p.fix(before)
		lacking = p.missingInputs
	}
	if lacking != 0 {
		p.result.Unevaluated = append(p.result.Unevaluated, Unevaluated{r, lacking})
	}
}

// skippedInputs returns the inputs whose absence skips a rule without a report. A check is not
// missing if there is nothing to compare the domain with, or if the user gave no host.
func (p *Pass) skippedInputs(c *Settings) (out Inputs) {
	if p.crossGuest.index == nil {
		out |= NeedDomains
	}
	if p.Host == nil && !c.Named {
		out |= hostNeeds
	}
	return out
}

// maxFixed bounds for how many findings of a rule in one document fixes are made: an edit of an
// argument looks at all of them. Further findings have the rule's general advice.
const maxFixed = 100

// fix completes the findings of a rule, from the given one on, with their fixes.
func (p *Pass) fix(from int) {
	r := p.rule
	for i := range p.result.Findings[from:] {
		if i == maxFixed {
			break
		}
		f := &p.result.Findings[from+i]
		if r.Fixes != nil {
			f.Fixes = r.Fixes(p, f)
		}
		f.Fixes = slices.DeleteFunc(f.Fixes, func(x Fix) bool { return x.Safety != Manual && len(x.Edits) == 0 })
		if len(f.Fixes) == 0 && r.NoFix != "" {
			f.Fixes = []Fix{ManualFix(r.NoFix)}
		}
		for j := range f.Fixes {
			f.Fixes[j].Text = domxml.Shorten(secret.MaskWords(f.Fixes[j].Text))
		}
		if p.Wrapped() {
			continue
		}
		for j := range f.Fixes {
			p.show(&f.Fixes[j])
		}
	}
}

// show fills the changes of a fix. Edits that cannot be made are a defect of the rule, which the
// tests of fixes look for: the fix is then left to a person.
func (p *Pass) show(x *Fix) {
	if len(x.Edits) == 0 {
		return
	}
	changes, err := edit.Ranges(p.Domain, x.Edits)
	if err != nil {
		x.Safety, x.Edits, x.Fault = Manual, nil, err.Error()
		return
	}
	for _, c := range changes {
		if secret.MaskWords(c.Text) != c.Text {
			x.Changes = nil
			return
		}
		x.Changes = append(x.Changes, Change{p.PosOf(c.Span), c.Text})
		if edit.Shown(p.Domain, c) != c.Text {
			x.Changes = nil // they would publish a secret
			break
		}
	}
	x.Diff = edit.Hunks(p.Domain, changes)
}
