// Package fixcmd is 'virt-audit fix': it makes the changes that resolve findings.
package fixcmd

import (
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
)

// request has the options of the command.
type request struct {
	*options.Audit
	write, force bool // files
	define, yes  bool // guests of libvirt
	unsafe       bool
	verbose      bool
}

// New returns the command.
func New() *command.Command {
	x := &request{Audit: options.NewAudit()}
	return &command.Command{
		Name:    "fix",
		Usage:   "change documents so that findings are resolved",
		Example: "'virt-audit fix guests/ --write' changes the files of a directory",
		Synopsis: []command.Line{
			{Call: "virt-audit fix [options] [FILE|DIR|-]..."},
			{Call: "virt-audit fix [options] -c URI [--define] GUEST..."},
		},
		Description: "Audits as virt-audit does, and prints a difference that resolves what is found, for patch or\n" +
			"git apply (with -p0); --write changes the files instead. Only what is safe is changed: the guest\n" +
			"notices nothing but the protection, though users elsewhere may have to connect in another way.\n" +
			"--unsafe adds what changes the guest. What is waived or in the baseline stays, and so does what a\n" +
			"person has to decide. With -c, the difference is that of the definitions that libvirt stores,\n" +
			"without secrets, and --define lets libvirt store the changed ones. For '-', --write prints the\n" +
			"whole document.\n\n" +
			"Findings that remain are listed on standard error, with the reason. Exit status: 0 nothing remains\n" +
			"after the change, 1 something does, 2 usage, 3 no guest was found, 4 unreadable input.",
		Arguments: []command.Argument{{
			Metavar:  "FILE|DIR|-",
			Optional: true,
			Repeated: true,
			Complete: command.FilesEnding("xml"),
			Unless:   x.ConnectFlag(),
		}},
		Flags: x.flags(),
		Run:   x.run,
	}
}

// flags returns the rows of the command: those that decide what an audit finds, and its own.
func (x *request) flags() []*command.Flag {
	flags := x.own()
	for _, group := range [][]*command.Flag{
		x.Color.Flags(),
		{x.MinSeverityFlag(), x.SeverityFlag()},
		x.Connection.Flags(), x.Host.Flags(),
		{x.Baseline.FileFlag(), x.NoDomainWaiversFlag()},
		x.Configuration.Flags(), x.Rules.Flags(), x.Reading.Flags(),
	} {
		flags = append(flags, group...)
	}
	return flags
}

func (x *request) own() []*command.Flag {
	return []*command.Flag{
		{
			Name:     "write",
			Short:    "w",
			Usage:    "change the files instead of printing a difference",
			Variable: options.NoVariable,
			Value:    command.Switch(&x.write),
		},
		{
			Name:     "unsafe",
			Usage:    "also make changes that the guest notices, or that could affect data",
			Variable: options.NoVariable,
			Value:    command.Switch(&x.unsafe),
		},
		{
			Name:     "force",
			Usage:    "also change files that libvirt writes itself, and guests that a manager writes again",
			Variable: options.NoVariable,
			Value:    command.Switch(&x.force),
		},
		{
			Name:     "define",
			Usage:    "with -c, let libvirt store the changed definitions, each after a question",
			Category: options.AboutConnection,
			Variable: options.NoVariable,
			Value:    command.Switch(&x.define),
		},
		{
			Name:     "yes",
			Short:    "y",
			Usage:    "with --define, ask no questions",
			Category: options.AboutConnection,
			Variable: options.NoVariable,
			Value:    command.Switch(&x.yes),
		},
		{
			Name:     "verbose",
			Short:    "v",
			Usage:    "name the files that were skipped",
			Category: options.AboutOutput,
			Value:    command.Switch(&x.verbose),
		},
	}
}
