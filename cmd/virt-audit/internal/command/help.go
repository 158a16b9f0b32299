package command

import (
	"fmt"

	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
)

// HelpCommand prints what --help does.
func HelpCommand() *Command {
	return &Command{
		Name:  "help",
		Usage: "show the help of virt-audit or of one of its commands",
		Arguments: []Argument{{
			Metavar:  "COMMAND",
			Optional: true,
			Repeated: true,
			Complete: Completion{Commands: true},
		}},
		Run: func(inv *Invocation) error {
			c := inv.Program
			for _, word := range inv.Args {
				sub := c.Subcommand(word)
				if sub == nil {
					var names []string
					for _, known := range c.Subcommands {
						names = append(names, known.Name)
					}
					return &cmdutil.UsageError{
						Message: fmt.Sprintf("help: unknown command %q", word),
						Hint:    suggest.Hint(word, names),
					}
				}
				c = sub
			}
			return execute(inv.Program, inv.Streams, append(inv.Args, "--help"))
		},
	}
}

// VersionCommand prints what --version does.
func VersionCommand() *Command {
	return &Command{
		Name:  "version",
		Usage: "print the version",
		Run: func(inv *Invocation) error {
			_, err := fmt.Fprintf(inv.Out, "%s %s\n", inv.Program.Name, inv.Version)
			return err
		},
	}
}
