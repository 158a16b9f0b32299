package edit

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// TestOrder has libvirt's own reader and writer, in its test driver, write the good fixtures, and compares the order of all elements with the table.
func TestOrder(t *testing.T) {
	need.Programs(t, "virsh")
	files, err := filepath.Glob("../../testdata/rules/*/good*.xml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	written := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text, ok := libvirtWrites(t, dir, data)
		if !ok {
			continue
		}
		written++
		d, err := domxml.Load(file, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		for parent := range d.Elements() {
			last := domxml.Element{}
			for e := range parent.All() {
				if n := rank(parent.Name, e.Name); n == unknown && orders[parent.Name] != nil {
					t.Errorf("%s: <%s> in <%s> is not in the table", file, e.Name, parent.Name)
				} else if last.Name != "" && n < rank(parent.Name, last.Name) && !assigned(parent) {
					t.Errorf("%s: <%s> comes after <%s> in <%s>", file, e.Name, last.Name, parent.Name)
				}
				last = e
			}
		}
	}
	t.Logf("libvirt wrote %d documents of %d", written, len(files))
	if written < 80 {
		t.Error("which is too few")
	}
}

// assigned reports whether an element is a network card of the host, which libvirt writes as a
// <hostdev>, with <driver> before <source>.
func assigned(e domxml.Element) bool {
	kind, _ := e.Attr("type")
	return e.Name == "interface" && kind == "hostdev"
}

// libvirtWrites returns what libvirt writes of a document after it has read it. ok is false if it
// does not accept the document.
func libvirtWrites(t *testing.T, dir string, data []byte) (text string, ok bool) {
	t.Helper()
	d, err := domxml.Load("a.xml", data)
	if err != nil || d.Wrapped() {
		return "", false
	}
	edits := []Edit{Set(domxml.At("@type"), "test"), Set(domxml.At("name"), "made"), Set(domxml.At("os/type@arch"), "i686")}
	if _, has := d.Attr(domxml.At("os/type@machine")); has {
		edits = append(edits, Remove(domxml.At("os/type@machine")))
	}
	out, err := Apply(d, edits)
	if err != nil {
		return "", false
	}
	file := filepath.Join(dir, "a.xml")
	if err := os.WriteFile(file, out, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(need.Path("virsh"), "-q", "-c", "test:///default", "define "+file+"; dumpxml --inactive --security-info made")
	cmd.Env = []string{"LC_ALL=C", "HOME=" + dir}
	got, err := cmd.Output()
	i := strings.Index(string(got), "<domain")
	return string(got[max(i, 0):]), err == nil && i >= 0
}
