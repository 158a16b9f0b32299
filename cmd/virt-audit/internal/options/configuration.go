package options

import (
	"io"

	"github.com/virt-audit/virt-audit/audit/config"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
)

// Configuration chooses the site's configuration.
type Configuration struct {
	File string
	None bool

	file, none *command.Flag
}

// NewConfiguration returns the group.
func NewConfiguration() *Configuration {
	c := &Configuration{}
	c.file = &command.Flag{
		Name:     "config",
		Metavar:  "FILE",
		Usage:    "FILE with the site's configuration",
		Category: AboutConfiguration,
		Default:  ".virt-audit.yaml here or up to the repository's root, then " + config.System,
		Complete: command.AnyFile, Value: command.Text(&c.File),
	}
	c.none = &command.Flag{
		Name:     "no-config",
		Usage:    "do not look for a configuration",
		Category: AboutConfiguration,
		Value:    command.Switch(&c.None),
	}
	return c
}

// NewHookConfiguration returns the group as a hook has it: libvirt runs hooks in no particular
// directory, so that only the host's configuration is looked for.
func NewHookConfiguration() *Configuration {
	c := NewConfiguration()
	c.file.Default, c.file.Category, c.none.Category = config.System, AboutRules, AboutRules
	return c
}

// Flags returns the rows of the group.
func (c *Configuration) Flags() []*command.Flag { return []*command.Flag{c.file, c.none} }

// FileFlag returns the row of --config.
func (c *Configuration) FileFlag() *command.Flag { return c.file }

// NoneFlag returns the row of --no-config.
func (c *Configuration) NoneFlag() *command.Flag { return c.none }

// Chosen returns the file that --config names, and whether none is to be looked for. The command
// line has precedence over the environment.
func (c *Configuration) Chosen() (name string, none bool, err error) {
	typed := c.File != "" && c.file.Source() == command.FromCommandLine
	switch {
	case typed && c.None && c.none.Source() == command.FromCommandLine:
		return "", false, cmdutil.Usagef("--config and --no-config exclude each other")
	case typed:
		return c.File, false, nil
	case c.None:
		return "", true, nil
	}
	return c.File, false, nil
}

// Resolve reads the configuration that applies in a directory. Its settings set those flags that
// have their keys, unless the command line or the environment has set them.
func (c *Configuration) Resolve(stdin io.Reader, dir string, flags ...*command.Flag) (*site.Site, error) {
	x, err := c.read(stdin, dir)
	if err != nil || x.File == nil {
		return x, err
	}
	for _, s := range x.File.Settings {
		for _, f := range flags {
			if f.Key != s.Key {
				continue
			}
			if err := f.SetFromConfiguration(x.Origin(s), s.Values); err != nil {
				return nil, cmdutil.Usagef("%v", err)
			}
		}
	}
	return x, nil
}

func (c *Configuration) read(stdin io.Reader, dir string) (*site.Site, error) {
	name, none, err := c.Chosen()
	switch {
	case err != nil:
		return nil, err
	case none:
		return &site.Site{}, nil
	case name == "-":
		return site.ReadFrom(stdin)
	case name != "":
		return site.Read(name)
	}
	return site.Discover(dir)
}
