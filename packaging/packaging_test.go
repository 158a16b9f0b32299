// Package packaging_test proves what is built around the program: packages are built, compared, installed,
// run under systemd and removed; what pipelines and fleets are given is executed by the programs that it is for.
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
)

// root is the folder of the project, seen from the tests.
const root = ".."

// scratch is a folder that all tests share, and that goes with them.
var scratch string

func TestMain(m *testing.M) {
	code := 1
	defer func() { os.Exit(code) }() //nolint:forbidigo // so do mains of tests
	var err error
	if scratch, err = os.MkdirTemp("", "virt-audit-packaging"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // what stays is in the folder for temporary files
	code = m.Run()
}

// program is virt-audit as it is published.
var program = sync.OnceValues(func() (string, error) {
	file := filepath.Join(scratch, "bin", "virt-audit")
	out, err := command(root, nil, "make", "--no-print-directory", "build", "BINARY="+file, "VERSION=1.2.3").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return file, nil
})

// virtAudit runs the program, and returns standard output.
func virtAudit(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(file, args...)
	cmd.Env = []string{"PATH=" + path, "HOME=" + scratch}
	out, err := cmd.Output()
	if exit, ok := err.(*exec.ExitError); err != nil && (!ok || exit.ExitCode() < 0) { //nolint:errorlint // Output does not wrap it
		t.Fatal(err)
	}
	return string(out)
}

// command prepares a program with our environment and more.
func command(dir string, env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	return cmd
}

// need fails a test that lacks a program, with the package that has it on Debian.
func need(t *testing.T, program, pkg string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("%s is missing (package %s): 'make tools' installs it", program, pkg)
	}
}

// run runs a program that has to succeed, and returns what it printed.
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

// write writes a file, and the folders that it is in.
func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// source copies what a release is built from, as a source archive would have it: no repository.
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
