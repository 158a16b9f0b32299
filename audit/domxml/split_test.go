package domxml_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

func TestSplit(t *testing.T) {
	const header = "<!-- AUTO-GENERATED FILE -->\n"
	one := func(name string) string { return strings.Replace(body, "web", name, 1) }
	for name, c := range map[string]struct {
		stream string
		want   string // names of the guests with the line of each, "!" for a part that is refused
	}{
		"one":                   {one("a"), "a:2"},
		"two":                   {one("a") + "\n" + one("b"), "a:2 b:18"},
		"on one line":           {strings.ReplaceAll(one("a")+one("b"), "\n", ""), "a:1 b:1"},
		"with declarations":     {"<?xml version='1.0'?>\n" + one("a") + "\n<?xml version='1.0'?>\n" + one("b"), "a:3 b:20"},
		"with headers":          {header + one("a") + header + one("b") + header, "a:3 b:19"},
		"status":                {status + one("a") + "</domstatus>\n" + one("b"), "a:6 b:22"},
		"another kind between":  {one("a") + "<network><name>n</name></network>\n" + one("b"), "a:2 - b:18"},
		"truncated between":     {one("a") + one("x")[:100] + "\n" + one("b"), "a:2 ! b:23"},
		"crossed between":       {one("a") + "<domain type='kvm'></x>\n" + one("b"), "a:2 ! b:18"},
		"text between":          {one("a") + "error: no such guest\n" + one("b"), "a:2 ! b:18"},
		"text after":            {one("a") + "x", "!"},
		"end tag after":         {one("a") + "</domain>", "!"},
		"comment after":         {one("a") + "<!-- x -->", "a:2"},
		"bad one first":         {"<domain type='KVM'/>\n" + one("b"), "! b:3"},
		"DOCTYPE first":         {"<!DOCTYPE x>\n" + one("a") + one("b"), "! a:3 b:18"},
		"text first":            {"error: x\n" + one("a"), "! a:3"},
		"empty":                 {"", "!"},
		"blank":                 {" \n", "!"},
		"metadata with domains": {strings.Replace(one("a"), "<os>", "<metadata><x xmlns='urn:x'>\n<domain type='kvm'/>\n</x></metadata><os>", 1) + one("b"), "a:2 b:19"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			parts := domxml.Split([]byte(c.stream))
			var joined strings.Builder
			for _, part := range parts {
				joined.Write(part.Data)
				domains, err := domxml.LoadPart("s", part)
				switch {
				case err == nil:
					d := domains[0]
					pos := d.Pos(domxml.At("name"))
					got = append(got, fmt.Sprintf("%s:%d", d.Name, pos.Line))
					if line := strings.Split(c.stream, "\n")[pos.Line-1]; !strings.HasPrefix(line[pos.Column-1:], "<name>"+d.Name) {
						t.Errorf("%s is not at %+v", d.Name, pos)
					}
				case strings.HasSuffix(err.Error(), "<network>"):
					got = append(got, "-")
				default:
					got = append(got, "!")
				}
			}
			if joined.String() != c.stream {
				t.Error("the parts are not the stream")
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got %s, want %s", s, c.want)
			}
		})
	}
}

// TestSplitPlace reports an error in the second document of a stream, on the line where the first
// ends.
func TestSplitPlace(t *testing.T) {
	parts := domxml.Split([]byte("<domain type='kvm'/>\n<domain type='kvm'/> <domain type='KVM'/>"))
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	if _, err := domxml.LoadPart("s", parts[2]); err == nil || !strings.HasPrefix(err.Error(), "s:2:30: unknown domain type") {
		t.Error(err)
	}
}

// TestSplitWork splits streams in which no document ends: the work must not be quadratic.
func TestSplitWork(t *testing.T) {
	stream := []byte(strings.Repeat("<domain type='kvm'>\n", 200_000))
	if n := len(domxml.Split(stream)); n != 200_000 {
		t.Errorf("%d parts", n)
	}
}

// FuzzSplit splits streams: no part of a stream is lost, and every part can be read or is refused.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(body + "\n" + status + body + "</domstatus>\n<!-- x -->\n" + body[:100] + "\n" + body))
	f.Add([]byte("error: x\n<domain type='kvm'/> <domain/>x\n<?xml version='1.0'?><domain type='qemu'/>"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		var joined []byte
		for _, part := range domxml.Split(stream) {
			joined = append(joined, part.Data...)
			_, _ = domxml.LoadPart("s", part)
		}
		if !bytes.Equal(joined, stream) {
			t.Errorf("the parts of %q are %q", stream, joined)
		}
	})
}
