package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit/files"
	"github.com/virt-audit/virt-audit/audit/report"
)

// hookNames are what a script may be called: libvirt runs whatever is executable in the folder.
var hookNames = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// hookPlace reads --hooks-dir and --name.
func hookPlace(c *cli.Context) (*hookHost, error) {
	dir, err := filepath.Abs(c.String("hooks-dir"))
	if err != nil {
		return nil, err
	}
	name := c.String("name")
	if !hookNames.MatchString(name) {
		return nil, usagef("option --name: %q cannot be a script's name: letters, digits, '.', '-' and '_' are", report.Printable(name))
	}
	return &hookHost{hooks: dir, name: name}, nil
}

// errForeign is a script in the place of ours that is not ours.
var errForeign = errors.New("is there and was not written by virt-audit hook install; give another --name, or remove it")

// ours reads the script in our place. It returns nil without an error where there is none.
func (h *hookHost) ours() (*hookScript, error) {
	file := h.script()
	info, err := os.Lstat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // there is none, and that is no error
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
	script := parseScript(string(data))
	if script == nil {
		return nil, &fs.PathError{Op: "hook", Path: file, Err: errForeign}
	}
	return script, nil
}

func (s *streams) hookInstall(c *cli.Context) error {
	host, err := hookPlace(c)
	if err != nil {
		return err
	}
	options, err := bakedOptions(c)
	if err != nil {
		return err
	}
	if file, _, _ := configOption(c); file != "" && file != "-" {
		if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
			return usagef("option --config: %s is not a file that is still there when a guest starts", file)
		}
	}
	setup, err := hookConfig(c)
	if err != nil {
		return err
	}
	own := uint32(os.Geteuid()) //nolint:gosec // the kernel's numbers have 32 bits
	if why := setup.distrusted(own); why != "" {
		return usagef("%s", why)
	}
	script, err := host.newScript(options)
	if err != nil {
		return err
	}
	if why := files.Changeable(script.program, own); why != "" {
		return usagef("libvirt would run %s as root, but %s; install the program first", script.program, why)
	}
	if why := files.Changeable(filepath.Dir(host.script()), own); why != "" {
		return usagef("libvirt would run the scripts of %s as root, but %s", filepath.Dir(host.script()), why)
	}
	if c.Bool(dryRun) {
		fmt.Fprintf(s.out, "would write %s:\n%s", host.script(), script.text())
		return nil
	}
	if err := host.write(script); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "installed %s\n", host.script())
	host.describe(s.out)
	return nil
}

// newScript is the script that is to be in our place.
func (h *hookHost) newScript(options []string) (*hookScript, error) {
	before, err := h.ours()
	if err != nil {
		return nil, usagef("%v", err)
	}
	now := time.Now().UTC()
	script := &hookScript{options: options, noAnswer: afterFailure(options), written: now, since: now}
	if info, err := os.Stat(h.script()); err == nil && before != nil && info.Mode().Perm()&0o111 != 0 {
		script.since = before.foundSince(info).UTC()
	}
	if script.program, err = os.Executable(); err != nil {
		return nil, err
	}
	if strings.Contains(script.program, "/go-build") {
		return nil, usagef("%s is gone when 'go run' ends; install the program first", script.program)
	}
	return script, nil
}

// write puts a script in our place. libvirt runs what is executable in qemu.d, be it half written: the file
// grows next to the directory.
func (h *hookHost) write(script *hookScript) error {
	if err := os.MkdirAll(filepath.Dir(h.script()), 0o755); err != nil {
		return usagef("%v", err)
	}
	p, err := renameio.NewPendingFile(h.script(), renameio.WithTempDir(h.hooks), renameio.WithPermissions(0o755), renameio.IgnoreUmask())
	if err != nil {
		return usagef("%v", err)
	}
	defer func() { _ = p.Cleanup() }()
	if _, err := p.WriteString(script.text()); err != nil {
		return fmt.Errorf("write %s: %w", h.script(), err)
	}
	if err := p.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("write %s: %w", h.script(), err)
	}
	return nil
}

func (s *streams) hookUninstall(c *cli.Context) error {
	host, err := hookPlace(c)
	if err != nil {
		return err
	}
	script, err := host.ours()
	switch {
	case err != nil:
		return usagef("%v", err)
	case script == nil:
		fmt.Fprintf(s.out, "%s is not there\n", host.script())
		return nil
	}
	if c.Bool(dryRun) {
		fmt.Fprintf(s.out, "would remove %s\n", host.script())
		return nil
	}
	if err := os.Remove(host.script()); err != nil {
		return usagef("%v", err)
	}
	fmt.Fprintf(s.out, "removed %s\n", host.script())
	return nil
}

func (s *streams) hookStatus(c *cli.Context) error {
	host, err := hookPlace(c)
	if err != nil {
		return err
	}
	if !host.describe(s.out) {
		return status(exitFindings)
	}
	return nil
}
