package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
)

// onlyUserKnows are the metavariables of values and arguments that nothing can complete.
var onlyUserKnows = []string{
	"DATE", "DEVICE", "DURATION", "MACHINE", "N", "NAME", "REASON", "SIZE", "VERSION", "URI",
	"EXTRA", "GUEST", "OPERATION", "SUBOPERATION", "WORD",
}

func completes(c command.Completion) bool { return c.Words != nil || c.Rules || c.Commands || c.Files }

// TestTable walks the table of commands, options and arguments.
func TestTable(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	metavar := regexp.MustCompile(`^[A-Z-]+(\|[A-Z-]+)*$`)
	newProgram().Walk(func(path []string, c *command.Command) {
		at := strings.Join(path, " ")
		if c.Usage == "" || strings.HasSuffix(c.Usage, ".") || (c.Run == nil) != (len(c.Subcommands) > 0 && len(path) > 1) {
			t.Errorf("%s: the usage is not a phrase, or there is nothing to run", at)
		}
		seen := map[string]bool{"--help": true, "-h": true}
		for _, f := range c.Flags {
			option := at + " --" + f.Name
			for _, n := range f.Names() {
				if seen[n] {
					t.Errorf("%s: %s has two meanings", option, n)
				}
				seen[n] = true
			}
			if !name.MatchString(f.Name) || len(f.Short) > 1 || f.Usage == "" || strings.HasSuffix(f.Usage, ".") {
				t.Errorf("%s: name, short name or usage", option)
			}
			_, isSwitch := map[string]bool{"true": true, "false": true}[f.Value.String()]
			if f.TakesValue() == isSwitch || f.TakesValue() && !metavar.MatchString(f.Metavar) {
				t.Errorf("%s: the metavariable %q", option, f.Metavar)
			}
			if f.TakesValue() && !completes(f.Complete) && !slices.Contains(onlyUserKnows, f.Metavar) {
				t.Errorf("%s: nothing completes %s", option, f.Metavar)
			}
			checkChoices(t, option, f)
		}
		for i, a := range c.Arguments {
			if !completes(a.Complete) && !slices.Contains(onlyUserKnows, a.Metavar) {
				t.Errorf("%s: nothing completes the argument %s", at, a.Metavar)
			}
			if a.Repeated && i != len(c.Arguments)-1 {
				t.Errorf("%s: only the last argument can repeat", at)
			}
		}
	})
}

// checkChoices requires that what completes an option is what it takes.
func checkChoices(t *testing.T, option string, f *command.Flag) {
	t.Helper()
	if len(f.Choices) == 0 {
		return
	}
	var offered []string
	for _, w := range f.Complete.Words() {
		offered = append(offered, w.Text)
	}
	if !slices.Equal(offered, f.Choices) {
		t.Errorf("%s: %q complete it, and it takes %q", option, offered, f.Choices)
	}
	if d := f.DefaultText(); d != "" && !slices.Contains(f.Choices, d) {
		t.Errorf("%s: the default %q is not a choice", option, d)
	}
}

// TestTableIsPrinted: help and completion print every command and option that the table lists.
func TestTableIsPrinted(t *testing.T) {
	newProgram().Walk(func(path []string, c *command.Command) {
		words := path[1:]
		help := succeeds(t, append(slices.Clone(words), "--help")...)
		offered := succeeds(t, append(append([]string{"completion", "words", "--"}, words...), "-")...)
		for _, f := range c.Flags {
			names := f.Names()
			for i := range names {
				names[i] = strings.TrimSpace(names[i] + " " + f.Placeholder())
			}
			line := strings.Join(names, ", ")
			if strings.Contains(help, line+" ") == f.Hidden || !f.Hidden && !strings.Contains(help, f.About()) {
				t.Errorf("%s: hidden is %v, and help has %q or not:\n%s", strings.Join(path, " "), f.Hidden, line, help)
			}
			for _, n := range f.Names() {
				if strings.Contains(offered, "word\t"+n+"\t") == f.Hidden {
					t.Errorf("%s: hidden is %v, and completion offers %s or not", strings.Join(path, " "), f.Hidden, n)
				}
			}
		}
		for _, sub := range c.Subcommands {
			if strings.Contains(help, "\n   "+sub.Name+" ") == sub.Hidden {
				t.Errorf("%s: hidden is %v, and help lists %s or not", strings.Join(path, " "), sub.Hidden, sub.Name)
			}
		}
	})
}

// TestEnvironment sets every option that has a variable by it, to a value that it takes.
func TestEnvironment(t *testing.T) {
	newProgram().Walk(func(path []string, c *command.Command) {
		for _, f := range c.Flags {
			variable := f.EnvironmentVariable()
			if variable == "" {
				continue
			}
			value := map[bool]string{true: "true", false: "1"}[!f.TakesValue()]
			if f.Metavar == "DURATION" {
				value = "7s"
			}
			t.Setenv(variable, value)
			if err := command.SetFromEnvironment([]*command.Flag{f}); err != nil || f.Value.String() != value || !f.IsSet() {
				t.Errorf("%s --%s: %s=%s sets %q, %v", strings.Join(path, " "), f.Name, variable, value, f.Value, err)
			}
		}
	})
}
