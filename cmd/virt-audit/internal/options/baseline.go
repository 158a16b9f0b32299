package options

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/virt-audit/virt-audit/audit/baseline"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
)

// Baseline is which findings do not count: those that are waived, and those in the baseline.
type Baseline struct {
	File            string // the baseline that the run is compared with
	WriteFile       string // the baseline that the run writes
	NoDomainWaivers bool
	ShowWaived      bool

	file, write, noDomainWaivers, showWaived *command.Flag
}

// NewBaseline returns the group.
func NewBaseline() *Baseline {
	b := &Baseline{}
	b.file = &command.Flag{
		Name:     "baseline",
		Metavar:  "FILE",
		Usage:    "count only what is not in FILE, see --write-baseline",
		Category: AboutBaseline,
		Complete: command.AnyFile, Key: "baseline", Value: command.Text(&b.File),
	}
	b.write = &command.Flag{
		Name:     "write-baseline",
		Metavar:  "FILE",
		Usage:    "write what is found to FILE, and exit 0 for it",
		Category: AboutBaseline,
		Complete: command.AnyFile, Value: command.Text(&b.WriteFile),
	}
	b.noDomainWaivers = &command.Flag{
		Name:     "no-domain-waivers",
		Usage:    "ignore waivers in the guests' own metadata",
		Category: AboutBaseline,
		Value:    command.Switch(&b.NoDomainWaivers),
	}
	b.showWaived = &command.Flag{
		Name:     "show-waived",
		Usage:    "list findings that are waived or in the baseline, too",
		Category: AboutBaseline,
		Key:      "show-waived",
		Value:    command.Switch(&b.ShowWaived),
	}
	return b
}

// Flags returns the rows of the group.
func (b *Baseline) Flags() []*command.Flag {
	return []*command.Flag{b.file, b.write, b.noDomainWaivers, b.showWaived}
}

// FileFlag returns the row of --baseline.
func (b *Baseline) FileFlag() *command.Flag { return b.file }

// NoDomainWaiversFlag returns the row of --no-domain-waivers.
func (b *Baseline) NoDomainWaiversFlag() *command.Flag { return b.noDomainWaivers }

// WriteFlag returns the row of --write-baseline.
func (b *Baseline) WriteFlag() *command.Flag { return b.write }

// ReadBaseline reads a baseline. origin is what named it, for errors.
func ReadBaseline(name, origin string) (*baseline.Baseline, error) {
	data, err := cmdutil.ReadFile(name, cmdutil.MaxReport)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &cmdutil.UsageError{
			Message: origin + ": there is no file " + name,
			Hint:    fmt.Sprintf("'--write-baseline %s' writes one with the findings of today", name),
		}
	} else if err != nil {
		return nil, cmdutil.Usagef("%s: %v", origin, err)
	}
	b, err := baseline.Parse(name, data)
	if err != nil {
		return nil, cmdutil.Usagef("%s: %v", origin, err)
	}
	return b, nil
}
