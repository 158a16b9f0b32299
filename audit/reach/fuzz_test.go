package reach

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/hostpath"
)

// documents returns the XML files that the project tests with.
func documents(tb testing.TB) map[string][]byte {
	tb.Helper()
	out := map[string][]byte{}
	for _, pattern := range []string{"noise/*.xml", "rules/*/*.xml", "*.xml"} {
		files, err := filepath.Glob("../../testdata/" + pattern)
		if err != nil {
			tb.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				tb.Fatal(err)
			}
			out[file] = data
		}
	}
	if len(out) < 100 {
		tb.Fatalf("only %d documents", len(out))
	}
	return out
}

// check holds what is true of any resource.
func check(tb testing.TB, d *domxml.Domain) {
	tb.Helper()
	for _, r := range Of(d) {
		switch {
		case r.Name == "" || r.ID == "" || r.Opener == 0:
			tb.Errorf("%+v: incomplete", r)
		case r.Kind == Network && r.Endpoint == nil:
			tb.Errorf("%+v: no endpoint", r)
		case !d.Has(r.At):
			tb.Errorf("%+v: the document has no %s", r, r.At)
		case strings.HasPrefix(r.Name, "/") && (r.Kind == File || r.Kind == Directory) && hostpath.Opened(r.Name) != r.Name:
			tb.Errorf("%+v: not in normal form", r)
		}
		if r.Implied && strings.Contains(r.Name, "{") {
			tb.Errorf("%+v: not expanded", r)
		}
		Sensitive(r, d)
	}
}

// TestCorpus goes over the project's documents.
func TestCorpus(t *testing.T) {
	resources, unknown := 0, map[string]int{}
	for file, data := range documents(t) {
		d, err := domxml.Load(file, data)
		if err != nil {
			continue // written to be refused
		}
		check(t, d)
		for _, r := range Of(d) {
			resources++
			if r.Kind == Unknown {
				unknown[r.Name]++
			}
		}
	}
	t.Logf("resources: %d; unknown: %v", resources, unknown)
}

// FuzzOf holds that no document that can be read makes trouble.
func FuzzOf(f *testing.F) {
	for _, data := range documents(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := domxml.Load("fuzz.xml", data)
		if err != nil {
			return
		}
		check(t, d)
	})
}

// FuzzCommand holds the same of arguments.
func FuzzCommand(f *testing.F) {
	for _, seed := range []string{
		"-drive|file=json:{\"file\":{'filename':'x'}}", "-device|vfio-pci,host=1", "-serial|udp:@:", "-netdev|user,guestfwd=tcp:-", "-set|a.b.c=d",
		"-global|a.b=c", "-hda|nbd+unix:///?socket=", "-vnc|:", "-incoming|{}", "-audiodev|alsa,in.dev=file:'", "-usbdevice|host:",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b bytes.Buffer
		b.WriteString(`<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:commandline>`)
		for word := range strings.SplitSeq(text, "|") {
			fmt.Fprintf(&b, "<qemu:arg value='%s'/>", strings.NewReplacer("&", "&amp;", "<", "&lt;", "'", "&apos;").Replace(word))
		}
		b.WriteString(`</qemu:commandline></domain>`)
		d, err := domxml.Load("fuzz.xml", b.Bytes())
		if err != nil {
			return
		}
		check(t, d)
	})
}

// TestLinear holds that many devices, arguments and properties take time in proportion.
func TestLinear(t *testing.T) {
	measure := func(devices string, words []string) float64 {
		d := load(t, devices, words...)
		return testing.AllocsPerRun(1, func() { Of(d) })
	}
	for name, document := range map[string]func(n int) (string, []string){
		"disks": func(n int) (string, []string) {
			return strings.Repeat(`<disk type='file'><source file='/a'/></disk>`, n), nil
		},
		"options":    func(n int) (string, []string) { return "", slicesRepeat([]string{"-set", "drive.a.file=/b"}, n) },
		"properties": func(n int) (string, []string) { return "", []string{"-drive", "id=a" + strings.Repeat(",file=/a", n)} },
		"nodes": func(n int) (string, []string) {
			return "", []string{"-drive", "id=a" + strings.Repeat(",file.file.filename=/a", n)}
		},
		"steps": func(n int) (string, []string) {
			return "<disk type='file'><source file='" + strings.Repeat("/a/..", n) + "'/></disk>", nil
		},
	} {
		few, many := measure(document(500)), measure(document(5000))
		if many > 15*few+100 {
			t.Errorf("%s: ten times as many take %.0f allocations in place of %.0f", name, many, few)
		}
	}
}

func slicesRepeat(words []string, n int) []string {
	var out []string
	for range n {
		out = append(out, words...)
	}
	return out
}

func BenchmarkOf(b *testing.B) {
	for _, name := range []string{"windows11", "libvirt-live", "nova"} {
		data, err := os.ReadFile("../../testdata/noise/" + name + ".xml")
		if err != nil {
			b.Fatal(err)
		}
		b.Run("load/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := domxml.Load(name, data); err != nil {
					b.Fatal(err)
				}
			}
		})
		d, err := domxml.Load(name, data)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("of/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Of(d)
			}
		})
	}
}
