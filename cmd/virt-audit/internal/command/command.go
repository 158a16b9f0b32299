// Package command is the table of commands: each [Command], with its options and arguments, is a
// row that parsing, help, shell completion and the man page are made of. It is the only package
// that knows the library that parses command lines.
package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
)

// Command is a command, or virt-audit itself with its commands.
type Command struct {
	Name        string
	Usage       string // one line, lower case, no period
	Synopsis    []Line // how it is called, where that is more than options and arguments
	Description string // paragraphs, with line breaks for a terminal
	Example     string // a hint for a command line that lacks arguments or has too many
	Hidden      bool   // not listed
	Flags       []*Flag
	Arguments   []Argument
	Subcommands []*Command

	// Dashes is the subcommand of a line that has "--" where a subcommand is expected.
	Dashes *Command

	// Run carries the command out. A command without it requires a subcommand.
	Run func(*Invocation) error
}

// Line is one way to call a command.
type Line struct{ Call, About string }

// Argument is one argument of a command.
type Argument struct {
	Metavar  string // in capitals: FILE|DIR
	Optional bool
	Repeated bool // any number of them; the last argument only
	Complete Completion

	// Unless is an option that gives the argument another meaning, which nothing completes.
	Unless *Flag
}

// String returns the argument as a usage line has it.
func (a Argument) String() string {
	text := a.Metavar
	if a.Optional {
		text = "[" + text + "]"
	}
	if a.Repeated {
		text += "..."
	}
	return text
}

// Invocation is one run of a command.
type Invocation struct {
	*cmdutil.Streams
	Args    []string // the arguments, without options
	Program *Command
}

// Subcommand returns the subcommand of that name, or nil.
func (c *Command) Subcommand(name string) *Command {
	for _, sub := range c.Subcommands {
		if sub.Name == name {
			return sub
		}
	}
	return nil
}

// Walk calls do for the command and all commands below it, with the names that lead there.
func (c *Command) Walk(do func(path []string, c *Command)) { c.walk([]string{c.Name}, do) }

func (c *Command) walk(path []string, do func([]string, *Command)) {
	do(path, c)
	for _, sub := range c.Subcommands {
		sub.walk(append(slices.Clone(path), sub.Name), do)
	}
}

// ArgumentAt returns the n-th argument, counted from 0; ok is false if the command has none there.
func (c *Command) ArgumentAt(n int) (a Argument, ok bool) {
	if last := len(c.Arguments) - 1; last >= 0 && n > last && c.Arguments[last].Repeated {
		n = last
	}
	if n >= len(c.Arguments) {
		return Argument{}, false
	}
	return c.Arguments[n], true
}

// call checks the number of arguments, and runs the command. path is how it is called, without
// virt-audit.
func (c *Command) call(path string, inv *Invocation) error {
	if c.Run == nil {
		return c.missing(path, inv.Args)
	}
	for i, a := range c.Arguments {
		if !a.Optional && i >= len(inv.Args) {
			return &cmdutil.UsageError{
				Message: fmt.Sprintf("%s: missing argument %s", path, a.Metavar),
				Hint:    c.Example,
			}
		}
	}
	for i, word := range inv.Args {
		if _, ok := c.ArgumentAt(i); !ok {
			return &cmdutil.UsageError{
				Message: fmt.Sprintf("%s: unexpected argument %q", path, word),
				Hint:    c.Example,
			}
		}
	}
	return c.Run(inv)
}

// missing returns the error for a command line without a subcommand, or with an unknown one.
func (c *Command) missing(path string, args []string) error {
	var names []string
	for _, sub := range c.Subcommands {
		if !sub.Hidden {
			names = append(names, sub.Name)
		}
	}
	list := strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
	if len(args) == 0 {
		return cmdutil.Usagef("%s: missing subcommand (%s)", path, list)
	}
	e := &cmdutil.UsageError{
		Message: fmt.Sprintf("%s: unknown subcommand %q", path, args[0]),
		Hint:    suggest.Hint(args[0], names),
	}
	if e.Hint == "" {
		e.Hint = "one of " + list
		if d := c.Dashes; d != nil {
			e.Hint += "; arguments of " + d.Name + " follow '--': " + path + " " + d.Name + " -- " + d.argumentsText()
		}
	}
	return e
}

// Execute runs a command line and returns its exit code.
func Execute(program *Command, s *cmdutil.Streams, args []string) int {
	return s.Finish(s.Exit(execute(program, s, args)))
}
