package fixcmd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
)

// TestReplace keeps what a file has besides its content.
func TestReplace(t *testing.T) {
	name := filepath.Join(t.TempDir(), "web.xml")
	if err := os.WriteFile(name, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o664); err != nil { // more than a umask leaves
		t.Fatal(err)
	}
	attributes := syscall.Setxattr(name, "user.note", []byte("kept"), 0) == nil
	if !attributes {
		t.Log("this file system has no extended attributes: they are not compared")
	}
	owner := os.Geteuid() == 0
	if !owner {
		t.Log("the owner is not compared: only root can change it")
	} else if err := os.Chown(name, 1234, 4321); err != nil {
		t.Fatal(err)
	}
	if err := replace(name, []byte("before"), []byte("after")); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil || string(data) != "after" {
		t.Errorf("%q, %v", data, err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if s := info.Sys().(*syscall.Stat_t); info.Mode() != 0o664 || owner && (s.Uid != 1234 || s.Gid != 4321) {
		t.Errorf("mode %v, owner %d:%d", info.Mode(), s.Uid, s.Gid)
	}
	value := make([]byte, 10)
	if n, err := syscall.Getxattr(name, "user.note", value); attributes && (err != nil || string(value[:n]) != "kept") {
		t.Errorf("attribute %q, %v", value, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(name)); err != nil || len(entries) != 1 {
		t.Errorf("files are left: %v, %v", entries, err)
	}
}

// TestReplaceRefused leaves files as they are that are not the ones that were read.
func TestReplaceRefused(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"file", "hard", "sub/file"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("before"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"link": "file", "directory": "sub"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(dir, "hard"), filepath.Join(dir, "other")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, before, want string }{
		{"link", "before", "is a symbolic link: name the file itself, " + dir + "/file"},
		{"directory/file", "before", "directory is a symbolic link"},
		{"hard", "before", "it has 2 names"},
		{"fifo", "before", "a FIFO"},
		{"sub", "before", "a directory"},
		{"absent", "before", "no such file"},
		{"file", "befor", cmdutil.ErrChanged.Error()},
		{"file", "before.", cmdutil.ErrChanged.Error()},
		{"file", "Before", cmdutil.ErrChanged.Error()},
	} {
		err := replace(filepath.Join(dir, test.name), []byte(test.before), []byte("after"))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
	for _, name := range []string{"file", "hard", "sub/file"} {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(data) != "before" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	if info, err := os.Lstat(filepath.Join(dir, "link")); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link: %v, %v", info, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was created: %v", err)
	}
}
