package domxml

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWaive adds a waiver to documents of different forms, and compares every byte.
func TestWaive(t *testing.T) {
	const ns = ` xmlns:va="` + WaiverNamespace + `"`
	w := &Waiver{Rule: "storage-x", Device: "vda", Until: time.Date(2027, 6, 30, 0, 0, 0, 0, time.Local), Reason: "scratch <b>\n & 'more'"}
	const element = `waive rule="storage-x" device="vda" until="2027-06-30">scratch &lt;b&gt; &amp; &apos;more&apos;</`
	const block = "    <va:audit" + ns + ">\n      <va:" + element + "va:waive>\n    </va:audit>\n"
	for name, test := range map[string]struct{ before, after string }{
		"as libvirt writes it": {
			"<domain type='kvm'>\n  <name>a</name>\n  <uuid>0f4c5d28-2f2f-4c39-9d43-2bb5d2b6e6f1</uuid>\n  <memory>1</memory>\n</domain>\n",
			"<domain type='kvm'>\n  <name>a</name>\n  <uuid>0f4c5d28-2f2f-4c39-9d43-2bb5d2b6e6f1</uuid>\n  <metadata>\n" + block + "  </metadata>\n  <memory>1</memory>\n</domain>\n",
		},
		"tabs and carriage returns": {
			"<domain type='kvm'>\r\n\t<name>a</name>\r\n</domain>",
			"<domain type='kvm'>\r\n\t<name>a</name>\r\n\t<metadata>\r\n\t\t<va:audit" + ns + ">\r\n\t\t\t<va:" + element + "va:waive>\r\n\t\t</va:audit>\r\n\t</metadata>\r\n</domain>",
		},
		"one line": {
			"<domain type='kvm'><memory>1</memory></domain>",
			"<domain type='kvm'><metadata><va:audit" + ns + "><va:" + element + "va:waive></va:audit></metadata><memory>1</memory></domain>",
		},
		"metadata of others": {
			"<domain type='kvm'>\n  <metadata>\n    <o:x xmlns:o='urn:o'/>\n  </metadata>\n</domain>",
			"<domain type='kvm'>\n  <metadata>\n    <o:x xmlns:o='urn:o'/>\n" + block + "  </metadata>\n</domain>",
		},
		"empty metadata": {
			"<domain type='kvm'>\n  <metadata/>\n</domain>",
			"<domain type='kvm'>\n  <metadata>\n" + block + "  </metadata>\n</domain>",
		},
		"waivers of another prefix": {
			"<domain type='kvm'>\n  <metadata>\n    <q:audit xmlns:q='" + WaiverNamespace + "'>\n      <q:waive rule='b-c'>r</q:waive>\n    </q:audit>\n  </metadata>\n</domain>",
			"<domain type='kvm'>\n  <metadata>\n    <q:audit xmlns:q='" + WaiverNamespace + "'>\n      <q:waive rule='b-c'>r</q:waive>\n      <q:" + element + "q:waive>\n    </q:audit>\n  </metadata>\n</domain>",
		},
		"default namespace, nothing inside": {
			"<domain type='kvm'>\n  <metadata>\n    <audit xmlns='" + WaiverNamespace + "'/>\n  </metadata>\n</domain>",
			"<domain type='kvm'>\n  <metadata>\n    <audit xmlns='" + WaiverNamespace + "'>\n      <" + element + "waive>\n    </audit>\n  </metadata>\n</domain>",
		},
		"the same rule and device": {
			"<domain type='kvm'>\n  <metadata>\n    <va:audit" + ns + "><va:waive rule='storage-x' device='vda' until='2020-01-01'>old <!-- ! --></va:waive><va:waive rule='storage-x'>all</va:waive></va:audit>\n  </metadata>\n</domain>",
			"<domain type='kvm'>\n  <metadata>\n    <va:audit" + ns + "><va:" + element + "va:waive><va:waive rule='storage-x'>all</va:waive></va:audit>\n  </metadata>\n</domain>",
		},
		"the prefix is taken": {
			"<domain type='kvm' xmlns:va='urn:other'>\n  <title>x</title>\n</domain>",
			"<domain type='kvm' xmlns:va='urn:other'>\n  <title>x</title>\n  <metadata>\n" + block + "  </metadata>\n</domain>",
		},
	} {
		d, err := Load("a.xml", []byte(test.before))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := d.Waive(w)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if string(got) != test.after {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, test.after)
		}
	}
}

// TestWaiveAfterOtherMetadata requires that a waiver is not added where libvirt would drop it.
func TestWaiveAfterOtherMetadata(t *testing.T) {
	for _, first := range []string{"<va:other xmlns:va='" + WaiverNamespace + "'/>", "<waive xmlns='" + WaiverNamespace + "' rule='a-b'>x</waive>"} {
		for _, then := range []string{"", `<va:audit xmlns:va="` + WaiverNamespace + `"/>`} {
			d, err := Load("a.xml", []byte("<domain type='kvm'><name>a</name><metadata>"+first+then+"</metadata></domain>"))
			if err != nil {
				t.Fatal(err)
			}
			if out, err := d.Waive(&Waiver{Rule: "storage-x", Reason: "why"}); err == nil {
				t.Errorf("%s%s: %s", first, then, out)
			}
		}
	}
}

// TestWaiveAnywhere adds a waiver to every fixture: only the one place changes.
func TestWaiveAnywhere(t *testing.T) {
	files, err := filepath.Glob("../../testdata/rules/*/*.xml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Load(file, data)
		if err != nil || d.Origin.Stated || filepath.Base(file) == "bad-other.xml" && strings.Contains(file, "waiver-misplaced") {
			continue // the last has another element in the place of waivers
		}
		out, err := d.Waive(&Waiver{Rule: "a-b", Reason: "why"})
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		at := 0
		for at < len(data) && data[at] == out[at] {
			at++
		}
		at += len(data[at:]) - len(bytes.TrimPrefix(data[at:], []byte("/"))) // of an empty element
		if added := len(out) - len(data); !bytes.Equal(data[at:], out[at+added:]) {
			t.Errorf("%s: more than one place changed", file)
		}
		if strings.Count(string(out), "a-b") != 1 {
			t.Errorf("%s: there is no waiver", file)
		}
	}
}

func TestWaiverText(t *testing.T) {
	old := []*Waiver{
		{Rule: "a-b", Reason: "x & y"}, {Rule: "a-b", Device: "vda", Reason: "gone"}, {Rule: "c-d", Flaw: "it gives no reason"}, {Rule: "e-f", Reason: "z", WhyDropped: "elsewhere"},
	}
	got := WaiverText(old, &Waiver{Rule: "a-b", Device: "vda", Reason: "new"})
	if want := `<audit><waive rule="a-b">x &amp; y</waive><waive rule="a-b" device="vda">new</waive></audit>`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
