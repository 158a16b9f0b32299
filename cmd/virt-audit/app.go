package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit/report"
)

// The exit codes are a contract with scripts, see the README. The highest that applies is returned.
const (
	exitClean    = 0 // no finding at or above --fail-on
	exitFindings = 1 // such findings
	exitUsage    = 2 // the command line or a file that it names is wrong
	exitNothing  = 3 // nothing was audited
	exitInput    = 4 // some input could not be read or understood
	exitInternal = 5 // virt-audit itself failed

	exitUnread = 141 // nobody reads the report any more: what a shell says of who is ended by SIGPIPE
)

// version is set when a release is built.
var version = ""

func toolVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "devel"
}

// status is how a command that is not in error tells its exit code.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usageError is a command line that cannot be carried out. Hint is what the user may have meant.
type usageError struct{ message, hint string }

func (e *usageError) Error() string { return e.message }

func usagef(format string, args ...any) error {
	return &usageError{message: fmt.Sprintf(format, args...)}
}

// streams are what a command reads and writes.
type streams struct {
	in  io.Reader
	out *standardOutput
	err io.Writer
}

func newStreams(in io.Reader, out, errOut io.Writer) *streams {
	return &streams{in, &standardOutput{Writer: out}, errOut}
}

// run is the whole program but for the exit.
func run(args []string, in io.Reader, out, errOut io.Writer) (code int) {
	s := newStreams(in, out, errOut)
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(errOut, "virt-audit: internal error: %v\n%s", r, debug.Stack())
			code = exitInternal
		}
	}()
	unsetEmpty()
	app := newApp(s)
	args, err := arrange(app, args)
	if err == nil {
		err = app.Run(args)
	}
	return s.ended(s.exit(err))
}

// unsetEmpty makes an empty variable of ours count as one that is not set, as scripts expect.
func unsetEmpty() {
	for _, kv := range os.Environ() {
		if name, ok := strings.CutSuffix(kv, "="); ok && strings.HasPrefix(name, "VIRT_AUDIT_") {
			_ = os.Unsetenv(name)
		}
	}
}

// exit prints an error and returns the exit code that it stands for.
func (s *streams) exit(err error) int {
	var code status
	var usage *usageError
	switch {
	case err == nil:
		return exitClean
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, errUnread):
		return exitUnread
	case errors.As(err, &usage):
		s.complain(usage.message)
		s.complain(usage.hint)
		return exitUsage
	}
	s.complain(err.Error())
	return exitInternal
}

// complain prints a message on standard error. What was typed may be part of it: no line is without our name,
// and none has control characters.
func (s *streams) complain(message string) {
	for line := range strings.Lines(message) {
		fmt.Fprintf(s.err, "virt-audit: %s\n", report.Printable(strings.TrimSuffix(line, "\n")))
	}
}

func newApp(s *streams) *cli.App {
	cli.VersionFlag = &cli.BoolFlag{Name: "version", Aliases: []string{"V"}, Usage: "print the version", DisableDefaultText: true}
	cli.HelpFlag = &cli.BoolFlag{Name: "help", Aliases: []string{"h"}, Usage: "show help", DisableDefaultText: true}
	cli.FlagStringer = flagHelp
	cli.VersionPrinter = func(*cli.Context) { fmt.Fprintf(s.out, "virt-audit %s\n", toolVersion()) }
	app := &cli.App{
		Name:      "virt-audit",
		Usage:     "tell which libvirt guests are inside QEMU's security support boundary, and what gives the host away",
		UsageText: "virt-audit [options] [file|folder|-]...\nvirt-audit [options] -c URI... [guest]...\nvirt-audit rules | explain RULE | policy list|show|check\nvirt-audit waive FILE|GUEST RULE --reason WHY\nvirt-audit diff OLD.json NEW.json\nvirt-audit config show|check\nvirt-audit facts [-o FILE]\nvirt-audit hook install|status|uninstall\nvirt-audit help [COMMAND] | version",
		Description: "Reads libvirt domain XML: files, folders, '-' for standard input. Without an operand it reads\n" +
			"what this host has: definitions, running guests, saved states and snapshots, and the user's session.\n" +
			"Options may follow operands. Each can be set in the environment: VIRT_AUDIT_FAIL_ON=high.\n\n" +
			"Exit status: 0 clean, 1 findings, 2 usage, 3 nothing audited, 4 unreadable input, 5 internal error.",
		Version:         toolVersion(),
		Flags:           append(auditFlags(), cli.HelpFlag), // the library adds it only where there is no command "help"
		Action:          s.audit,
		Commands:        []*cli.Command{s.rulesCommand(), s.explainCommand(), s.policyCommand(), s.configCommand(), s.factsCommand(), s.hookCommand(), s.waiveCommand(), s.diffCommand(), s.completionCommand(), s.helpCommand(), s.versionCommand()},
		HideHelpCommand: true,
		Reader:          s.in,
		Writer:          s.out,
		ErrWriter:       s.err,
		ExitErrHandler:  func(*cli.Context, error) {}, // run decides
		OnUsageError:    onUsageError,
		CommandNotFound: nil,

		DisableSliceFlagSeparator: true, // URIs have commas in them; lists of rules are split by us
	}
	each(app.Commands, func(c *cli.Command) {
		c.OnUsageError = onUsageError
		c.HideHelpCommand = true
	})
	return app
}

var libraryFlagHelp = cli.FlagStringer

var repeatedFlag = regexp.MustCompile(` \[ --.* \]\t`)

// flagHelp leaves the variable out of an option's line: one sentence tells it for all of them.
func flagHelp(f cli.Flag) string {
	text := repeatedFlag.ReplaceAllString(libraryFlagHelp(f), "\t") // that one may repeat is said in words
	if i := strings.LastIndex(text, " [$"); i >= 0 {
		text = text[:i]
	}
	return text
}

// each walks commands and their own.
func each(commands []*cli.Command, do func(*cli.Command)) {
	for _, c := range commands {
		do(c)
		each(c.Subcommands, do)
	}
}

// onUsageError rewords the library's complaint and adds what may have been meant.
func onUsageError(c *cli.Context, err error, _ bool) error {
	e := &usageError{message: err.Error()}
	if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		e.message = "unknown option " + dashed(name)
		flags := c.App.Flags
		if c.Command != nil && len(c.Command.Flags) > 0 {
			flags = c.Command.Flags
		}
		e.hint = didYouMean(dashed(name), optionNames(flags))
	} else if name, ok := strings.CutPrefix(err.Error(), "flag needs an argument: -"); ok {
		e.message = fmt.Sprintf("option %s requires a value", dashed(strings.TrimPrefix(name, "-")))
	} else if value, rest, ok := strings.Cut(strings.TrimPrefix(err.Error(), "invalid value "), " for flag -"); ok {
		name, why, _ := strings.Cut(rest, ": ")
		e.message = fmt.Sprintf("option %s: %s is not a valid value (%s)", dashed(name), value, why)
	}
	if e.hint == "" {
		e.hint = "try 'virt-audit --help'"
	}
	return e
}

func dashed(name string) string {
	name = strings.TrimLeft(name, "-")
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

func optionNames(flags []cli.Flag) []string {
	var names []string
	for _, f := range flags {
		for _, n := range f.Names() {
			names = append(names, dashed(n))
		}
	}
	return names
}
