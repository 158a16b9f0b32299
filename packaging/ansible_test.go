package packaging_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/testdata/need"
)

// TestAnsible runs the example playbook where systemd runs: it installs, audits and judges the
// host; a second run changes nothing, and any fault of a host fails that host.
func TestAnsible(t *testing.T) {
	need.Programs(t, "ansible-playbook")
	s := newSpace(t, theRelease(t))
	furnish(s)
	put := func(name, text string) {
		t.Helper()
		cmd := s.command("sh", "-euc", `mkdir -p "${1%/*}"; cat >"$1"`, "sh", name)
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
	}
	put("/root/play/audit.yml", read(t, "packaging/ansible/audit.yml"))
	put("/root/play/hosts", "[hypervisors]\nrack4 ansible_connection=local ansible_python_interpreter=/usr/bin/python3\n")
	// play returns Ansible's output, and the counts of its last line.
	recap := regexp.MustCompile(`(?m)^rack4 +: ok=(\d+) +changed=(\d+) +unreachable=0 +failed=(\d+)`)
	play := func(args ...string) (out, changed, failed string) {
		t.Helper()
		out, _ = s.try(append([]string{
			"env", "-C", "/root/play", "ANSIBLE_NOCOWS=1", "ANSIBLE_PIPELINING=1", "ANSIBLE_RETRY_FILES_ENABLED=0", "LC_ALL=C.UTF-8",
			"ansible-playbook", "-i", "hosts", "audit.yml",
		}, args...)...)
		counts := recap.FindStringSubmatch(out)
		if counts == nil {
			t.Fatalf("Ansible did not play: %s", out)
		}
		return out, counts[2], counts[3]
	}
	const pkg, config = "virt_audit_package=/run/shared/virt-audit_1.2.3_amd64.deb", "virt_audit_config=site.yaml"

	// A preview changes nothing, and reports that virt-audit is not installed yet.
	before := s.changed()
	put("/root/play/site.yaml", "profiles: [baseline]\n")
	out, changed, failed := play("--check", "--diff", "-e", pkg, "-e", config)
	if failed != "1" || changed == "0" || !strings.Contains(out, "No such file or directory: b'virt-audit'") || !strings.Contains(out, "+profiles: [baseline]") {
		t.Errorf("a preview: changed=%s failed=%s %s", changed, failed, out)
	}
	if after := slices.DeleteFunc(s.changed(), func(name string) bool { return slices.Contains(before, name) || strings.HasPrefix(name, "./root/") }); len(after) > 0 {
		t.Errorf("a preview changes %s", after)
	}

	put("/root/play/site.yaml", "skip-default: []\n")
	out, changed, failed = play("-e", pkg, "-e", config)
	if failed != "1" || !strings.Contains(out, "unknown key") {
		t.Errorf("a configuration that is wrong is installed: changed=%s failed=%s %s", changed, failed, out)
	}
	put("/root/play/site.yaml", "profiles: [baseline]\n")
	out, changed, failed = play("-e", config) // with the package that is installed by now
	if changed == "0" || failed != "1" || !strings.Contains(out, "virt-audit exits with 1: there are findings") {
		t.Errorf("a host with findings: changed=%s failed=%s %s", changed, failed, out)
	}
	s.must("systemctl", "is-active", "virt-audit.timer")
	if got := s.must("cat", "/etc/virt-audit.yaml"); got != "profiles: [baseline]\n" {
		t.Errorf("the configuration of the host is %q", got)
	}
	var report struct{ Domains []struct{ Name string } }
	if err := json.Unmarshal([]byte(s.must("cat", "/root/play/reports/rack4.json")), &report); err != nil || len(report.Domains) != 3 {
		t.Errorf("the report of the host: %v, %d guests", err, len(report.Domains))
	}
	if page := s.must("cat", "/root/play/reports/rack4.html"); !strings.HasPrefix(page, "<!DOCTYPE html>") {
		t.Errorf("the page of the host is %.60q", page)
	}
	if left := s.shell("ls -d /tmp/virt-audit.* 2>/dev/null || :"); left != "" {
		t.Errorf("the play leaves %s", left)
	}

	// Only critical findings count, and there are none. Nothing has changed.
	if out, changed, failed = play("-e", pkg, "-e", config, "-e", "virt_audit_fail_on=critical"); changed != "0" || failed != "0" {
		t.Errorf("once more: changed=%s failed=%s %s", changed, failed, out)
	}
	put("/etc/libvirt/qemu/broken.xml", "<domain")
	if out, _, failed = play("--tags", "audit", "-e", "virt_audit_fail_on=critical"); failed != "1" || !strings.Contains(out, "exits with 4: some input could not be read") || !strings.Contains(out, "broken.xml") {
		t.Errorf("a document that cannot be read: failed=%s %s", failed, out)
	}
	if out, _, failed = play("--tags", "audit", "-e", `{"virt_audit_options": ["--profile=none"]}`); failed != "1" || !strings.Contains(out, "exits with 2") {
		t.Errorf("an option that is wrong: failed=%s %s", failed, out)
	}
	s.shell("rm -r /etc/libvirt/qemu/* /var/lib/libvirt/qemu")
	if out, _, failed = play("--tags", "audit"); failed != "1" || !strings.Contains(out, "exits with 3: no guest was audited") {
		t.Errorf("a host without guests: failed=%s %s", failed, out)
	}

	// Another directory for node_exporter, which already exists: the unit writes there until the
	// variable is removed.
	furnish(s)
	s.shell("install -d -m 2775 -g daemon /srv/metrics")
	if out, _, failed = play("--tags", "install", "-e", "virt_audit_textfiles=/srv/metrics"); failed != "0" {
		t.Errorf("another directory: failed=%s %s", failed, out)
	}
	if got := s.must("stat", "-c", "%a %G", "/srv/metrics"); got != "2775 daemon\n" {
		t.Errorf("the directory is %s now", got)
	}
	start(s)
	if prom := s.must("cat", "/srv/metrics/virt-audit.prom"); !strings.Contains(prom, "virt_audit_last_run_timestamp_seconds") {
		t.Errorf("the metrics in the other directory are %s", prom)
	}
	if out, changed, failed = play("--tags", "install"); failed != "0" || changed == "0" {
		t.Errorf("the default directory: changed=%s failed=%s %s", changed, failed, out)
	}
	if conf := s.must("systemctl", "cat", "virt-audit.service"); strings.Contains(conf, "/srv/metrics") {
		t.Errorf("the unit still is %s", conf)
	}
}
