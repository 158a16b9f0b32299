package audit

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/fleet"
	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// Boundary is the answer to the first question: is the guest inside QEMU's security support boundary?
type Boundary = policy.Verdict

// Settings says what a run is to do. The zero value judges by the default edition of the policy and
// runs no rule.
type Settings struct {
	Rules    []*Rule
	Policy   *policy.Edition // nil: the default
	QEMU     policy.Version  // the release that guests are to run on; zero: the newest known
	HostArch string          // libvirt's name of the host's architecture, before what Host says; "" when not known
	Inputs   Inputs          // what this run can supply to rules, besides what Host does
	Minimum  Severity        // findings below are left out
	Index    *fleet.Index    // what the domains of the run use; nil for a run over one

	Host  *host.Facts            // what is known of the host; nil when the run is about none
	Hosts map[string]*host.Facts // the same for domains that came over a connection, by its name in their Origin
	// OneHost says that all domains which came over no connection are of one host. Without it that holds for
	// runs with facts about a host, and for files where libvirt keeps them.
	OneHost bool

	// FileMode tells the permissions of the file that a document came from; nil where none came from files.
	FileMode func(source string) (host.Mode, bool)

	Named bool // the rules were named one by one: none is left out without a word

	Severities map[string]Severity // by ID of the rule: the site's own for all its findings
	Allowed    Allowed

	Waivers       []*Waiver // of the site
	DomainWaivers DomainWaivers
	Today         time.Time              // that waivers are judged by; the zero time is before all of them end
	Known         func(id string) bool   // whether there is a rule of that ID, in the run or not; nil: there is
	Nearest       func(id string) string // the ID of a rule that is most like it, or ""; nil: none is
}

// Allowed is what a site says is in order, though it is not where rules expect such things.
type Allowed struct {
	Emulators   []string // programs, by their absolute path
	Directories []string // absolute paths; what lies below them is meant too
}

// AllowsEmulator reports whether the site runs guests with that program on purpose.
func (p *Pass) AllowsEmulator(file string) bool {
	return p.allowed.emulator(file)
}

func (a *Allowed) emulator(file string) bool {
	return slices.Contains(a.Emulators, path.Clean(file))
}

// AllowsPath reports whether the site gives guests files from where that one lies on purpose. The path
// is judged as it is written, without a ".." in it.
func (p *Pass) AllowsPath(file string) bool {
	file = path.Clean(file)
	return slices.ContainsFunc(p.allowed.Directories, func(folder string) bool {
		rest, ok := strings.CutPrefix(file, strings.TrimSuffix(path.Clean(folder), "/"))
		return ok && (rest == "" || rest[0] == '/')
	})
}

// Finding is one thing that is wrong, at one place.
type Finding struct {
	Rule      *Rule
	Severity  Severity // the rule's, unless the rule judged this case differently
	Key       string   // which of the things that the rule can say, see Pass.Key; "" where one is enough
	Message   string   // in words that may change: nothing is told apart by them
	Path      Path
	Pos       Pos
	Excerpt   Excerpt
	Device    string         // of the device that it is about, the first of its DeviceNames; "" where there is none
	Drift     Drift          // of a guest with several documents, where they differ; "" where they do not
	DependsOn Inputs         // what of the host it may rest on
	content   domxml.Content // with what Pass.Key was given besides the key
}

// Drift reports that a finding is in one of a guest's documents and not in another: what runs, what is
// stored and what was saved can differ, and each is fixed at another time.
type Drift string

// How a finding can differ between the documents of a guest.
const (
	UntilRestart      Drift = "until-restart"       // runs so, and is not stored so any more
	AtNextStart       Drift = "at-next-start"       // is stored so, and does not run so yet
	InSavedState      Drift = "in-saved-state"      // was saved so, and is not stored so any more
	WithoutSavedState Drift = "without-saved-state" // is stored so, and was not saved so
)

// Unevaluated is a rule that could not answer, and what it lacked.
type Unevaluated struct {
	Rule    *Rule
	Missing Inputs
}

// Result is what a run says about one domain. It holds no part of the document but the excerpts.
type Result struct {
	Source, Name, UUID string
	Origin             Origin
	Target             Target
	Boundary           Boundary
	Notes              []string  // what the policy does not cover though the guest is inside
	Findings           []Finding // by line, column, rule, message
	Waived             []Waived  // in the same order; these do not count
	InBaseline         []Finding // that the baseline holds, in the same order; these do not count
	Unevaluated        []Unevaluated
	Host               Inputs      // what was known of the host
	WaiverUses         []WaiverUse // of the waivers of the configuration that are for the domain
	Skipped            Inputs      // rules that need one of these were left out without a word: nobody asked, or there is nothing to compare
}

// Pass is what a rule's Check is given: one domain, and the means to report.
type Pass struct {
	*Domain
	Boundary Boundary
	QEMU     policy.Version
	Planned  bool        // QEMU is not just the newest release: the user asks about it
	Host     *host.Facts // what is known of the host; nil, which answers all the same, when nothing is
	HostArch string      // libvirt's name of its architecture; "" when not known

	// Waivers are those of the domain itself, and what became of them: for rules that are AfterWaivers.
	Waivers []*AppliedWaiver

	guest         policy.Guest // what the verdict was made from; empty while the index is filled
	rule          *Rule
	result        *Result
	missingInputs Inputs
	dependsOn     Inputs // on what of the host, see RestsOn

	settings *Settings
	allowed  Allowed

	fileMode func(source string) (host.Mode, bool)

	hostName string // the host that the guest is on, see OnHost

	crossGuest crossGuest
}

// Unknown says that the rule cannot answer for this domain for want of something.
func (p *Pass) Unknown(lacking Inputs) { p.missingInputs |= lacking }

// Judge returns the boundary verdict for a domain.
func (c *Settings) Judge(d *Domain) Boundary { return c.edition().Judge(c.policyGuest(d)) }

func (c *Settings) edition() *policy.Edition {
	if c.Policy == nil {
		return policy.Default()
	}
	return c.Policy
}

// EffectiveQEMU returns the release that guests are to run on.
func (c *Settings) EffectiveQEMU() policy.Version {
	if c.QEMU == (policy.Version{}) {
		return policy.NewestQEMU()
	}
	return c.QEMU
}

// Run judges one domain, applies the rules, and puts what they report through the stages that need the
// domain, see finish.
func Run(d *Domain, c *Settings) *Result {
	guest := c.policyGuest(d)
	res := &Result{Source: d.Source, Name: domxml.ShortName(d.Name), UUID: domxml.ShortName(d.UUID), Origin: d.Origin, Target: d.Target, Boundary: c.edition().Judge(guest)}
	res.Origin.Label = domxml.ShortName(d.Origin.Label)
	if res.Boundary.Verdict == policy.Inside {
		res.Notes = scopeNotes(d, c.edition())
	}
	p := Pass{Domain: d, guest: guest, Boundary: res.Boundary, QEMU: c.EffectiveQEMU(), Host: c.facts(d), result: res, fileMode: c.FileMode, settings: c, allowed: c.Allowed}
	p.Planned = c.QEMU != policy.Version{}
	p.HostArch, p.hostName = c.hostArch(p.Host), c.hostName(d)
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

// Confirm notes that a result of a run without the index holds with it as well: the domain has nothing in
// common with others.
func (c *Settings) Confirm(r *Result) {
	if c.Index.Len() > 1 {
		r.Skipped &^= NeedDomains
	}
}

// apply applies one rule, or notes what it lacks.
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
		r.Check(p)
		lacking = p.missingInputs
	}
	if lacking != 0 {
		p.result.Unevaluated = append(p.result.Unevaluated, Unevaluated{r, lacking})
	}
}

// skippedInputs returns what makes a rule be left out without a word. It is not a check that is missing where there
// is nothing to compare the domain with, or nobody has asked about a host.
func (p *Pass) skippedInputs(c *Settings) (out Inputs) {
	if p.crossGuest.index == nil {
		out |= NeedDomains
	}
	if p.Host == nil && !c.Named {
		out |= hostNeeds
	}
	return out
}

// MachineType returns the machine type that QEMU takes, and where it is set: the document's, unless
// qemu:commandline names another.
func (p *Pass) MachineType() (name string, at Path) {
	if p.Boundary.Machine == "" {
		return p.Target.Machine, At("os/type@machine")
	}
	return p.Boundary.Machine, p.Command.MachineAt
}

// Machine takes the machine type that QEMU takes apart.
func (p *Pass) Machine() policy.Machine {
	name, _ := p.MachineType()
	return policy.ParseMachine(p.Boundary.Target, name)
}

// MachineStage returns where the machine type is in its life, in the release of QEMU that the run is
// about: "supported", "deprecated", "removed", or "" when that cannot be told.
func (p *Pass) MachineStage() string {
	stage, _ := p.Machine().StageIn(p.QEMU)
	return string(stage)
}
