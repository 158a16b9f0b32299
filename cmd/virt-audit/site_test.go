package main

import (
	"os"
	"path/filepath"
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

// written writes files into a folder of their own and returns it.
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

// TestUnknownHost: a rule of the site's that cannot do without the host is no pass where nothing is known
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
				t.Errorf("%s: nothing is said of what could not be evaluated:\n%s%s", f.Name, out, errOut)
			}
		}
	}
	r, _ := reported(t, filepath.Join(dir, "web.xml"), "--config", filepath.Join(dir, "site.yaml"))
	if d := r.Domains[0]; len(d.Findings) != 0 || len(d.NotEvaluated) != 1 || d.NotEvaluated[0].Rule != "site-host" {
		t.Errorf("%+v", d)
	}
}
