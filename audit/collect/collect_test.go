package collect

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain lets the test binary collect as another user, see asOther.
func TestMain(m *testing.M) {
	if os.Getenv(otherEnv) != "" {
		printCollected(os.Stdout, os.Args[1:])
		return
	}
	m.Run()
}

const otherEnv = "COLLECT_TEST_AS_OTHER"

// plant creates a tree below a new directory and changes to it. An entry is a file with its own
// path as content, a directory if it ends in "/", or a link if it has the form "path -> target".
func plant(t *testing.T, entries ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, e := range entries {
		path, target, link := strings.Cut(e, " -> ")
		full := filepath.Join(root, path)
		check(t, os.MkdirAll(filepath.Dir(full), 0o755))
		switch {
		case link:
			check(t, os.Symlink(target, full))
		case strings.HasSuffix(path, "/"):
			check(t, os.MkdirAll(full, 0o755))
		default:
			check(t, os.WriteFile(full, []byte(path), 0o644))
		}
	}
	t.Chdir(root)
	return root
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// collected returns what a collection yields, one line each: "source", or "source = content" if
// they differ, or "! problem".
func collected(t *testing.T, args []string, o Options) []string {
	t.Helper()
	got := []string{}
	for d, err := range Find(args, o) {
		if err == nil {
			var data []byte
			data, err = d.Read()
			switch {
			case err != nil:
			case string(data) == d.Source:
				got = append(got, d.Source)
			default:
				got = append(got, d.Source+" = "+string(data))
			}
		}
		if err != nil {
			if p, ok := errors.AsType[*Problem](err); !ok || p.Source == "" {
				t.Errorf("not a Problem with a source: %#v", err)
			}
			got = append(got, "! "+err.Error())
		}
	}
	return got
}

// printCollected is what the test binary runs as another user.
func printCollected(w io.Writer, args []string) {
	if len(args) > 0 && args[0] == "host" {
		args = hostDirs(args[1], func(string) string { return "" })
	}
	for d, err := range Find(args, Options{}) {
		if err == nil {
			_, err = d.Read()
		}
		line := ""
		switch {
		case errors.Is(err, fs.ErrPermission):
			line = "denied " + err.Error()
		case err != nil:
			line = "! " + err.Error()
		default:
			line = d.Source
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			panic(err)
		}
	}
}

func TestAbsoluteAndRelativeAreOneDocument(t *testing.T) {
	root := plant(t, "q/a.xml")
	full := filepath.Join(root, "q", "a.xml")
	got := collected(t, []string{full, "q/a.xml", "q", root}, Options{})
	if want := []string{full + " = q/a.xml"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A shell that changed directory through a link has the link in $PWD, which os.Getwd returns.
func TestWorkingDirectoryThroughLink(t *testing.T) {
	root := plant(t, "q/a.xml", "l -> q")
	t.Chdir(filepath.Join(root, "l"))
	got := collected(t, []string{"a.xml", filepath.Join(root, "q")}, Options{})
	if want := []string{"a.xml = q/a.xml"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHardLinksAreTwoFiles(t *testing.T) {
	plant(t, "q/a.xml")
	check(t, os.Link("q/a.xml", "q/b.xml"))
	got := collected(t, []string{"q", "q/b.xml"}, Options{})
	if want := []string{"q/a.xml", "q/b.xml = q/a.xml"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestStdin(t *testing.T) {
	const in = "<domain/>"
	tests := []struct {
		name string
		args []string
		as   string
		want []string
	}{
		{"unnamed", []string{"-"}, "", []string{"<stdin> = " + in}},
		{"named", []string{"-"}, "web.xml", []string{"web.xml = " + in}},
		{"by path", []string{"/dev/stdin"}, "", []string{"/dev/stdin = " + in}},
		{"by path, named", []string{"/dev/stdin"}, "web.xml", []string{"web.xml = " + in}},
		{"by descriptor", []string{"/dev/fd/0"}, "", []string{"/dev/fd/0 = " + in}},
		{
			"twice, the collection continues",
			[]string{"-", "/proc/self/fd/0", "-", "a.xml"},
			"",
			[]string{
				"<stdin> = " + in,
				"! /proc/self/fd/0: standard input can be read only once",
				"! <stdin>: standard input can be read only once",
				"a.xml",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plant(t, "a.xml")
			got := collected(t, tt.args, Options{Stdin: strings.NewReader(in), StdinName: tt.as})
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	got := collected(t, []string{"-"}, Options{})
	if want := []string{"! <stdin>: there is no standard input"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A consumer that stops must not be called again, wherever it stops: the runtime panics if it is.
func TestStop(t *testing.T) {
	plant(t, "q/a.xml", "q/s/b.xml", "q/l.xml -> ../o/c.xml", "q/m -> ../p", "q/n.xml -> gone", "q/x.xml/",
		"q/z.xml -> /dev/null", "o/c.xml", "p/d.xml", "w1", "w2 -> gone", "w3.xml/")
	args := []string{"-", "-", "", "nope", "q", "w*", "none*", "w2"}
	o := Options{Stdin: &bytes.Buffer{}}
	all := count(Find(args, o), math.MaxInt)
	if all != 16 {
		t.Fatalf("yielded %d times, want 16", all)
	}
	for stop := 1; stop <= all; stop++ {
		count(Find(args, o), stop)
	}
}

// count returns the number of values that seq yields, and stops it at stop.
func count(seq iter.Seq2[*Document, error], stop int) int {
	n := 0
	for d, err := range seq {
		if (d == nil) == (err == nil) {
			panic("not one of document and problem")
		}
		if n++; n == stop {
			break
		}
	}
	return n
}

func TestIteratedTwice(t *testing.T) {
	plant(t, "a.xml")
	seq := Find([]string{"a.xml", "a.xml"}, Options{})
	for range 2 {
		if n := count(seq, math.MaxInt); n != 1 {
			t.Errorf("yielded %d documents, want 1", n)
		}
	}
}

func TestProblemUnwraps(t *testing.T) {
	plant(t, "d -> gone", "x.xml/", "big")
	for _, tt := range []struct {
		arg  string
		want error
	}{
		{"nope", fs.ErrNotExist},
		{"nope*", fs.ErrNotExist},
		{"[", filepath.ErrBadPattern},
		{"d", fs.ErrNotExist},
		{"x.xml", ErrNotFile},
		{"big", ErrTooLarge},
	} {
		for d, err := range Find([]string{tt.arg}, Options{MaxSize: 1}) {
			if err == nil {
				_, err = d.Read()
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("%s: %v does not wrap %v", tt.arg, err, tt.want)
			}
		}
	}
}
