package options

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/source"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
)

// Reading is how documents are read.
type Reading struct {
	StdinName string
	MaxSize   string
	Jobs      int

	stdinName, maxSize, jobs *command.Flag
}

// NewReading returns the group.
func NewReading() *Reading {
	r := &Reading{MaxSize: "16M", Jobs: runtime.GOMAXPROCS(0)}
	r.stdinName = &command.Flag{
		Name:     "stdin-name",
		Metavar:  "NAME",
		Usage:    "NAME to show for standard input",
		Category: AboutReading,
		Value:    command.Text(&r.StdinName),
	}
	r.maxSize = &command.Flag{
		Name:     "max-size",
		Metavar:  "SIZE",
		Usage:    "refuse documents above this SIZE in bytes, or with the unit K, M or G",
		Category: AboutReading,
		Key:      "max-size", Value: command.Text(&r.MaxSize),
	}
	r.jobs = &command.Flag{
		Name:     "jobs",
		Short:    "j",
		Metavar:  "N",
		Usage:    "use N CPUs",
		Default:  "all",
		Category: AboutReading,
		Value:    command.Number(&r.Jobs),
	}
	return r
}

// Flags returns the rows of the group.
func (r *Reading) Flags() []*command.Flag { return []*command.Flag{r.stdinName, r.maxSize, r.jobs} }

// JobsFlag returns the row of --jobs.
func (r *Reading) JobsFlag() *command.Flag { return r.jobs }

// Resolve returns how documents are collected.
func (r *Reading) Resolve(s *cmdutil.Streams) (collect.Options, error) {
	if r.Jobs < 1 {
		return collect.Options{}, cmdutil.Usagef("--jobs: must be at least 1")
	}
	size, err := Size(r.MaxSize)
	return collect.Options{Stdin: s.In, StdinName: r.StdinName, MaxSize: size}, err
}

// Size returns the bytes of a size such as 16M.
func Size(text string) (int64, error) {
	unit := int64(1)
	number := strings.TrimRight(text, "KMG")
	switch strings.TrimPrefix(text, number) {
	case "":
	case "K":
		unit = 1 << 10
	case "M":
		unit = 1 << 20
	case "G":
		unit = 1 << 30
	default:
		number = ""
	}
	var n int64
	if _, err := fmt.Sscanf(number+"\n", "%d\n", &n); err != nil || n <= 0 || n > domxml.MaxSize/unit {
		return 0, cmdutil.Usagef("--max-size: %q is not a size between 1 and %dM", text, domxml.MaxSize>>20)
	}
	return n * unit, nil
}

// CheckStdin returns an error if standard input is both the configuration and a document.
func CheckStdin(x *site.Site, args []string) error {
	if x.File != nil && x.File.Path == site.StdinConfig && slices.Contains(args, "-") {
		return cmdutil.Usagef("standard input cannot be the configuration and a document")
	}
	return nil
}

// InputError returns an error of a collection as reports know it.
func InputError(err error) error {
	if p, ok := errors.AsType[*collect.Problem](err); ok {
		return &source.Error{File: p.Source, Message: p.Err.Error(), Err: err}
	}
	return err
}
