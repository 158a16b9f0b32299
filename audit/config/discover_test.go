package config_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/virt-audit/virt-audit/audit/config"
	"github.com/virt-audit/virt-audit/audit/source"
)

// site creates files, and directories for names that end with a slash, and returns their root.
func site(t *testing.T, files ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, f := range files {
		name, text, _ := strings.Cut(f, "=")
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch {
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		case strings.HasPrefix(text, "->"):
			err = os.Symlink(text[2:], path)
		default:
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	tests := []struct {
		what  string
		files []string
		dir   string
		found string // "": no file; "!…": part of an error
	}{
		{"nothing", []string{"a/"}, "a", ""},
		{"here", []string{"a/.virt-audit.yaml=", "system.yaml="}, "a", "a/.virt-audit.yaml"},
		{"the other name", []string{"a/.virt-audit.yml="}, "a", "a/.virt-audit.yml"},
		{"both names", []string{"a/.virt-audit.yml=", "a/.virt-audit.yaml="}, "a", "!contains both .virt-audit.yaml and .virt-audit.yml"},
		{"above, no repository", []string{".virt-audit.yaml=", "a/"}, "a", ""},
		{"above, in the repository", []string{".git/", ".virt-audit.yaml=", "a/b/"}, "a/b", ".virt-audit.yaml"},
		{"above, in a worktree", []string{".git=gitdir: x", ".virt-audit.yaml=", "a/b/"}, "a/b", ".virt-audit.yaml"},
		{"above the repository", []string{".virt-audit.yaml=", "a/.git/", "a/b/"}, "a/b", ""},
		{"the nearest", []string{".git/", ".virt-audit.yaml=", "a/.virt-audit.yml=", "a/b/"}, "a/b", "a/.virt-audit.yml"},
		{"the system's", []string{"a/.git/", "system.yaml="}, "a", "system.yaml"},
		{"through a link to the working directory", []string{"a/.git/", "a/.virt-audit.yaml=", "a/b/", "l=->a/b"}, "l", "a/.virt-audit.yaml"},
		{"a link", []string{"a/.virt-audit.yaml=->../x", "x=fail-on: high\n"}, "a", "a/.virt-audit.yaml"},
		{"a link to nothing", []string{"a/.virt-audit.yaml=->nothing", "system.yaml="}, "a", "!no such file"},
		{"a directory", []string{"a/.virt-audit.yaml/", "system.yaml="}, "a", "!not a regular file"},
		{"a device", []string{"a/.virt-audit.yaml=->/dev/null", "system.yaml="}, "a", "!not a regular file"},
		{"a system's that is a directory", []string{"a/", "system.yaml/"}, "a", "!not a regular file"},
		{"no directory", nil, "a", "!no such file or directory; name it with --config to use it, or pass --no-config"},
		{"a name that is too long", []string{"a/"}, "a/" + strings.Repeat("x", 300), "!search for a configuration"},
	}
	for _, tt := range tests {
		root := site(t, tt.files...)
		f, err := config.Discover(filepath.Join(root, tt.dir), filepath.Join(root, "system.yaml"), known)
		switch want, isError := strings.CutPrefix(tt.found, "!"); {
		case isError:
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", tt.what, err)
			}
		case err != nil:
			t.Errorf("%s: %v", tt.what, err)
		case want == "" && f != nil, want != "" && (f == nil || f.Path != filepath.Join(root, want)):
			t.Errorf("%s: %+v", tt.what, f)
		}
	}
}

func TestDiscoverPipe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, ".virt-audit.yaml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Discover(dir, "", known); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
	if _, err := config.Read(path, known); err == nil || !strings.Contains(err.Error(), "a FIFO, not a regular file") {
		t.Error(err)
	}
	// A shell passes <(...) as an open pipe that is named by its descriptor.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if _, err := w.WriteString("baseline: b.json\n"); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if f, err := config.Read(fmt.Sprintf("/dev/fd/%d", r.Fd()), known); err != nil || f.Settings[0].Values[0] != "b.json" {
		t.Errorf("%+v, %v", f, err)
	}
}

// In the working directory paths are relative, even if $PWD contains a link.
func TestDiscoverHere(t *testing.T) {
	root := site(t, "a/.git/", "a/.virt-audit.yaml=baseline: b.json\nformat: json:b/out.json\n", "a/b/", "l=->a/b")
	t.Chdir(filepath.Join(root, "l"))
	f, err := config.Discover(".", "", known)
	if err != nil || f.Path != "../.virt-audit.yaml" || f.Settings[0].Values[0] != "../b.json" || f.Settings[1].Values[0] != "json:../b/out.json" {
		t.Errorf("%+v, %v", f, err)
	}
}

// A file that other users can write to is used only if it is named.
func TestDiscoverTrust(t *testing.T) {
	t.Parallel()
	root := site(t, ".virt-audit.yaml=fail-on: high\n")
	path := filepath.Join(root, ".virt-audit.yaml")
	if err := os.Chmod(path, 0o646); err != nil {
		t.Fatal(err)
	}
	_, err := config.Discover(root, "", known)
	if err == nil || !strings.HasSuffix(err.Error(), "every user can write to it; name it with --config to use it, or pass --no-config") {
		t.Error(err)
	}
	if _, err := config.Read(path, known); err != nil {
		t.Error(err)
	}
}

// info is a file of any owner.
type info struct {
	fs.FileInfo
	mode     fs.FileMode
	uid, gid uint32
}

func (i info) Mode() fs.FileMode { return i.mode }
func (i info) Sys() any          { return &syscall.Stat_t{Uid: i.uid, Gid: i.gid} }

func TestUntrusted(t *testing.T) {
	t.Parallel()
	const me = 1000
	tests := []struct {
		info info
		want string
	}{
		{info{mode: 0o644, uid: me, gid: 100}, ""},
		{info{mode: 0o644}, ""},
		{info{mode: 0o444, uid: 1001, gid: me}, "it belongs to user 1001, not to the caller, user 1000"},
		{info{mode: 0o664, uid: me, gid: me}, ""}, // a umask of 002
		{info{mode: 0o664, uid: me, gid: 100}, "its group can write to it"},
		{info{mode: 0o664, gid: me}, "its group can write to it"},
		{info{mode: 0o666, uid: me, gid: me}, "every user can write to it"},
		{info{mode: 0o602, uid: 0, gid: 0}, "every user can write to it"},
		{info{mode: fs.ModeSymlink | 0o777, uid: me}, ""},
		{info{mode: fs.ModeSymlink | 0o777, uid: 1001}, "it belongs to user 1001, not to the caller, user 1000"},
	}
	private := func(uid, gid uint32) bool { return uid == gid }
	for _, tt := range tests {
		if got := config.Untrusted(tt.info, me, private); got != tt.want {
			t.Errorf("%v of %d, %d: %q, want %q", tt.info.mode, tt.info.uid, tt.info.gid, got, tt.want)
		}
	}
	if !config.PrivateGroup(0, 0) || config.PrivateGroup(0, 1) || config.PrivateGroup(0, 1<<31) || config.PrivateGroup(1<<31, 0) {
		t.Error("root's own group is root, and no other")
	}
}

// TestReportsStayInside: the configuration of a checkout cannot name reports outside of it.
func TestReportsStayInside(t *testing.T) {
	t.Parallel()
	root := site(t, "out/", "device=->/dev/null", "a/up=->../out", "a/here=->in", "a/in/", "a/report=->../out/report",
		"a/1.yaml=format: json:up/x\n", "a/2.yaml=fail-on: high\nformat: [text, 'json:report']\n",
		"a/3.yaml=format: json:here/x\n", "a/4.yaml=format: json:new/x\n", "a/5.yaml=format: [text, json:x]\n",
		"a/.git/hooks/", "a/hooks=->.git/hooks", "a/6.yaml=format: json:hooks/post-merge\n",
		"a/7.yaml=format: json:7.yaml\n", "a/8.yaml=format: json:run\n", "a/run=", "a/9.yaml=format: json:.gitignore\n", "a/.gitignore=")
	if err := os.Chmod(filepath.Join(root, "a/run"), 0o755); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"1.yaml": ":1:1: " + root + "/a/up/x leads out of the directory of the configuration through a link; name it with --format",
		"2.yaml": ":2:1: " + root + "/a/report leads out of the directory of the configuration through a link; name it with --format",
		"3.yaml": "", "4.yaml": "", "5.yaml": "", "9.yaml": "",
		"6.yaml": ":1:1: " + root + "/a/hooks/post-merge leads into .git, where git keeps its hooks, through a link; name it with --format",
		"7.yaml": ":1:1: the report would overwrite the configuration; name it with --format",
		"8.yaml": ":1:1: the report would overwrite the executable " + root + "/a/run; name it with --format",
	} {
		path := filepath.Join(root, "a", file)
		switch f, err := config.Read(path, known); {
		case want == "" && err != nil:
			t.Error(err)
		case want != "" && (err == nil || f != nil || err.Error() != path+want):
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	root := site(t, "big="+strings.Repeat("#", 1<<20+1), "bad=fail-on: x\n")
	if _, err := config.Read(filepath.Join(root, "none"), known); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := config.Read("/dev/zero", known); err == nil || !strings.HasSuffix(err.Error(), "configuration /dev/zero: a character device, not a regular file") {
		t.Error(err)
	}
	if _, err := config.Read(root, known); err == nil || !strings.HasSuffix(err.Error(), ": a directory, not a regular file") {
		t.Error(err)
	}
	if _, err := config.Read(filepath.Join(root, "big"), known); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Error(err)
	}
	var e *source.Error
	if f, err := config.Read(filepath.Join(root, "bad"), known); f != nil || !errors.As(err, &e) || e.Line != 1 || e.Column != 10 {
		t.Errorf("%+v, %v", f, err)
	}
}
