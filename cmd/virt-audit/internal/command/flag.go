package command

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
)

// Flag is one option: a row of the table.
type Flag struct {
	Name     string // without dashes: fail-on
	Short    string // one letter, or ""
	Metavar  string // what the value is, in capitals; "" for a switch
	Usage    string // what it is for: lower case, no period; the value is called by its metavariable
	Category string // the heading that it is listed under
	Default  string // what help shows as the default, if that is not the value that it begins with
	Choices  []string
	Complete Completion // of the value, besides Choices
	List     bool       // the value may be a list, separated by commas
	ToFile   bool       // ":FILE" may follow the value
	Repeated bool
	Hidden   bool   // not listed
	Variable string // the environment variable; "" is the one made of the name, "-" none
	Key      string // the key of the configuration that sets it, or ""
	Value    Value

	source Source
	place  string // the place in the configuration that has set it
	err    error  // why the last value was not valid
}

// Source is where the value of an option comes from, the weakest first.
type Source int

// The sources of values.
const (
	FromDefault Source = iota
	FromConfiguration
	FromEnvironment
	FromCommandLine
)

// Source returns where the value comes from.
func (f *Flag) Source() Source { return f.source }

// IsSet reports whether the value comes from the environment or the command line.
func (f *Flag) IsSet() bool { return f.source >= FromEnvironment }

// Origin returns what named the value, as an error about it begins: a place in the configuration,
// or the option.
func (f *Flag) Origin() string {
	if f.source == FromConfiguration {
		return f.place
	}
	return "--" + f.Name
}

// EnvironmentVariable returns the variable that sets the option, or "".
func (f *Flag) EnvironmentVariable() string {
	switch f.Variable {
	case "":
		return VariableOf(f.Name)
	case "-":
		return ""
	}
	return f.Variable
}

// VariableOf returns the name that the variable of an option has by default.
func VariableOf(name string) string {
	return "VIRT_AUDIT_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// TakesValue reports whether a value follows the option.
func (f *Flag) TakesValue() bool { return f.Metavar != "" }

// Placeholder returns what help shows for the value: "ID[,ID]", "FORMAT[:FILE]".
func (f *Flag) Placeholder() string {
	switch {
	case f.List:
		return f.Metavar + "[," + f.Metavar + "]"
	case f.ToFile:
		return f.Metavar + "[:FILE]"
	}
	return f.Metavar
}

// Names returns how the option is written: "--fail-on", and "-f".
func (f *Flag) Names() []string {
	names := []string{"--" + f.Name}
	if f.Short != "" {
		names = append(names, "-"+f.Short)
	}
	return names
}

// About returns the usage with the choices.
func (f *Flag) About() string {
	if len(f.Choices) == 0 {
		return f.Usage
	}
	return f.Usage + ": " + strings.Join(f.Choices, ", ")
}

// DefaultText returns what help shows as the default, or "".
func (f *Flag) DefaultText() string {
	if f.Default != "" || !f.TakesValue() || f.source != FromDefault {
		return f.Default
	}
	return f.Value.String()
}

// IsFile reports whether the value names a file or directory.
func (f *Flag) IsFile() bool {
	return f.Complete.Files && f.Value.String() != "" && !slices.Contains(f.Complete.words(), f.Value.String())
}

// Values returns all values of the option.
func (f *Flag) Values() []string {
	if l, ok := f.Value.(list); ok {
		return *l.values
	}
	return []string{f.Value.String()}
}

// SetFromConfiguration sets the option to values that the configuration has at a place, such as
// "site.yaml:3:1: policy". Values of the environment and the command line stay.
func (f *Flag) SetFromConfiguration(place string, values []string) error {
	if f.source > FromConfiguration {
		return nil
	}
	f.source, f.place = FromConfiguration, place
	f.Value.Reset()
	for _, v := range values {
		if err := f.Value.Set(v); err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
	}
	return nil
}

// SetFromEnvironment sets the options that have variables. An empty variable counts as one that is
// not set.
func SetFromEnvironment(flags []*Flag) error {
	for _, f := range flags {
		name := f.EnvironmentVariable()
		value := os.Getenv(name)
		if name == "" || value == "" || f.source > FromEnvironment {
			continue
		}
		f.source = FromEnvironment
		f.Value.Reset()
		if err := f.Value.Set(value); err != nil {
			return cmdutil.Usagef("%s in the environment: %q is not a valid value (%v)", name, value, err)
		}
	}
	return nil
}

// Set sets the option to a value of the command line; one that repeats has all of them.
func (f *Flag) Set(value string) error {
	if f.source != FromCommandLine {
		f.source = FromCommandLine
		f.Value.Reset()
	}
	if err := f.Value.Set(value); err != nil {
		f.err = cmdutil.Usagef("--%s: %q is not a valid value (%v)", f.Name, value, err)
		return f.err
	}
	return nil
}

// Find returns the option of a long or short name, without dashes, or nil.
func Find(flags []*Flag, name string) *Flag {
	for _, f := range flags {
		if f.Name == name || f.Short == name && name != "" {
			return f
		}
	}
	return nil
}

// ParseOptions sets options from words such as "--name=value" and "--switch", which an earlier run
// has written. The environment plays no part.
func ParseOptions(flags []*Flag, words []string) error {
	for _, word := range words {
		name, value, valued := strings.Cut(strings.TrimPrefix(word, "--"), "=")
		f := Find(flags, name)
		switch {
		case f == nil:
			return cmdutil.Usagef("unknown option %s", word)
		case valued:
		case f.TakesValue():
			return cmdutil.Usagef("%s: requires a value", word)
		default:
			value = "true"
		}
		if err := f.Set(value); err != nil {
			return err
		}
	}
	return nil
}
