package packaging_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/testdata/need"
)

// installed are the files and directories of the packages, with mode and owner.
var installed = strings.Fields(`
	/usr/bin/virt-audit:755:root:root
	/usr/lib/systemd/system/virt-audit.service:644:root:root
	/usr/lib/systemd/system/virt-audit.timer:644:root:root
	/usr/share/bash-completion/completions/virt-audit:644:root:root
	/usr/share/doc/virt-audit:755:root:root
	/usr/share/doc/virt-audit/README.md:644:root:root
	/usr/share/doc/virt-audit/changelog.gz:644:root:root
	/usr/share/doc/virt-audit/examples:755:root:root
	/usr/share/doc/virt-audit/examples/audit.yml:644:root:root
	/usr/share/doc/virt-audit/examples/virt-audit.rules.yml:644:root:root
	/usr/share/doc/virt-audit/examples/virt-audit.yaml:644:root:root
	/usr/share/fish/vendor_completions.d/virt-audit.fish:644:root:root
	/usr/share/man/man1/virt-audit.1.gz:644:root:root
`)

// managers are the package managers, and the files that only their packages contain.
var managers = []struct {
	name                          string
	install, upgrade, remove, own []string
	list                          string
}{
	{
		"deb",
		[]string{"dpkg", "--install", "/run/shared/virt-audit_1.2.3_amd64.deb"},
		[]string{"dpkg", "--install", "/run/shared/virt-audit_1.2.3_amd64.deb"},
		[]string{"dpkg", "--purge", "virt-audit"},
		[]string{
			"/usr/share/doc/virt-audit/copyright:644:root:root", "/usr/share/zsh/vendor-completions/_virt-audit:644:root:root",
		},
		"dpkg --listfiles virt-audit",
	},
	{
		"rpm",
		[]string{"rpm", "--install", "--nodeps", "/run/shared/virt-audit-1.2.3-1.x86_64.rpm"},
		[]string{"rpm", "--upgrade", "--replacepkgs", "--nodeps", "/run/shared/virt-audit-1.2.3-1.x86_64.rpm"},
		[]string{"rpm", "--erase", "--nodeps", "virt-audit"},
		[]string{
			"/usr/share/licenses/virt-audit:755:root:root", "/usr/share/licenses/virt-audit/LICENSE:644:root:root",
			"/usr/share/licenses/virt-audit/NOTICES:644:root:root", "/usr/share/zsh/site-functions/_virt-audit:644:root:root",
		},
		"rpm --query --list virt-audit",
	},
}

// TestInstall installs both packages where systemd runs, uses them, upgrades and removes them.
// Nothing is left.
func TestInstall(t *testing.T) {
	need.Programs(t, "rpm")
	need.Programs(t, "systemd-analyze")
	dir := theRelease(t)
	s := newSpace(t, dir)
	furnish(s)
	for _, m := range managers {
		t.Run(m.name, func(t *testing.T) {
			s := &space{t, s.init}
			before := s.changed()
			s.must(m.install...)

			want := append(slices.Clone(installed), m.own...)
			slices.Sort(want)
			got := strings.Fields(s.shell(m.list + ` | while read -r f; do
				case $f in */virt-audit | */virt-audit/* | */virt-audit.* | */_virt-audit) stat -c %n:%a:%U:%G "$f" ;; *) [ -d "$f" ] ;; esac
			done | sort`))
			if !slices.Equal(got, want) {
				t.Errorf("installed are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if got := s.must("virt-audit", "--version"); got != "virt-audit 1.2.3\n" {
				t.Errorf("--version prints %q", got)
			}
			if state, code := s.try("systemctl", "is-enabled", "virt-audit.timer"); code == 0 || strings.TrimSpace(state) != "disabled" {
				t.Errorf("the timer is %s at once", state)
			}
			s.must("systemd-analyze", "verify", "--man=no", "/usr/lib/systemd/system/virt-audit.service", "/usr/lib/systemd/system/virt-audit.timer")
			service(s)
			timer(s, m.upgrade)

			out := s.must(m.remove...)
			if !strings.Contains(out, "/etc/libvirt/hooks/qemu.d/virt-audit stays") {
				t.Errorf("the hook that stays is not reported: %s", out)
			}
			after := s.changed()
			if left := slices.DeleteFunc(after, func(name string) bool { return slices.Contains(before, name) }); len(left) > 0 {
				t.Errorf("what the package leaves: %s", left)
			}
			if out, code := s.try("systemctl", "cat", "virt-audit.timer"); code == 0 {
				t.Errorf("systemd still knows the timer: %s", out)
			}
		})
	}
}

// furnish makes the space a host with guests: files that only root may read, and files that root
// may read only with its capability; an image in a home directory that all users may read; a bridge
// with the default route.
func furnish(s *space) {
	s.tb.Helper()
	guest, err := os.ReadFile(filepath.Join(root, "testdata", "fleet", "web01.xml"))
	if err != nil {
		s.tb.Fatal(err)
	}
	xml := fmt.Sprintf(`<domain type='kvm'>
  <name>open</name>
  <memory>1048576</memory>
  <os><type arch='x86_64' machine='pc-q35-9.0'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'><source file='%s'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='disk'><source file='%s'/><target dev='vdb' bus='virtio'/></disk>
    <interface type='bridge'><source bridge='br0'/><model type='virtio'/></interface>
    <graphics type='vnc' port='-1' autoport='yes'/>
  </devices>
</domain>
`, "/home/user/open.img", "/tmp/open.img")
	for name, text := range map[string]string{"web01": string(guest), "open": xml} {
		cmd := s.command("sh", "-euc", `umask 077; mkdir -p /etc/libvirt/qemu; cat >"/etc/libvirt/qemu/$1.xml"`, "sh", name)
		cmd.Stdin = strings.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			s.tb.Fatalf("%v: %s", err, out)
		}
	}
	s.shell(`
		echo 'vnc_listen = "0.0.0.0"' >/etc/libvirt/qemu.conf
		chmod 600 /etc/libvirt/qemu.conf
		mkdir -p /var/lib/libvirt/qemu/snapshot/web01
		{ echo "<domainsnapshot><name>before</name>"; cat /etc/libvirt/qemu/web01.xml; echo "</domainsnapshot>"; } >/var/lib/libvirt/qemu/snapshot/web01/before.xml
		chmod -R go-rwx /var/lib/libvirt/qemu
		chown -R 64055:64055 /var/lib/libvirt/qemu
		mkdir -p /home/user /etc/libvirt/hooks/qemu.d /var/lib/prometheus/node-exporter
		echo >/home/user/open.img
		echo >/tmp/open.img
		printf '#!/bin/sh\n# virt-audit hook, form 1\n' >/etc/libvirt/hooks/qemu.d/virt-audit
		ip link show br0 >/dev/null 2>&1 || ip link add br0 type bridge
		ip address replace 192.0.2.1/24 dev br0
		ip link set br0 up
		ip route replace default via 192.0.2.2`)
}

// service runs the audit as systemd runs it, and compares the report with the one that root gets.
func service(s *space) {
	s.tb.Helper()
	const prom = "/var/lib/prometheus/node-exporter/virt-audit.prom"
	start(s)
	if got := s.must("stat", "-c", "%a %U", prom); got != "644 root\n" {
		s.tb.Errorf("the figures are %s, and node_exporter has to read them", got)
	}
	if out := s.must("cat", prom); !strings.Contains(out, "virt_audit_last_run_timestamp_seconds") {
		s.tb.Errorf("the figures are %s", out)
	}
	// The sandbox must not hide facts of the host.
	s.shell(`printf '%s\n' VIRT_AUDIT_FORMAT=json:` + filepath.Dir(prom) + `/sandboxed.json VIRT_AUDIT_PROFILE=multi-tenant SOURCE_DATE_EPOCH=1 >/etc/default/virt-audit`)
	start(s)
	inside := s.must("cat", filepath.Dir(prom)+"/sandboxed.json")
	outside, code := s.try("env", "VIRT_AUDIT_PROFILE=multi-tenant", "SOURCE_DATE_EPOCH=1", "virt-audit", "--format", "json")
	if code != 1 || inside != outside { // 1 is a success for the service
		s.tb.Errorf("the service reports\n%s\nroot gets (exit code %d)\n%s", inside, code, outside)
	}
	for _, want := range []string{"/home/user/open.img", "/tmp/open.img", "network-mgmt-bridge", "qemu.conf:1", "before.xml"} {
		if !strings.Contains(inside, want) {
			s.tb.Errorf("the service does not report %s", want)
		}
	}

	// Unreadable input fails the service, and so does a missing directory.
	s.shell(`echo '<domain' >/etc/libvirt/qemu/broken.xml; echo VIRT_AUDIT_FORMAT=text >/etc/default/virt-audit`)
	if out, code := s.try("systemctl", "start", "virt-audit.service"); code == 0 {
		s.tb.Errorf("the service succeeds with a document that it could not read: %s", out)
	}
	s.shell(`rm /etc/libvirt/qemu/broken.xml; echo VIRT_AUDIT_FORMAT=openmetrics:/var/lib/nowhere/a.prom >/etc/default/virt-audit`)
	if out, code := s.try("systemctl", "start", "virt-audit.service"); code == 0 {
		s.tb.Errorf("the service succeeds without a directory to write to: %s", out)
	}
	s.shell("rm /etc/default/virt-audit " + filepath.Dir(prom) + "/sandboxed.json")

	// The capabilities are those that the kernel reports for a process in the sandbox.
	s.shell(`mkdir -p /run/systemd/system/virt-audit.service.d
		printf '[Service]\nExecStart=\nExecStart=/bin/cat /proc/self/status\nNoExecPaths=\nExecPaths=\nStandardOutput=truncate:/run/status\n' >/run/systemd/system/virt-audit.service.d/show.conf
		systemctl daemon-reload`)
	start(s)
	s.shell(`rm -r /run/systemd/system/virt-audit.service.d
		systemctl daemon-reload`)
	status := s.must("cat", "/run/status")
	for _, want := range []string{"CapEff:\t0000000000000004\n", "CapBnd:\t0000000000000004\n", "NoNewPrivs:\t1\n", "Seccomp:\t2\n"} {
		if !strings.Contains(status, want) {
			s.tb.Errorf("the service does not run with %s%s", want, status)
		}
	}
}

// TestExposure asks systemd how much damage a compromised service could do: 10 is the maximum.
func TestExposure(t *testing.T) {
	need.Programs(t, "systemd-analyze")
	run(t, root, nil, "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=20", "packaging/systemd/virt-audit.service")
}

// start runs the service, which must succeed.
func start(s *space) {
	s.tb.Helper()
	if out, code := s.try("systemctl", "start", "virt-audit.service"); code != 0 {
		log, _ := s.try("systemctl", "status", "--no-pager", "--full", "virt-audit.service")
		s.tb.Fatalf("the service fails: %s%s", out, log)
	}
}

// timer enables the timer; an upgrade leaves it so.
func timer(s *space, upgrade []string) {
	s.tb.Helper()
	s.must("systemctl", "enable", "--now", "virt-audit.timer")
	if out := s.must("systemctl", "list-timers", "--no-legend", "virt-audit.timer"); !strings.Contains(out, "virt-audit.service") {
		s.tb.Errorf("the timer is not planned: %q", out)
	}
	s.must(upgrade...)
	if out, code := s.try("systemctl", "is-active", "virt-audit.timer"); code != 0 {
		s.tb.Errorf("after an upgrade the timer is %s", out)
	}
}
