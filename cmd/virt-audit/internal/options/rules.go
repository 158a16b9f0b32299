package options

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
)

// Policy chooses the edition of QEMU's policy.
type Policy struct {
	Name string // an edition or a file; "" is the default

	flag *command.Flag
}

// NewPolicy returns the group.
func NewPolicy() *Policy {
	p := &Policy{}
	p.flag = &command.Flag{
		Name:     "policy",
		Metavar:  "EDITION|FILE",
		Usage:    "EDITION of QEMU's policy, or a FILE with a site-specific one",
		Default:  policy.Names()[0],
		Category: AboutRules,
		Complete: Editions,
		Key:      "policy",
		Value:    command.Text(&p.Name),
	}
	return p
}

// Editions completes editions of the policy, and files.
var Editions = command.Completion{Files: true, Words: func() []command.Word {
	var out []command.Word
	for _, name := range policy.Names() {
		if e, err := policy.Named(name); err == nil {
			out = append(out, command.Word{Text: name, About: e.Title})
		}
	}
	return out
}}

// Flags returns the rows of the group.
func (p *Policy) Flags() []*command.Flag { return []*command.Flag{p.flag} }

// Flag returns the row of --policy.
func (p *Policy) Flag() *command.Flag { return p.flag }

// Edition returns the edition.
func (p *Policy) Edition() (*policy.Edition, error) { return Edition(p.Name, p.flag.Origin()) }

// Edition returns an edition by its name, or from a file. origin is what named it, for errors.
func Edition(name, origin string) (*policy.Edition, error) {
	if name == "" {
		return policy.Default(), nil
	}
	if slices.Contains(policy.Names(), name) {
		return policy.Named(name)
	}
	data, err := cmdutil.ReadFile(name, cmdutil.MaxPolicy)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(name, "/.") {
		return nil, &cmdutil.UsageError{
			Message: fmt.Sprintf("%s: unknown edition %q and no such file: editions are %s", origin, name, strings.Join(policy.Names(), ", ")),
			Hint:    suggest.Hint(name, policy.Names()),
		}
	}
	if err != nil {
		return nil, cmdutil.Usagef("%s: %v", origin, err)
	}
	edition, err := policy.Parse(name, data)
	if err != nil {
		return nil, cmdutil.Usagef("%s: %v", origin, err)
	}
	return edition, nil
}

// Rules chooses the rules, and what they judge by.
type Rules struct {
	*Policy
	Profiles    []string
	Only, Skip  []string
	QEMUVersion string

	profile, only, skip, qemu *command.Flag
}

// NewRules returns the group.
func NewRules() *Rules {
	r := &Rules{Policy: NewPolicy()}
	r.profile = &command.Flag{
		Name:     "profile",
		Metavar:  "PROFILE",
		Usage:    "rules of this PROFILE besides those of baseline, repeatable",
		Repeated: true,
		Category: AboutRules,
		Choices:  ProfileNames(),
		Complete: command.OneOf(ProfileNames()...),
		Key:      "profiles",
		Value:    command.List(&r.Profiles),
	}
	r.only = &command.Flag{
		Name:     "rule",
		Metavar:  "ID",
		List:     true,
		Repeated: true,
		Usage:    "only these rules, of any profile",
		Category: AboutRules,
		Complete: command.Completion{Rules: true}, Value: command.List(&r.Only),
	}
	r.skip = &command.Flag{
		Name:     "skip-rule",
		Metavar:  "ID",
		List:     true,
		Repeated: true,
		Usage:    "not these rules",
		Category: AboutRules,
		Complete: command.Completion{Rules: true}, Value: command.List(&r.Skip),
	}
	r.qemu = &command.Flag{
		Name:     "qemu-version",
		Metavar:  "VERSION",
		Usage:    "VERSION of QEMU that the guests are to run on",
		Default:  policy.NewestQEMU().String(),
		Category: AboutRules, Key: "qemu-version", Value: command.Text(&r.QEMUVersion),
	}
	return r
}

// Flags returns the rows of the group.
func (r *Rules) Flags() []*command.Flag {
	return append(r.Policy.Flags(), r.profile, r.only, r.skip, r.qemu)
}

// OnlyFlag returns the row of --rule.
func (r *Rules) OnlyFlag() *command.Flag { return r.only }

// SkipFlag returns the row of --skip-rule.
func (r *Rules) SkipFlag() *command.Flag { return r.skip }

// Skipped returns the IDs of --skip-rule.
func (r *Rules) Skipped() []string { return SplitList(r.Skip) }

// Settings returns the engine's settings by the options and the site's configuration.
func (r *Rules) Settings(x *site.Site) (*audit.Settings, error) {
	cfg := &audit.Settings{Today: time.Now()}
	x.Apply(cfg)
	var err error
	if cfg.Policy, err = r.Edition(); err != nil {
		return nil, err
	}
	if r.QEMUVersion != "" {
		if cfg.QEMU, err = policy.ParseVersion(r.QEMUVersion); err != nil {
			return nil, cmdutil.Usagef("%s: %v", r.qemu.Origin(), err)
		}
	}
	profiles, err := Profiles(r.Profiles)
	if err != nil {
		return nil, err
	}
	only := SplitList(r.Only)
	cfg.Named = len(only) > 0
	if cfg.Rules, err = x.Choose(profiles, only, r.Skipped()); err != nil {
		return nil, err
	}
	if len(cfg.Rules) == 0 {
		return nil, &cmdutil.UsageError{
			Message: "no rule is left to audit by: all are skipped, disabled or of other profiles",
			Hint:    "'virt-audit config show' prints the effective configuration",
		}
	}
	return cfg, nil
}

// ProfileNames returns the names of all profiles.
func ProfileNames() []string {
	var out []string
	for _, p := range audit.Profiles() {
		out = append(out, string(p))
	}
	return out
}

// Profiles returns the profiles whose rules run. They add up: each includes baseline.
func Profiles(values []string) ([]audit.Profile, error) {
	var out []audit.Profile
	for _, name := range SplitList(values) {
		if !slices.Contains(ProfileNames(), name) {
			return nil, &cmdutil.UsageError{
				Message: fmt.Sprintf("--profile: unknown profile %q: one of %s", name, strings.Join(ProfileNames(), ", ")),
				Hint:    suggest.Hint(name, ProfileNames()),
			}
		}
		out = append(out, audit.Profile(name))
	}
	return WithBaseline(out), nil
}

// WithBaseline returns profiles in the order in which they are listed, baseline among them.
func WithBaseline(profiles []audit.Profile) []audit.Profile {
	return slices.DeleteFunc(audit.Profiles(), func(p audit.Profile) bool {
		return p != audit.Baseline && !slices.Contains(profiles, p)
	})
}
