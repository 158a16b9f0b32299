// Package need checks for everything that a test requires besides Go and a POSIX system: commands
// of the system, a libvirtd, a browser, a build of the release. Such a test is skipped with -short,
// with a reason. Without -short it fails if a requirement is missing, so that a full run skips
// nothing.
package need

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

//go:embed programs.txt
var table string

// path are the directories that are searched in addition to PATH, which may lack root's
// directories.
var path = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// Full skips the test under -short. part names what the test needs.
func Full(tb testing.TB, part string) {
	tb.Helper()
	if testing.Short() {
		tb.Skipf("needs %s, which -short skips", part)
	}
}

// Programs skips the test under -short, and fails it if a program is missing, with the package that
// has it. The names are those of programs.txt.
func Programs(tb testing.TB, names ...string) {
	tb.Helper()
	Full(tb, strings.Join(names, ", "))
	if missing := Missing(names...); len(missing) > 0 {
		tb.Fatalf("missing: %s; 'make tools' installs packages", strings.Join(missing, ", "))
	}
}

// Missing returns the names that are not installed, each with the package that contains it.
func Missing(names ...string) (missing []string) {
	for _, name := range names {
		if !installed(name) {
			missing = append(missing, name+" (package "+pkg(name)+")")
		}
	}
	return missing
}

// Path returns the path of an installed program, or "".
func Path(program string) string {
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), path...) {
		if file, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return file
		}
	}
	return ""
}

func installed(name string) bool {
	if module, ok := strings.CutPrefix(name, "python3:"); ok {
		return exec.Command("/usr/bin/python3", "-c", "import "+module).Run() == nil
	}
	if !strings.Contains(name, "/") {
		return Path(name) != ""
	}
	for pattern := range strings.SplitSeq(name, ",") {
		if files, _ := filepath.Glob(pattern); len(files) > 0 {
			return true
		}
	}
	return false
}

// pkg returns the package of a program of programs.txt.
func pkg(program string) string {
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == program {
			return f[1]
		}
	}
	panic("testdata/need/programs.txt does not list " + program)
}
