//go:build unix

package collect

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inTime fails the test if f does not return, as an open of a FIFO would not.
func inTime(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("blocked")
	}
}

func TestFIFOInDirectory(t *testing.T) {
	plant(t, "q/b.xml", "q/l.xml -> ../fifo")
	for _, name := range []string{"q/a.xml", "q/other", "fifo"} {
		check(t, syscall.Mkfifo(name, 0o644))
	}
	const fifo = ": a FIFO, not a regular file: it is read only if it is an argument itself"
	inTime(t, func() {
		got := collected(t, []string{"q"}, Options{})
		if want := []string{"! q/a.xml" + fifo, "q/b.xml", "! q/l.xml" + fifo}; !slices.Equal(got, want) {
			t.Errorf("directory: got %q, want %q", got, want)
		}
		got = collected(t, []string{"q/[ab].xml", "q/*/x"}, Options{})
		want := []string{
			"! q/a.xml" + fifo, "q/b.xml",
			"! q/*/x: no such file or directory: nothing matches the pattern",
		}
		if !slices.Equal(got, want) {
			t.Errorf("pattern: got %q, want %q", got, want)
		}
	})
}

func TestFIFOAsArgument(t *testing.T) {
	plant(t)
	check(t, syscall.Mkfifo("guest", 0o644))
	written := make(chan error)
	go func() {
		f, err := os.OpenFile("guest", os.O_WRONLY, 0)
		if err == nil {
			_, err = io.WriteString(f, "<domain/>")
			err = errors.Join(err, f.Close())
		}
		written <- err
	}()
	inTime(t, func() {
		got := collected(t, []string{"guest", "./guest"}, Options{})
		if want := []string{"guest = <domain/>"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	check(t, <-written)
}

// A file may be replaced by a FIFO after it is found and before it is read, or between the check of
// its kind and the opening.
func TestFIFOInPlaceOfFile(t *testing.T) {
	plant(t, "a.xml")
	inTime(t, func() {
		for d, err := range Find([]string{"a.xml"}, Options{}) {
			check(t, err)
			check(t, os.Remove("a.xml"))
			check(t, syscall.Mkfifo("a.xml", 0o644))
			if _, err := d.Read(); !errors.Is(err, ErrNotFile) {
				t.Errorf("got %v", err)
			}
		}
		f, err := os.OpenFile("a.xml", os.O_RDONLY|syscall.O_NONBLOCK, 0)
		check(t, err)
		t.Cleanup(func() { _ = f.Close() })
		if _, err := readRegular(f, DefaultMaxSize); !errors.Is(err, ErrNotFile) {
			t.Errorf("got %v", err)
		}
	})
}

func TestFIFOThatVanishes(t *testing.T) {
	plant(t)
	check(t, syscall.Mkfifo("guest", 0o644))
	for d, err := range Find([]string{"guest"}, Options{}) {
		check(t, err)
		check(t, os.Remove("guest"))
		if _, err := d.Read(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	}
}

// A shell passes <(command) as an open pipe, named by its descriptor. Two of them are two
// documents.
func TestProcessSubstitution(t *testing.T) {
	if _, err := os.Stat("/dev/fd"); err != nil {
		t.Skip("this system has no /dev/fd")
	}
	var args, want []string
	for _, s := range []string{"<one/>", "<two/>"} {
		r, w, err := os.Pipe()
		check(t, err)
		t.Cleanup(func() { _ = r.Close() })
		_, err = io.WriteString(w, s)
		check(t, err)
		check(t, w.Close())
		arg := fmt.Sprintf("/dev/fd/%d", r.Fd())
		args = append(args, arg, arg) // the second of each is the same document
		want = append(want, arg+" = "+s)
	}
	inTime(t, func() {
		if got := collected(t, args, Options{}); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// asOther collects as a user without root's privileges. If the tests run as root, it starts another
// process with another user's ID.
func asOther(t *testing.T, args ...string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		var b strings.Builder
		printCollected(&b, args)
		return b.String()
	}
	// The test binary is in a directory that only root may search.
	binary, err := os.Executable()
	check(t, err)
	data, err := os.ReadFile(binary)
	check(t, err)
	dir := t.TempDir()
	open(t, dir)
	check(t, os.WriteFile(filepath.Join(dir, "collect.test"), data, 0o755))
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "collect.test"), args...)
	// The race detector would sleep for a second before it exits.
	cmd.Env = []string{otherEnv + "=1", "GORACE=atexit_sleep_ms=0"}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.Output()
	check(t, err)
	return string(out)
}

// open lets all users search a directory of t.TempDir and its parent.
func open(t *testing.T, dir string) {
	t.Helper()
	check(t, os.Chmod(dir, 0o755))
	check(t, os.Chmod(filepath.Dir(dir), 0o755))
}

func TestPermissions(t *testing.T) {
	const denied = ": permission denied: run as root, or use `virsh dumpxml NAME | virt-audit -`\n"
	tests := []struct {
		name  string
		tree  []string
		close string // the file or directory that gets mode
		mode  fs.FileMode
		args  []string
		want  string
	}{
		{"file", []string{"a.xml", "b.xml"}, "a.xml", 0, []string{"."}, "denied a.xml" + denied + "b.xml\n"},
		{"directory as argument", []string{"q/a.xml", "b.xml"}, "q", 0, []string{"q", "b.xml"}, "denied q" + denied + "b.xml\n"},
		{"directory in a directory", []string{"q/a.xml", "r.xml"}, "q", 0, []string{"."}, "denied q" + denied + "r.xml\n"},
		{"file in a closed directory", []string{"q/a.xml"}, "q", 0, []string{"q/a.xml"}, "denied q/a.xml" + denied},
		{"listed but not searchable", []string{"q/a.xml"}, "q", 0o444, []string{"q"}, "denied q/a.xml" + denied},
		{"searchable but not listed", []string{"q/a.xml"}, "q", 0o111, []string{"q", "q/a.xml"}, "denied q" + denied + "q/a.xml\n"},
		{"pattern in a closed directory", []string{"q/a.xml"}, "q", 0, []string{"q/*.xml"}, "denied q/*.xml" + denied},
		{"pattern in a directory that cannot be listed", []string{"q/a.xml"}, "q", 0o111, []string{"q/*.xml"}, "denied q" + denied},
		{
			"pattern over directories, one closed",
			[]string{"e/q/a.xml", "e/n/b.xml"},
			"e/q", 0,
			[]string{"e/*/*.xml"},
			"denied e/q" + denied + "e/n/b.xml\n",
		},
		{
			"pattern over directories, one closed higher up",
			[]string{"e/q/s/a.xml", "e/n/s/b.xml"},
			"e/q", 0,
			[]string{"e/*/s/*.xml"},
			"denied e/q" + denied + "e/n/s/b.xml\n",
		},
		{
			"links into a closed directory, of any name",
			[]string{"q/s/a.xml", "w/l -> ../q/s", "w/l.xml -> ../q/s/a.xml"},
			"q", 0,
			[]string{"w"},
			"denied w/l" + denied + "denied w/l.xml" + denied,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := plant(t, tt.tree...)
			open(t, root)
			check(t, os.Chmod(tt.close, tt.mode))
			t.Cleanup(func() { _ = os.Chmod(filepath.Join(root, tt.close), 0o755) })
			if got := asOther(t, tt.args...); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestHostDirsClosed(t *testing.T) {
	for _, tt := range []struct{ close, want string }{
		{"etc/libvirt", "etc/libvirt"}, // one line, not one for each driver
		{"etc/libvirt/qemu", "etc/libvirt/qemu"},
	} {
		root := plant(t, "etc/libvirt/qemu/a.xml")
		open(t, root)
		check(t, os.Chmod(tt.close, 0))
		t.Cleanup(func() { _ = os.Chmod(filepath.Join(root, tt.close), 0o755) })
		want := "denied " + filepath.Join(root, tt.want) +
			": permission denied: run as root, or use `virsh dumpxml NAME | virt-audit -`\n"
		if got := asOther(t, "host", root); got != want {
			t.Errorf("got  %swant %s", got, want)
		}
	}
}

// A FIFO without a writer, as a pattern of the shell may match it in a checkout.
func TestFIFOWithoutWriter(t *testing.T) {
	plant(t)
	check(t, syscall.Mkfifo("a.xml", 0o644))
	inTime(t, func() {
		f, err := openFIFO("a.xml", 50*time.Millisecond)
		if f != nil || !errors.Is(err, errNoWriter) {
			t.Errorf("got %v", err)
		}
	})
}

// Links that another user could put into a directory that root scans.
func TestHostileLinks(t *testing.T) {
	plant(t, "q/zero.xml -> /dev/zero", "q/kmsg.xml -> /proc/kmsg", "r/kmsg.save -> /proc/kmsg", "r/web.xml")
	inTime(t, func() {
		for dir, sources := range map[string][]string{"q": {"q/kmsg.xml", "q/zero.xml"}, "r": {"r/kmsg.save"}} {
			got := collected(t, []string{dir}, Options{})
			for _, source := range sources {
				if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "! "+source+": ") }) {
					t.Errorf("%s is not a problem: %q", source, got)
				}
			}
		}
	})
}

// A link of another user in a directory such as /tmp is not followed, neither as an argument nor in
// a directory.
func TestForeignLink(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make links of other users")
	}
	plant(t, "web.xml", "tmp/l.xml -> ../web.xml", "tmp/own.xml")
	check(t, os.Chmod("tmp", 0o777|fs.ModeSticky))
	check(t, os.Lchown("tmp/l.xml", 12345, 12345))
	for _, argument := range []string{"tmp", "tmp/l.xml", "tmp/l*.xml"} {
		got := collected(t, []string{argument}, Options{})
		if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "a link of another user") }) {
			t.Errorf("%s: %q", argument, got)
		}
	}
}
