package command

import (
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
)

func init() { // the library has these in variables of its own
	cli.HelpFlag = &cli.BoolFlag{
		Name:               HelpFlag.Name,
		Aliases:            []string{HelpFlag.Short},
		Usage:              HelpFlag.Usage,
		DisableDefaultText: true,
	}
	cli.VersionFlag = &cli.BoolFlag{
		Name:               VersionFlag.Name,
		Aliases:            []string{VersionFlag.Short},
		Usage:              VersionFlag.Usage,
		DisableDefaultText: true,
	}
	cli.VersionPrinter = func(c *cli.Context) { fmt.Fprintf(c.App.Writer, "%s %s\n", c.App.Name, c.App.Version) }
}

// execute parses a command line and runs its command.
func execute(program *Command, s *cmdutil.Streams, args []string) error {
	args, err := reorderArgs(program, args)
	if err != nil {
		return err
	}
	l := &library{program, s}
	root := l.command(nil, program)
	app := &cli.App{
		Name:            program.Name,
		Usage:           program.Usage,
		UsageText:       root.UsageText,
		Description:     program.Description,
		Version:         s.Version,
		Flags:           append(root.Flags, cli.HelpFlag), // the library adds it only if there is no command "help"
		Action:          root.Action,
		Commands:        root.Subcommands,
		HideHelpCommand: true,
		Reader:          s.In,
		Writer:          s.Out,
		ErrWriter:       s.Err,
		ExitErrHandler:  func(*cli.Context, error) {}, // Execute decides
		OnUsageError:    l.onUsageError(program),
	}
	return app.Run(append([]string{program.Name}, args...))
}

// library makes commands of the library from those of the table.
type library struct {
	program *Command
	streams *cmdutil.Streams
}

func (l *library) command(path []string, c *Command) *cli.Command {
	out := &cli.Command{
		Name: c.Name, Usage: c.Usage, Description: c.Description, Hidden: c.Hidden,
		UsageText:       c.usageText(),
		ArgsUsage:       c.argumentsText(),
		HideHelpCommand: true,
		OnUsageError:    l.onUsageError(c),
		Action: func(ctx *cli.Context) error {
			// Here, not in Apply: the library also applies the options of the commands that lead here.
			if err := SetFromEnvironment(c.Flags); err != nil {
				return err
			}
			return c.call(strings.Join(path, " "), &Invocation{
				Streams: l.streams,
				Args:    ctx.Args().Slice(),
				Program: l.program,
			})
		},
	}
	for _, f := range c.Flags {
		f.Default = f.DefaultText() // before the environment sets the value
		out.Flags = append(out.Flags, libraryFlag{f})
	}
	for _, sub := range c.Subcommands {
		out.Subcommands = append(out.Subcommands, l.command(append(slices.Clone(path), sub.Name), sub))
	}
	return out
}

// argumentsText returns the arguments as a usage line has them.
func (c *Command) argumentsText() string {
	var words []string
	for _, a := range c.Arguments {
		words = append(words, a.String())
	}
	return strings.Join(words, " ")
}

// usageText returns the synopsis, or "" if the library's own is enough.
func (c *Command) usageText() string {
	width := 0
	for _, l := range c.Synopsis {
		width = max(width, len(l.Call))
	}
	var b strings.Builder
	for _, l := range c.Synopsis {
		if l.About == "" {
			fmt.Fprintf(&b, "%s\n", l.Call)
		} else {
			fmt.Fprintf(&b, "%-*s  %s\n", width, l.Call, l.About)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// onUsageError returns the error that an option had with its value.
func (l *library) onUsageError(c *Command) cli.OnUsageErrorFunc {
	return func(_ *cli.Context, err error, _ bool) error {
		for _, f := range c.Flags {
			if f.err != nil {
				return f.err
			}
		}
		return err
	}
}

// libraryFlag is an option as the library knows it.
type libraryFlag struct{ *Flag }

// Apply implements [cli.Flag]: it is called before a command line is parsed.
func (f libraryFlag) Apply(set *flag.FlagSet) error {
	set.Var(parsed(f), f.Name, "")
	return nil
}

// Names implements [cli.Flag].
func (f libraryFlag) Names() []string {
	if f.Short == "" {
		return []string{f.Name}
	}
	return []string{f.Name, f.Short}
}

// String implements [cli.Flag]: it is the option's line in help, with a tab before the usage. The
// variable is not part of it: one sentence describes those of all options.
func (f libraryFlag) String() string {
	names := f.Flag.Names()
	for i := range names {
		names[i] = strings.TrimSpace(names[i] + " " + f.Placeholder())
	}
	usage := f.About()
	if byDefault := f.DefaultText(); byDefault != "" {
		usage += " (default: " + byDefault + ")"
	}
	return strings.Join(names, ", ") + "\t" + usage
}

// IsVisible implements [cli.VisibleFlag].
func (f libraryFlag) IsVisible() bool { return !f.Hidden }

// GetCategory implements [cli.CategorizableFlag].
func (f libraryFlag) GetCategory() string { return f.Category }

// parsed is an option as the standard library's parser knows it.
type parsed struct{ *Flag }

// String implements [flag.Value].
func (p parsed) String() string { return "" }

// IsBoolFlag reports whether the option needs no value.
func (p parsed) IsBoolFlag() bool { return !p.TakesValue() }
