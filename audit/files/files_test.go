package files_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/audit/files"
)

const limit = 1000

// inTime reads a file, and fails the test if the read does not end within a minute.
func inTime(t *testing.T, name string) (data []byte, err error) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		data, err = files.Read(name, limit)
	}()
	select {
	case <-done:
		return data, err
	case <-time.After(time.Minute):
		t.Fatalf("%s: still waiting", name)
		return nil, nil
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	check(t, os.WriteFile(at("small"), []byte("text"), 0o600))
	check(t, os.WriteFile(at("full"), make([]byte, limit), 0o600))
	check(t, os.WriteFile(at("large"), make([]byte, limit+1), 0o600))
	check(t, os.WriteFile(at("sparse"), nil, 0o600))
	check(t, os.Truncate(at("sparse"), 1<<40))
	check(t, syscall.Mkfifo(at("fifo"), 0o600))
	check(t, os.Symlink("/dev/zero", at("zero")))
	check(t, os.Symlink("fifo", at("link")))
	check(t, os.Symlink("/dev/stdin", at("stdin")))
	check(t, os.Symlink("small", at("good")))
	for name, want := range map[string]error{
		"small": nil, "full": nil, "good": nil,
		"large": files.ErrTooLarge, "sparse": files.ErrTooLarge,
		"fifo": files.ErrNotFile, "link": files.ErrNotFile, "zero": files.ErrNotFile, ".": files.ErrNotFile,
		"stdin": files.ErrNotFile, "none": fs.ErrNotExist,
	} {
		data, err := inTime(t, at(name))
		if !errors.Is(err, want) || want == nil && len(data) == 0 {
			t.Errorf("%s: %d bytes, %v, want %v", name, len(data), err, want)
		}
		if err != nil && !strings.HasPrefix(err.Error(), at(name)+": ") {
			t.Errorf("%s: the error does not begin with the name: %v", name, err)
		}
	}
}

// /proc/kmsg has the mode of a regular file, but a read of it waits for the next message.
func TestKernelLog(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "web.xml")
	check(t, os.Symlink("/proc/kmsg", link))
	if _, err := os.Stat(link); err != nil {
		t.Skipf("this kernel has no /proc/kmsg: %v", err)
	}
	if _, err := inTime(t, link); !errors.Is(err, files.ErrWaits) {
		t.Errorf("got %v", err)
	}
}

func TestDescriptor(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	check(t, err)
	defer func() { _ = r.Close() }()
	go func() {
		time.Sleep(20 * time.Millisecond) // the writer may be slow
		_, _ = w.WriteString("text")
		_ = w.Close()
	}()
	name := "/dev/fd/" + strconv.Itoa(int(r.Fd()))
	if data, err := inTime(t, name); err != nil || string(data) != "text" {
		t.Errorf("%s: %q, %v", name, data, err)
	}
	zero, err := os.Open("/dev/zero")
	check(t, err)
	defer func() { _ = zero.Close() }()
	if _, err := inTime(t, "/dev/fd/"+strconv.Itoa(int(zero.Fd()))); !errors.Is(err, files.ErrNotFile) {
		t.Errorf("a device: %v", err)
	}
	for name, want := range map[string]bool{
		"/dev/stdin": true, "/dev/fd/63": true, "/proc/self/fd/3": true,
		"/dev/fd/": false, "/dev/fd/../zero": false, "/dev/fd/3/x": false, "/dev/fd/-1": false, "dev/fd/3": false, "/dev/zero": false,
	} {
		if got := files.Descriptor(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// other is the ID of a user that does not run the test.
const other = 12345

// shared creates a directory such as /tmp that contains files and links of another user.
func shared(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can make files of other users")
	}
	dir := t.TempDir()
	check(t, os.Chmod(dir, 0o777|fs.ModeSticky))
	check(t, os.Mkdir(filepath.Join(dir, "home"), 0o755))
	for name, target := range map[string]string{
		"theirs": "home/file", "ours": "home/file", "dir": "home", "nowhere": "home/none", "chain": "theirs",
		"home/theirs": "file", "home/through": "../theirs",
	} {
		check(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	check(t, os.WriteFile(filepath.Join(dir, "home/file"), nil, 0o644))
	check(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o666))
	check(t, os.Chmod(filepath.Join(dir, "file"), 0o666))
	for _, name := range []string{"theirs", "dir", "nowhere", "home/theirs", "file"} {
		check(t, os.Lchown(filepath.Join(dir, name), other, other))
	}
	return dir
}

func TestForeign(t *testing.T) {
	t.Parallel()
	dir := shared(t)
	for name, want := range map[string][2]error{ // of CheckLinks and CheckWritable
		"theirs":       {files.ErrForeignLink, files.ErrForeignLink},
		"dir/file":     {files.ErrForeignLink, files.ErrForeignLink},
		"nowhere":      {files.ErrForeignLink, files.ErrForeignLink},
		"chain":        {files.ErrForeignLink, files.ErrForeignLink},
		"home/through": {files.ErrForeignLink, files.ErrForeignLink},
		"file":         {nil, files.ErrForeignFile},
		"ours":         {nil, nil},
		"home/theirs":  {nil, nil}, // not in a directory of all users
		"home/none":    {nil, nil},
		"none":         {nil, nil},
		"none/none":    {nil, nil},
	} {
		name := filepath.Join(dir, name)
		for i, test := range []func(string) error{files.CheckLinks, files.CheckWritable} {
			if err := test(name); !errors.Is(err, want[i]) || want[i] == nil && err != nil {
				t.Errorf("%s, %d: %v, want %v", name, i, err, want[i])
			}
		}
	}
	// Links of the directory's owner are followed.
	check(t, os.Lchown(dir, other, other))
	if err := files.CheckLinks(filepath.Join(dir, "theirs")); err != nil {
		t.Error(err)
	}
}

func TestLoop(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "loop")
	check(t, os.Symlink("loop", name))
	if err := files.CheckLinks(name); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("got %v", err)
	}
}

func TestChangeable(t *testing.T) {
	t.Parallel()
	dir := shared(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, mode := range map[string]fs.FileMode{"world": 0o646, "group": 0o664, "rootgroup": 0o664, "good": 0o644} {
		check(t, os.WriteFile(at("home/"+name), nil, 0o600))
		check(t, os.Chmod(at("home/"+name), mode))
	}
	check(t, os.Chown(at("home/group"), 0, other))
	check(t, os.Mkdir(at("home/open"), 0o755))
	check(t, os.Chmod(at("home/open"), 0o777))
	check(t, os.WriteFile(at("home/open/file"), nil, 0o644))
	check(t, os.Symlink("../home/open/file", at("home/link")))
	for name, want := range map[string]string{
		"home/good": "", "home/file": "", "home/rootgroup": "", "ours": "",
		"home/world":     "/home/world can be changed by every user",
		"home/group":     "/home/group can be changed by its group",
		"home/open/file": "/home/open can be changed by every user",
		"home/link":      "/home/open can be changed by every user",
		"file":           "/file belongs to another user (12345)",
		"theirs":         "/theirs belongs to another user (12345)",
		"home/theirs":    "/home/theirs belongs to another user (12345)",
	} {
		got := files.Changeable(at(name))
		if want != "" {
			want = dir + want
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := files.Changeable(at("file"), other); !strings.Contains(got, "can be changed by every user") {
		t.Errorf("with the owner's ID: %q", got)
	}
}
