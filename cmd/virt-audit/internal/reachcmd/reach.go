// Package reachcmd is 'virt-audit reach': what each guest touches of its host.
package reachcmd

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/virt-audit/virt-audit/audit/inventory"
	"github.com/virt-audit/virt-audit/audit/pipeline"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
)

// listing is what is listed, and how.
type listing struct {
	*options.Connection
	*options.Host
	*options.Configuration
	*options.Color
	*options.Reading
	format               string
	paths                []string
	shared, all, verbose bool
}

// New returns the command.
func New() *command.Command {
	l := &listing{
		Connection: options.NewConnection(), Host: options.NewHost(), Configuration: options.NewConfiguration(),
		Color: options.NewColor(), Reading: options.NewReading(), format: report.ReachFormats()[0],
	}
	return &command.Command{
		Name:    "reach",
		Usage:   "list what guests touch of their host: images, devices, sockets, addresses",
		Example: "'virt-audit reach --path /srv' lists the guests that touch /srv",
		Description: "Reads what an audit reads, and lists what each document names, or what libvirt and QEMU use because of\n" +
			"it: how, which process opens it, and the line. Names are compared as libvirt and QEMU resolve them;\n" +
			"nothing is opened. So the list has neither the target of a link nor a backing file that only the image\n" +
			"names.\n\n" +
			"Exit status: 0 also if nothing is listed, 2 usage, 3 no guest was found, 4 unreadable input.",
		Arguments: []command.Argument{{
			Metavar:  "FILE|DIR|-",
			Optional: true,
			Repeated: true,
			Complete: command.FilesEnding("xml", "save"),
			Unless:   l.ConnectFlag(),
		}},
		Flags: slices.Concat(l.own(), l.Color.Flags(), l.Connection.Flags(), l.PlaceFlags(), l.Configuration.Flags(), l.Reading.Flags()),
		Run:   l.run,
	}
}

func (l *listing) own() []*command.Flag {
	return []*command.Flag{
		{
			Name:     "format",
			Short:    "f",
			Metavar:  "FORMAT",
			Usage:    "FORMAT of the list",
			Choices:  report.ReachFormats(),
			Complete: command.OneOf(report.ReachFormats()...),
			Category: options.AboutOutput,
			Variable: options.NoVariable, Value: command.Text(&l.format),
		},
		{
			Name:     "path",
			Short:    "p",
			Metavar:  "PATH",
			Usage:    "only what is PATH, is below it, or contains it, repeatable",
			Repeated: true,
			Complete: command.AnyFile,
			Variable: options.NoVariable,
			Value:    command.List(&l.paths),
		},
		{
			Name:     "shared",
			Short:    "s",
			Usage:    "only what several guests touch, the worst first",
			Variable: options.NoVariable,
			Value:    command.Switch(&l.shared),
		},
		{
			Name:     "all",
			Short:    "a",
			Usage:    "with --shared, also what guests have in common by nature: /dev/urandom, files of the system that they only read",
			Variable: options.NoVariable,
			Value:    command.Switch(&l.all),
		},
		{
			Name:     "verbose",
			Short:    "v",
			Usage:    "name the files that were skipped",
			Category: options.AboutOutput,
			Value:    command.Switch(&l.verbose),
		},
	}
}

func (l *listing) run(inv *command.Invocation) error {
	o, err := l.resolve(inv)
	if err != nil {
		return err
	}
	in, err := l.inputs(inv)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(inv.Out, 1<<16)
	r := &run{
		listing: l, Invocation: inv, inputs: in, paths: o.Paths,
		report: report.NewReach(l.format, w, o), sharing: inventory.Sharing{All: l.all},
	}
	defer pipeline.LimitProcess(l.Jobs)()
	if err = r.list(); err == nil {
		err = w.Flush()
	}
	switch {
	case errors.Is(err, syscall.EPIPE):
		return cmdutil.ErrNoReader
	case err != nil:
		return fmt.Errorf("write the list: %w", err)
	}
	return r.verdict()
}

// resolve reads the configuration and the options, but for the documents.
func (l *listing) resolve(inv *command.Invocation) (o report.ReachOptions, err error) {
	x, err := l.Configuration.Resolve(inv.In, ".", l.Reading.Flags()...)
	if err != nil {
		return o, err
	}
	if err := options.CheckStdin(x, inv.Args); err != nil {
		return o, err
	}
	switch {
	case !slices.Contains(report.ReachFormats(), l.format):
		return o, &cmdutil.UsageError{
			Message: fmt.Sprintf("--format: %q is not one of %s", l.format, strings.Join(report.ReachFormats(), ", ")),
			Hint:    suggest.Hint(l.format, report.ReachFormats()),
		}
	case l.all && !l.shared:
		return o, &cmdutil.UsageError{Message: "--all: applies only with --shared", Hint: "without --shared everything is listed"}
	case slices.Contains(l.paths, ""):
		return o, cmdutil.Usagef("--path: must not be empty")
	}
	directory := "/"
	if slices.ContainsFunc(l.paths, func(p string) bool { return !strings.HasPrefix(p, "/") }) {
		if directory, err = os.Getwd(); err != nil {
			return o, cmdutil.Usagef("--path: %v", err)
		}
	}
	o = report.ReachOptions{Version: inv.Version, Shared: l.shared, Paths: inventory.NewPaths(directory, l.paths)}
	o.Color, o.Width, err = inv.Terminal(l.When, true)
	o.Terminal = inv.OnTerminal()
	return o, err
}
