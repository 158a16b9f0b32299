package collect

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// read reads the one document that an argument names.
func read(t *testing.T, arg string, o Options) ([]byte, error) {
	t.Helper()
	for d, err := range Find([]string{arg}, o) {
		if err != nil {
			return nil, err
		}
		return d.Read()
	}
	t.Fatalf("%s: nothing was collected", arg)
	return nil, nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type failing struct{}

func (failing) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: "/dev/x", Err: io.ErrUnexpectedEOF}
}

func TestSizeLimit(t *testing.T) {
	plant(t, "four", "huge.xml")
	check(t, os.Truncate("huge.xml", 1<<30)) // sparse: takes no space
	tests := []struct {
		name, arg string
		in        io.Reader
		max       int64
		want      string // error; none if empty
	}{
		{"at the limit", "four", nil, 4, ""},
		{"above", "four", nil, 3, "four: too large: 4 bytes, more than the limit of 3 bytes: raise it with --max-size"},
		{
			"a sparse gigabyte", "huge.xml", nil, 0,
			"huge.xml: too large: 1073741824 bytes (1 GiB), more than the limit of 16777216 bytes (16 MiB): raise it with --max-size",
		},
		{"the largest limit", "four", nil, math.MaxInt64, ""},
		{"stdin at the limit", "-", strings.NewReader("four"), 4, ""},
		{
			"stdin above", "-", strings.NewReader("four"), 3,
			"<stdin>: too large: more than the limit of 3 bytes: raise it with --max-size",
		},
		{
			"stdin without end", "-",
			zeros{},
			1536,
			"<stdin>: too large: more than the limit of 1536 bytes (1.5 KiB): raise it with --max-size",
		},
		{"stdin that fails", "-", failing{}, 0, "<stdin>: unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data, err := read(t, tt.arg, Options{Stdin: tt.in, MaxSize: tt.max})
			if tt.want != "" {
				if err == nil || err.Error() != tt.want {
					t.Errorf("got  %v\nwant %v", err, tt.want)
				}
			} else if err != nil || string(data) != "four" {
				t.Errorf("got %q, %v", data, err)
			}
		})
	}
}

func TestHugeFileCostsNothing(t *testing.T) {
	plant(t, "huge.xml")
	check(t, os.Truncate("huge.xml", 1<<30))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := read(t, "huge.xml", Options{}); !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("refusing a sparse gigabyte allocated %d bytes", got)
	}
}

func TestVanished(t *testing.T) {
	plant(t, "q/a.xml", "q/b.xml")
	var got []string
	for d, err := range Find([]string{"q"}, Options{}) {
		check(t, err)
		if d.Source == "q/a.xml" {
			check(t, os.Remove("q/a.xml"))
		}
		if _, err := d.Read(); err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v is not ErrNotExist", err)
			}
			got = append(got, err.Error())
			continue
		}
		got = append(got, d.Source)
	}
	want := []string{"q/a.xml: vanished before it was read: no such file or directory", "q/b.xml"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// changingFile is a file that change modifies just before the first read, after its size was read.
type changingFile struct {
	*os.File
	change func()
}

func (f *changingFile) Read(p []byte) (int, error) {
	if f.change != nil {
		f.change()
		f.change = nil
	}
	return f.File.Read(p)
}

func TestChangedWhileRead(t *testing.T) {
	const name = "web.xml"
	write := func(s string) error { return os.WriteFile(name, []byte(s), 0o644) }
	tests := []struct {
		name   string
		change func() error
		want   string // error; none if empty
	}{
		{"unchanged", func() error { return nil }, ""},
		{
			"truncated", func() error { return os.Truncate(name, 3) },
			"changed while being read: truncated from 7 to 3 bytes",
		},
		{
			"emptied", func() error { return os.Truncate(name, 0) },
			"changed while being read: truncated from 7 to 0 bytes",
		},
		{
			"grown", func() error { return write("web.xml and more") },
			"changed while being read: written to by another process",
		},
		{
			"rewritten in place", func() error { return write("WEB.XML") },
			"changed while being read: written to by another process",
		},
		{
			"grown beyond the limit", func() error { return os.Truncate(name, 1<<30) },
			"too large: more than the limit of 16777216 bytes (16 MiB): raise it with --max-size",
		},
		{
			"replaced, as libvirt does", func() error {
				if err := os.WriteFile("new", []byte("other"), 0o644); err != nil {
					return err
				}
				return os.Rename("new", name)
			}, "",
		},
		{"removed", func() error { return os.Remove(name) }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plant(t, name)
			// So that a change of the time shows on a file system with coarse timestamps.
			check(t, os.Chtimes(name, time.Time{}, time.Now().Add(-time.Hour)))
			f, err := os.Open(name)
			check(t, err)
			t.Cleanup(func() { _ = f.Close() })
			data, err := readRegular(&changingFile{f, func() { check(t, tt.change()) }}, DefaultMaxSize)
			if tt.want != "" {
				if err == nil || err.Error() != tt.want {
					t.Errorf("got %q, %v\nwant %v", data, err, tt.want)
				}
			} else if err != nil || string(data) != name {
				t.Errorf("got %q, %v", data, err)
			}
		})
	}
}

// failingFile is a file that returns an error from Stat or Read.
type failingFile struct {
	*os.File
	stats int // the number of calls of Stat that succeed
	read  bool
}

func (f *failingFile) Stat() (fs.FileInfo, error) {
	if f.stats--; f.stats < 0 {
		return nil, io.ErrNoProgress
	}
	return f.File.Stat()
}

func (f *failingFile) Read(p []byte) (int, error) {
	if f.read {
		return 0, io.ErrNoProgress
	}
	return f.File.Read(p)
}

func TestReadRegularFails(t *testing.T) {
	plant(t, "a.xml", "d/")
	for _, tt := range []struct {
		path string
		f    failingFile
		want error
	}{
		{"a.xml", failingFile{stats: 0}, io.ErrNoProgress},
		{"a.xml", failingFile{stats: 1}, io.ErrNoProgress},
		{"a.xml", failingFile{stats: 2, read: true}, io.ErrNoProgress},
		{"d", failingFile{stats: 2}, ErrNotFile}, // became a directory since it was found
		{"a.xml", failingFile{stats: 2}, nil},
	} {
		f, err := os.Open(tt.path)
		check(t, err)
		tt.f.File = f
		if _, err := readRegular(&tt.f, DefaultMaxSize); !errors.Is(err, tt.want) {
			t.Errorf("got %v, want %v", err, tt.want)
		}
		check(t, f.Close())
	}
}

// A file of proc has the size zero, and is read nevertheless.
func TestFileOfUnknownSize(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has /proc/version")
	}
	data, err := read(t, "/proc/version", Options{})
	if err != nil || !bytes.HasPrefix(data, []byte("Linux")) {
		t.Errorf("got %q, %v", data, err)
	}
}

func TestNotFile(t *testing.T) {
	for mode, want := range map[fs.FileMode]string{
		fs.ModeDir:                        "a directory named like a file, not a regular file: rename it, or name the files in it",
		fs.ModeNamedPipe:                  "a FIFO, not a regular file: it is read only if it is an argument itself",
		fs.ModeSocket:                     "a socket, not a regular file",
		fs.ModeDevice | fs.ModeCharDevice: "a character device, not a regular file",
		fs.ModeDevice:                     "a block device, not a regular file",
		fs.ModeIrregular:                  "not a regular file",
	} {
		if got := notFile(mode).Error(); got != want {
			t.Errorf("%v: got %q, want %q", mode, got, want)
		}
	}
}

func TestSocket(t *testing.T) {
	plant(t, "q/a.xml")
	for _, name := range []string{"q/s.xml", "q/monitor.sock"} {
		l, err := net.Listen("unix", name)
		check(t, err)
		t.Cleanup(func() { _ = l.Close() })
	}
	got := collected(t, []string{"q", "q/monitor.sock"}, Options{})
	want := []string{
		"q/a.xml",
		"! q/s.xml: a socket, not a regular file",
		"! q/monitor.sock: a socket, not a regular file",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
