package options

import (
	"os"
	"slices"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect/live"
	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
)

// Audit has the options of an audit.
type Audit struct {
	*Connection
	*Host
	*Baseline
	*Configuration
	*Output
	*Rules
	*Reading
}

// NewAudit returns the groups of an audit.
func NewAudit() *Audit {
	return &Audit{NewConnection(), NewHost(), NewBaseline(), NewConfiguration(), NewOutput(), NewRules(), NewReading()}
}

// Flags returns the rows of all groups.
func (a *Audit) Flags() []*command.Flag {
	return slices.Concat(a.Connection.Flags(), a.Host.Flags(), a.Baseline.Flags(), a.Configuration.Flags(), a.Output.Flags(), a.Rules.Flags(), a.Reading.Flags())
}

// Settings returns the engine's settings by the options and the site's configuration.
func (a *Audit) Settings(x *site.Site) (*audit.Settings, error) {
	cfg, err := a.Rules.Settings(x)
	if err != nil {
		return nil, err
	}
	if cfg.Minimum, err = a.MinSeverity(); err != nil {
		return nil, err
	}
	if err := a.CheckArch(); err != nil {
		return nil, err
	}
	if cfg.HostArch = a.Arch; cfg.HostArch != "" {
		cfg.Inputs |= audit.NeedCapabilities
	}
	cfg.OneHost = a.One
	cfg.DomainWaivers.Ignore = cfg.DomainWaivers.Ignore || a.NoDomainWaivers
	return cfg, nil
}

// Connect fetches the guests of hosts, and the facts about those hosts, which it adds to the
// settings. All hosts answer before the first guest is judged: what is known of them decides too.
func (a *Audit) Connect(s *cmdutil.Streams, settings *audit.Settings, uris, names []string) []*live.Host {
	hosts := a.Fetch(s, uris, names)
	settings.Hosts = map[string]*host.Facts{}
	for _, h := range hosts {
		facts := LiveFacts(s, h)
		facts.Add(settings.Host) // the options have precedence
		settings.Hosts[h.URI] = facts
	}
	return hosts
}

// FileMode returns a function that returns the permissions of the file that a document is from.
func FileMode(stdinName string) func(source string) (host.Mode, bool) {
	return func(source string) (host.Mode, bool) {
		if source == stdinName {
			return 0, false
		}
		info, err := os.Stat(source)
		if err != nil || !info.Mode().IsRegular() {
			return 0, false
		}
		return host.Mode(info.Mode().Perm()), true
	}
}
