package packaging_test

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/virt-audit/virt-audit/testdata/need"
)

// release builds all that is published for amd64 from a copy of the source, with the given command,
// and returns the output directory.
func release(t *testing.T, dir string, env []string, by ...string) (out string) {
	t.Helper()
	source(t, dir)
	env = append([]string{"VERSION=1.2.3", "SOURCE_DATE_EPOCH=1700000000", "ARCHES=amd64"}, env...)
	run(t, dir, env, append(by, "sh", "packaging/build.sh")...)
	return filepath.Join(dir, "dist")
}

var released sync.Mutex

// theRelease is the release that the tests inspect; it is built once.
func theRelease(t *testing.T) string {
	t.Helper()
	need.Full(t, "a build of the release")
	released.Lock()
	defer released.Unlock()
	dir := filepath.Join(scratch, "release", "dist")
	if _, err := os.Stat(filepath.Join(dir, "SHA256SUMS")); err == nil {
		return dir
	}
	return release(t, filepath.Join(scratch, "release"), nil)
}

// TestReproducible builds the same source again in a different environment: directory, user's
// settings, language, time zone, mask, times of the files and, if permitted, the host name.
func TestReproducible(t *testing.T) {
	first := theRelease(t)
	by := []string{"sh", "-euc", `umask 077; find . -exec touch -d 2001-02-03 {} +; chmod -R go-rwx .; exec "$@"`, "sh"}
	if exec.Command("unshare", "--uts", "true").Run() == nil {
		by = append([]string{"unshare", "--uts", "sh", "-euc", `hostname elsewhere; exec "$@"`, "sh"}, by...)
	}
	second := release(t, filepath.Join(t.TempDir(), "another directory", "of the same"), []string{
		"HOME=" + t.TempDir(), "GOFLAGS=-buildvcs=true -tags=other", "GOAMD64=v3", "TZ=Asia/Tokyo", "LC_ALL=C.UTF-8",
		"GOCACHE=" + strings.TrimSpace(run(t, root, nil, "go", "env", "GOCACHE")), // compiled packages are the same in any directory
		"GOMODCACHE=" + strings.TrimSpace(run(t, root, nil, "go", "env", "GOMODCACHE")),
	}, by...)
	files, err := os.ReadDir(first)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 5 {
		t.Errorf("%d files in the release, want program, deb, rpm, bill of materials and sums", len(files))
	}
	for _, f := range files {
		a, err := os.ReadFile(filepath.Join(first, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(second, f.Name()))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s is not the same when it is built again", f.Name())
		}
	}
}

// TestSums checks the release with sha256sum.
func TestSums(t *testing.T) {
	dir := theRelease(t)
	out := run(t, dir, nil, "sha256sum", "--strict", "--check", "SHA256SUMS")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Name() != "SHA256SUMS" && !strings.Contains(out, f.Name()+": OK\n") {
			t.Errorf("%s is not in SHA256SUMS", f.Name())
		}
	}
}

// TestStatic inspects the executable: it needs no other file, and contains nothing of the build
// machine.
func TestStatic(t *testing.T) {
	file := filepath.Join(theRelease(t), "virt-audit_1.2.3_linux_amd64")
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the executable is linked dynamically: it has a %s", p.Type)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, env := range []string{"GOMODCACHE", "GOROOT"} {
		if dir := strings.TrimSpace(run(t, root, nil, "go", "env", env)); bytes.Contains(data, []byte(dir+"/")) {
			t.Errorf("the directory %s is in the executable", dir)
		}
	}
	if bytes.Contains(data, []byte(scratch)) {
		t.Error("the build directory is in the executable")
	}
	if got := run(t, root, nil, file, "--version"); got != "virt-audit 1.2.3\n" {
		t.Errorf("--version prints %q", got)
	}
}

// TestContents compares the bill of materials and the licences with the modules that Go reports for
// the executable.
func TestContents(t *testing.T) {
	dir := theRelease(t)
	info, err := buildinfo.ReadFile(filepath.Join(dir, "virt-audit_1.2.3_linux_amd64"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"std": info.GoVersion}
	for _, m := range info.Deps {
		want[m.Path] = m.Version
	}
	data, err := os.ReadFile(filepath.Join(dir, "virt-audit_1.2.3_linux_amd64.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		BOMFormat, SpecVersion, SerialNumber string
		Metadata                             struct {
			Timestamp string
			Component struct{ Name, Version string }
		}
		Components []struct {
			Name, Version, PURL string
			Licenses            []any
		}
	}
	if err := json.Unmarshal(data, &bill); err != nil {
		t.Fatal(err)
	}
	if bill.BOMFormat != "CycloneDX" || bill.SpecVersion == "" || bill.Metadata.Component.Name != info.Main.Path || bill.Metadata.Component.Version != "1.2.3" {
		t.Errorf("the bill of materials is of %+v", bill.Metadata.Component)
	}
	if strings.Contains(string(data), `"hashes"`) && strings.Index(string(data), `"hashes"`) < strings.Index(string(data), `"component"`) {
		t.Error("the bill of materials has a digest of its generator")
	}
	if bill.SerialNumber != "" || bill.Metadata.Timestamp != "" {
		t.Error("the bill of materials is another each time: it has a number or a time")
	}
	notices := strings.Split(run(t, dir, nil, "sh", "-c", "dpkg-deb --fsys-tarfile virt-audit_1.2.3_amd64.deb | tar -xO ./usr/share/doc/virt-audit/copyright"), "\n")
	if !strings.Contains(strings.Join(notices, "\n"), "Apache License\n") {
		t.Error("the licence of virt-audit itself is not in the package")
	}
	lines := map[string]bool{}
	for _, line := range notices {
		lines[line] = true
	}
	for _, c := range bill.Components {
		if want[c.Name] != c.Version {
			t.Errorf("the bill of materials has %s %s, the executable has %q", c.Name, c.Version, want[c.Name])
		}
		if c.Name != "std" {
			if len(c.Licenses) == 0 {
				t.Errorf("the bill of materials knows no licence of %s", c.Name)
			}
			if !lines[c.Name+" "+c.Version] {
				t.Errorf("the package has no licence of %s %s", c.Name, c.Version)
			}
		}
		delete(want, c.Name)
	}
	for name := range want {
		t.Errorf("%s is in the executable, and not in the bill of materials", name)
	}
}

// TestVersion asks for the version of a repository at several points of its history.
func TestVersion(t *testing.T) {
	need.Programs(t, "git")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "packaging", "version.sh"), read(t, "packaging/version.sh"))
	env := []string{
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@localhost",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@localhost", "GIT_COMMITTER_DATE=2026-03-01T23:30:00-0500",
	}
	step := func(want, script string) {
		t.Helper()
		run(t, dir, env, "sh", "-euc", script)
		hash := ""
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			hash = "g" + strings.TrimSpace(run(t, dir, env, "git", "rev-parse", "--short=7", "HEAD"))
		}
		want = strings.ReplaceAll(want, "HASH", hash)
		if got := strings.TrimSpace(run(t, dir, env, "sh", "packaging/version.sh")); got != want {
			t.Errorf("%s: version %q, want %q", script, got, want)
		}
	}
	step("devel", ":")
	step("0.0.0~20260302.HASH", "git init -q; git add .; git commit -qm one")
	step("1.3.0~rc1", "git tag v1.3.0-rc1")
	step("1.3.0~rc1+1.HASH", "git commit -qm two --allow-empty")
	step("1.3.0", "git tag v1.3.0")
	step("1.3.0", "git tag v1; git tag -a -m newer v2") // tags that move, for users of the newest release
	step("1.3.0", "echo new >untracked")
	step("1.3.0+dirty", "echo '#' >>packaging/version.sh")
	step("1.3.0+1.HASH.dirty", "git commit -qm three --allow-empty")
	out, err := command(root, append(env, "VERSION=devel", "SOURCE_DATE_EPOCH=1", "OUT="+t.TempDir()), "sh", "packaging/build.sh").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "set VERSION") {
		t.Errorf("a release without a version is built: %v\n%s", err, out)
	}
}
