// Package packaging_test tests packages and the files for pipelines and fleets. Packages are built,
// compared, installed, run under systemd and removed; the other files are executed by the tools
// that read them.
package packaging_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/virt-audit/virt-audit/testdata/need"
)

// root is the directory of the project, relative to the tests.
const root = ".."

// scratch is a directory that all tests share; it is removed at the end.
var scratch string

func TestMain(m *testing.M) {
	code := 1
	defer func() { os.Exit(code) }() //nolint:forbidigo // as in every TestMain
	var err error
	if scratch, err = os.MkdirTemp("", "virt-audit-packaging"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // leftovers are in the directory for temporary files
	code = m.Run()
}

// program returns the path of the published executable.
func program(t *testing.T) string {
	t.Helper()
	need.Full(t, "a build of virt-audit")
	file, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

var built = sync.OnceValues(func() (string, error) {
	file := filepath.Join(scratch, "bin", "virt-audit")
	out, err := command(root, nil, "make", "--no-print-directory", "build", "BINARY="+file, "VERSION=1.2.3").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return file, nil
})

// virtAudit runs virt-audit, and returns standard output.
func virtAudit(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	file := program(t)
	cmd := exec.Command(file, args...)
	cmd.Env = []string{"PATH=" + path, "HOME=" + scratch}
	out, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); err != nil && (!ok || exit.ExitCode() < 0) { //nolint:errorlint // Output does not wrap it
		t.Fatal(err)
	}
	return string(out)
}

// command prepares a command with the environment of the test and more.
func command(dir string, env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	return cmd
}

// run runs a command that must succeed, and returns its output.
func run(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	out, err := command(dir, env, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// read returns a file of the project.
func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// write writes a file, and creates its directory.
func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// source copies the files from which a release is built, as in a source archive: without a
// repository.
func source(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"audit", "cmd", "rules", "packaging", "testdata", "go.mod", "go.sum", "Makefile", "LICENSE", "README.md", "CHANGELOG.md"} {
		err := filepath.WalkDir(filepath.Join(root, name), func(file string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			to := filepath.Join(dir, strings.TrimPrefix(file, root))
			if d.IsDir() {
				return os.MkdirAll(to, 0o755)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			return os.WriteFile(to, data, 0o644)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
