package options

import (
	"slices"

	"github.com/virt-audit/virt-audit/audit"
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
