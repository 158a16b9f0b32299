package hook

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/virt-audit/virt-audit/audit/files"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
)

const aboutInstallation = "Installation:"

// libvirtHooks is where libvirt looks for hooks when it was built for a distribution
// (docs/hooks.rst).
const libvirtHooks = "/etc/libvirt/hooks"

// scriptNames are what a script may be called: libvirt runs every executable in the directory.
var scriptNames = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// installation has the options that name the script.
type installation struct {
	hooksDir, name string
	dryRun         bool
}

func newInstallation() *installation {
	return &installation{hooksDir: libvirtHooks, name: "50-virt-audit"}
}

// flags returns the rows of the table.
func (i *installation) flags() []*command.Flag {
	return []*command.Flag{
		{
			Name:     "hooks-dir",
			Metavar:  "DIR",
			Usage:    "DIR with libvirt's hooks",
			Category: aboutInstallation,
			Complete: command.Directories,
			Value:    command.Text(&i.hooksDir),
		},
		{
			Name:     "name",
			Metavar:  "NAME",
			Usage:    "NAME of the script in qemu.d",
			Category: aboutInstallation,
			Variable: command.VariableOf("hook-name"),
			Value:    command.Text(&i.name),
		},
	}
}

// dryRunFlag returns the row of --dry-run.
func (i *installation) dryRunFlag() *command.Flag {
	return &command.Flag{
		Name:     "dry-run",
		Usage:    "print what would be written or removed, and change nothing",
		Category: aboutInstallation,
		Value:    command.Switch(&i.dryRun),
	}
}

// resolve returns the place of the script.
func (i *installation) resolve() (*scriptPlace, error) {
	dir, err := filepath.Abs(i.hooksDir)
	if err != nil {
		return nil, err
	}
	if !scriptNames.MatchString(i.name) {
		return nil, cmdutil.Usagef("--name: %q is not a valid name: it may have letters, digits, '.', '-' and '_'", report.Printable(i.name))
	}
	return &scriptPlace{hooks: dir, name: i.name}, nil
}

func installCommand() *command.Command {
	i, d := newInstallation(), newDecision()
	return &command.Command{
		Name:  "install",
		Usage: "write the script, with the options of the decision",
		Flags: slices.Concat(d.rows, i.flags(), []*command.Flag{i.dryRunFlag()}),
		Run: func(inv *command.Invocation) error {
			place, err := i.resolve()
			if err != nil {
				return err
			}
			s, err := prepareScript(place, d)
			if err != nil {
				return err
			}
			if i.dryRun {
				fmt.Fprintf(inv.Out, "would write %s:\n%s", place.path(), s.text())
				return nil
			}
			if err := place.write(s); err != nil {
				return err
			}
			fmt.Fprintf(inv.Out, "installed %s\n", place.path())
			place.describe(inv.Out)
			return nil
		},
	}
}

// prepareScript returns the script, if it can decide, and if only root and the user can change what
// it does.
func prepareScript(place *scriptPlace, d *decision) (*script, error) {
	options, err := d.scriptOptions()
	if err != nil {
		return nil, err
	}
	if file, _, _ := d.configuration.Chosen(); file != "" && file != "-" {
		if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
			return nil, cmdutil.Usagef("--config: %s is not a file that still exists when a guest starts", file)
		}
	}
	setup, err := d.resolve()
	if err != nil {
		return nil, err
	}
	own := uint32(os.Geteuid()) //nolint:gosec // the kernel's numbers have 32 bits
	if why := setup.distrusted(own); why != "" {
		return nil, cmdutil.Usagef("%s", why)
	}
	s, err := place.newScript(options)
	if err != nil {
		return nil, err
	}
	if why := files.Changeable(s.Program, own); why != "" {
		return nil, cmdutil.Usagef("libvirt would run %s as root, but %s; install it first", s.Program, why)
	}
	if dir := filepath.Dir(place.path()); files.Changeable(dir, own) != "" {
		return nil, cmdutil.Usagef("libvirt would run the scripts of %s as root, but %s", dir, files.Changeable(dir, own))
	}
	return s, nil
}

// errForeign is a script in our place that 'hook install' has not written.
var errForeign = errors.New("is there and was not written by virt-audit hook install; give another --name, or remove it")

// read reads the script. It returns nil without an error if there is none.
func (p *scriptPlace) read() (*script, error) {
	file := p.path()
	info, err := os.Lstat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // there is none, and that is not an error
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "hook", Path: file, Err: errForeign}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s := parseScript(string(data))
	if s == nil {
		return nil, &fs.PathError{Op: "hook", Path: file, Err: errForeign}
	}
	return s, nil
}

// newScript returns a script with these options.
func (p *scriptPlace) newScript(options []string) (*script, error) {
	before, err := p.read()
	if err != nil {
		return nil, cmdutil.Usagef("%v", err)
	}
	now := time.Now().UTC()
	s := &script{Options: options, Written: now, Since: now}
	if info, err := os.Stat(p.path()); err == nil && before != nil && info.Mode().Perm()&0o111 != 0 {
		s.Since = before.foundSince(info).UTC()
	}
	if s.Program, err = os.Executable(); err != nil {
		return nil, err
	}
	if strings.Contains(s.Program, "/go-build") {
		return nil, cmdutil.Usagef("%s is gone when 'go run' ends; install it first", s.Program)
	}
	return s, s.check()
}

// write puts a script in its place. libvirt runs every executable in qemu.d, even one that is not
// complete: the file is written outside of the directory first.
func (p *scriptPlace) write(s *script) error {
	if err := os.MkdirAll(filepath.Dir(p.path()), 0o755); err != nil {
		return cmdutil.Usagef("%v", err)
	}
	pending, err := renameio.NewPendingFile(p.path(), renameio.WithTempDir(p.hooks), renameio.WithPermissions(0o755), renameio.IgnoreUmask())
	if err != nil {
		return cmdutil.Usagef("%v", err)
	}
	defer func() { _ = pending.Cleanup() }()
	if _, err := pending.WriteString(s.text()); err != nil {
		return fmt.Errorf("write %s: %w", p.path(), err)
	}
	if err := pending.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("write %s: %w", p.path(), err)
	}
	return nil
}

func uninstallCommand() *command.Command {
	i := newInstallation()
	return &command.Command{
		Name:  "uninstall",
		Usage: "remove the script",
		Flags: append(i.flags(), i.dryRunFlag()),
		Run: func(inv *command.Invocation) error {
			place, err := i.resolve()
			if err != nil {
				return err
			}
			s, err := place.read()
			switch {
			case err != nil:
				return cmdutil.Usagef("%v", err)
			case s == nil:
				fmt.Fprintf(inv.Out, "%s is not there\n", place.path())
				return nil
			case i.dryRun:
				fmt.Fprintf(inv.Out, "would remove %s\n", place.path())
				return nil
			}
			if err := os.Remove(place.path()); err != nil {
				return cmdutil.Usagef("%v", err)
			}
			fmt.Fprintf(inv.Out, "removed %s\n", place.path())
			return nil
		},
	}
}

func statusCommand() *command.Command {
	i := newInstallation()
	return &command.Command{
		Name:  "status",
		Usage: "report whether the hook is active: exit 0 when it is, 1 when it cannot be relied on",
		Flags: i.flags(),
		Run: func(inv *command.Invocation) error {
			place, err := i.resolve()
			if err != nil {
				return err
			}
			if !place.describe(inv.Out) {
				return cmdutil.Exit(cmdutil.ExitFindings)
			}
			return nil
		},
	}
}
