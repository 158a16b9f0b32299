package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/report"
)

// quiet is a guest that no rule of the baseline profile has anything to say of.
const quiet = `<domain type='kvm'>
  <name>web</name>
  <memory unit='KiB'>1048576</memory>
  <os><type arch='x86_64' machine='pc-q35-9.2'>hvm</type></os>
  <cpu mode='host-model'/>
</domain>
`

// written writes files into a directory of their own and returns it.
func written(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestUnknownHost: a custom rule that requires facts of the host does not pass if nothing is known
// of it, in no format; one that can do without is.
func TestUnknownHost(t *testing.T) {
	dir := written(t, map[string]string{"web.xml": quiet, "site.yaml": `rules:
- {id: site-host, severity: high, message: no TLS, expression: host.qemu_conf.vnc_tls}
- {id: site-guarded, severity: high, message: wrong host, expression: "!has(host.arch) || host.arch == 'aarch64'"}
`})
	for _, f := range report.Formats() {
		for _, rules := range []string{"site-host,site-guarded", ""} {
			args := []string{filepath.Join(dir, "web.xml"), "--config", filepath.Join(dir, "site.yaml"), "--format", f.Name}
			if rules != "" {
				args = append(args, "--rule", rules)
			}
			out, errOut := typed(t, args...)
			if text := strings.Join(strings.Fields(out), " "); !strings.Contains(text, "qemu.conf is not known") || errOut != "" {
				t.Errorf("%s: rules that were not evaluated are not listed:\n%s%s", f.Name, out, errOut)
			}
		}
	}
	r, _ := reported(t, filepath.Join(dir, "web.xml"), "--config", filepath.Join(dir, "site.yaml"))
	if d := r.Domains[0]; len(d.Findings) != 0 || len(d.NotEvaluated) != 1 || d.NotEvaluated[0].Rule != "site-host" {
		t.Errorf("%+v", d)
	}
}

// odd is a guest with an emulator, an image and a shared directory of the site, and a board for
// hardened alone.
const odd = `<domain type='kvm'>
  <name>odd</name>
  <memory unit='KiB'>1048576</memory>
  <os><type arch='x86_64' machine='pc-i440fx-9.2'>hvm</type></os>
  <cpu mode='host-model'/>
  <devices>
    <emulator>/srv/qemu/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/><source file='/etc/images/odd.raw'/><target dev='vda' bus='virtio'/>
    </disk>
    <filesystem type='mount' accessmode='mapped'><source dir='/home'/><target dir='share'/></filesystem>
  </devices>
</domain>
`

// TestSiteDecides compares findings with what a configuration states about rules, emulators and
// directories.
func TestSiteDecides(t *testing.T) {
	dir := written(t, map[string]string{"odd.xml": odd})
	const all = "confinement-emulator-custom sharing-fs-dangerous-path storage-sensitive-path"
	for _, c := range []struct{ text, want string }{
		{"", all},
		{"enable: [machine-i440fx]", "confinement-emulator-custom machine-i440fx sharing-fs-dangerous-path storage-sensitive-path"},
		{"enable: [machine-i440f*]\ndisable: [confinement-*]", "machine-i440fx sharing-fs-dangerous-path storage-sensitive-path"},
		{"enable: [machine-i440fx]\ndisable: [machine-*]", all},
		{"disable: [confinement-emulator-custom]", "sharing-fs-dangerous-path storage-sensitive-path"},
		{"allow: {emulators: [/srv/qemu/bin/qemu-system-x86_64]}", "sharing-fs-dangerous-path storage-sensitive-path"},
		{"allow: {emulators: [/srv/qemu/bin]}", all},
		{"allow: {emulators: [/srv/qemu/bin/qemu-system-i386], directories: [/srv/qemu]}", all},
		{"allow: {directories: [/etc/images]}", "confinement-emulator-custom sharing-fs-dangerous-path"},
		{"allow: {directories: [/etc/images/odd.raw]}", "confinement-emulator-custom sharing-fs-dangerous-path"},
		{"allow: {directories: [/etc/image]}", all},
		{"allow: {directories: [/home]}", "confinement-emulator-custom storage-sensitive-path"},
		{"allow: {directories: [/etc, /home], emulators: [/srv/qemu/bin/qemu-system-x86_64]}", ""},
	} {
		file := filepath.Join(dir, "site.yaml")
		if err := os.WriteFile(file, []byte(c.text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		r, errOut := reported(t, filepath.Join(dir, "odd.xml"), "--config", file)
		var got []string
		for _, f := range r.Domains[0].Findings {
			if f.Rule != "sharing-9p" { // which is about no directory in particular
				got = append(got, f.Rule)
			}
		}
		slices.Sort(got)
		if strings.Join(got, " ") != c.want || errOut != "" {
			t.Errorf("%s: %q, want %q\n%s", c.text, got, c.want, errOut)
		}
	}
}

// TestSiteListed: what the site states about a rule is shown in lists and explanations.
func TestSiteListed(t *testing.T) {
	dir := written(t, map[string]string{"site.yaml": `severity: {endpoint-vnc-public: info}
disable: [device-*]
rules:
- {id: site-a, severity: low, message: "no <tpm>", expression: "true"}
`})
	file := filepath.Join(dir, "site.yaml")
	for _, c := range []struct{ args, want, not string }{
		{"rules", "endpoint-vnc-public                info      ", "endpoint-vnc-public                critical"},
		{"rules", "(disabled on this site)\n", "VNC console is reachable from the network (disabled"},
		{"rules -f json", `"severity": "info"`, `"refs": null`},
		{"rules -f json", `"disabled": true`, "disabled on this site"},
		{"rules -f markdown", "(disabled on this site)", "Sources:."},
		{"rules -f markdown", "### site-a\n\n**low**: no &lt;tpm&gt;", "Sources: ."},
		{"explain endpoint-vnc-public", "On this site\n  severity info, instead of ", "disabled"},
		{"explain device-floppy", "On this site\n  disabled (" + file + ":2)\n", "severity"},
		{"explain site-a", "site-a  low", "On this site"},
	} {
		out := succeeds(t, append(strings.Fields(c.args), "--config", file)...)
		if !strings.Contains(out, c.want) || strings.Contains(out, c.not) {
			t.Errorf("%s: want %q and not %q\n%.3000s", c.args, c.want, c.not, out)
		}
	}
}
