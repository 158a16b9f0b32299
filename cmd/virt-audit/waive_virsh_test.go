package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/testdata/libvirtd"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// virshLine runs commands in one virsh: guests of the test driver live as long as it does.
func virshLine(t *testing.T, commands ...string) string {
	t.Helper()
	need.Programs(t, "virsh")
	out, err := exec.Command("virsh", "-q", "-c", "test:///default", strings.Join(commands, "; ")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", commands, err, out)
	}
	return string(out)
}

// waivable is a guest of QEMU's; the test driver takes guests of its own type alone, see testType.
const waivable = `<domain type='kvm'>
  <name>scratch</name>
  <uuid>6f2a1a34-6c5a-4f0e-9f6e-1c7f5a0b2d11</uuid>
  <memory unit='MiB'>64</memory>
  <os><type arch='x86_64'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'><driver name='qemu'/><source file='/srv/a'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='disk'><driver name='qemu'/><source file='/srv/b'/><target dev='vdb' bus='virtio'/></disk>
  </devices>
</domain>
`

const waivedRule = "storage-driver-type-missing"

// TestWaiverSurvivesLibvirt defines a waived guest with the real virsh, and audits what that dumps.
func TestWaiverSurvivesLibvirt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "scratch.xml")
	write(t, file, waivable)
	for _, device := range []string{"vda", "vdb"} {
		if _, errOut := typed(t, "waive", file, waivedRule, "--reason", `raw & "on purpose"`, "--device", device); !strings.Contains(errOut, "waived "+waivedRule) {
			t.Fatal(errOut)
		}
	}
	dumped := filepath.Join(t.TempDir(), "dumped.xml")
	out := virshLine(t, "define "+testType(t, file), "dumpxml scratch")
	write(t, dumped, strings.Replace(after(t, out, "<domain"), "type='test'", "type='kvm'", 1))
	for _, name := range []string{file, dumped} {
		out, errOut := typed(t, name, "--rule", waivedRule, "--show-waived")
		if !strings.Contains(out, "0 findings") || !strings.Contains(out, "2 waived") || !strings.Contains(out, `waived: raw & "on purpose"`) {
			t.Errorf("%s:\n%s%s", name, out, errOut)
		}
	}
}

// TestWaiverThroughVirsh types the command that waive prints into the real virsh.
func TestWaiverThroughVirsh(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "etc/libvirt/qemu/scratch.xml")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, file, waivable)
	command, errOut := typed(t, "waive", "--host-root", root, "scratch", waivedRule, "--reason", "it's raw; on purpose", "--until", "2099-01-01")
	rest, ok := strings.CutPrefix(strings.TrimSpace(command), "virsh ")
	if !ok {
		t.Fatalf("%s%s", command, errOut)
	}
	out := virshLine(t, "define "+testType(t, file), rest, "dumpxml scratch --inactive", "metadata scratch https://github.com/virt-audit/virt-audit/xmlns/1.0")
	domain, printed, ok := strings.Cut(after(t, out, "<domain"), "</domain>")
	if !ok {
		t.Fatal(out)
	}
	dumped := filepath.Join(root, "dumped.xml")
	write(t, dumped, strings.Replace(domain, "type='test'", "type='kvm'", 1)+"</domain>")
	report, _ := typed(t, dumped, "--rule", waivedRule, "--show-waived")
	if !strings.Contains(report, "2 waived") || !strings.Contains(report, "it's raw; on purpose (until 2099-01-01)") {
		t.Errorf("%s\n%s", report, domain)
	}

	// The form that virsh prints back counts too, though libvirt would not keep it so.
	bare := strings.Replace(waivable, "<memory", "<metadata>"+strings.TrimSpace(printed)+"</metadata><memory", 1)
	if strings.Contains(bare, "xmlns") || !strings.Contains(bare, "<waive ") {
		t.Fatalf("virsh prints another form: %s", printed)
	}
	write(t, dumped, bare)
	report, _ = typed(t, dumped, "--rule", waivedRule+",waiver-misplaced")
	if !strings.Contains(report, "2 waived") || !strings.Contains(report, "1 finding: 1 info") || !strings.Contains(report, "<audit> has no namespace") {
		t.Error(report)
	}
}

// TestWaiverForOneGuest prints no command that means another guest, or is not what it looks like.
func TestWaiverForOneGuest(t *testing.T) {
	for name, want := range map[string]string{
		"web":                                  "virsh metadata --domain=web ",
		"--all":                                "virsh metadata --domain='--all' ",
		"it's":                                 `virsh metadata --domain='it'\''s' `,
		"1":                                    "may mean another guest",
		"+12":                                  "may mean another guest",
		"6f2a1a34-6c5a-4f0e-9f6e-1c7f5a0b2d11": "may mean another guest",
		"a\u202eb":                             "do not print",
	} {
		out, errOut := typed(t, "waive", "--host-root", t.TempDir(), "--reason", "x", "--", name, waivedRule)
		if !strings.Contains(out+errOut, want) || strings.HasPrefix(want, "virsh") != (out != "") {
			t.Errorf("%q: %s%s", name, out, errOut)
		}
	}
	for _, reason := range []string{"a\u202eb", "\u200b", "\u3164", "\x1b[2J"} {
		if out, errOut := typed(t, "waive", "--host-root", t.TempDir(), "--reason", reason, "--", "web", waivedRule); out != "" || !strings.Contains(errOut, "reason") {
			t.Errorf("%q: %s%s", reason, out, errOut)
		}
	}
}

// testType returns a copy of a file for the test driver.
func testType(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "test.xml")
	write(t, name, strings.Replace(string(data), "type='kvm'", "type='test'", 1))
	return name
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// after returns the text from a word on.
func after(t *testing.T, text, word string) string {
	t.Helper()
	i := strings.Index(text, word)
	if i < 0 {
		t.Fatalf("there is no %q in %s", word, text)
	}
	return text[i:]
}

// TestWaiveLive asks a real libvirtd for the waivers that a guest has, and has it store one more.
func TestWaiveLive(t *testing.T) {
	d := libvirtd.Start(t, libvirtd.Options{})
	d.Define(libvirtd.Guest("web", "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/srv/a'/><target dev='vda' bus='virtio'/><shareable/></disk>"))
	d.MustVirsh("metadata", "web", "https://github.com/virt-audit/virt-audit/xmlns/1.0", "--key", "va", "--set", "<audit><waive rule='storage-driver-type-missing'>before</waive></audit>", "--config")
	command, errOut := typed(t, "waive", "-c", d.URI, "web", "storage-shareable", "--reason", "a cluster")
	_, set, ok := strings.Cut(command, "--set '")
	set, _, ok2 := strings.Cut(set, "'")
	if !ok || !ok2 || !strings.Contains(set, "before") {
		t.Fatalf("%s%s", command, errOut)
	}
	d.MustVirsh("metadata", "web", "https://github.com/virt-audit/virt-audit/xmlns/1.0", "--key", "va", "--set", set, "--config")
	report, _ := reported(t, "-c", d.URI, "--rule", waivedRule+",storage-shareable,waiver-unused")
	lines := report.lines()
	if len(lines) != 2 || !strings.Contains(lines[1], "waiver-unused storage-driver-type-missing has no finding") {
		t.Errorf("%q", lines)
	}
	if _, errOut := typed(t, "waive", "-c", d.URI, "absent", waivedRule, "--reason", "x"); !strings.Contains(errOut, "absent") {
		t.Error(errOut)
	}
}
