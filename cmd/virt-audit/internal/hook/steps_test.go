package hook

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/rules"
	"github.com/virt-audit/virt-audit/testdata/libvirtd"
)

// The steps of TestHookAndLibvirtd, in order. Each begins where the one before has ended.

func (h *hooked) first() {
	h.status(1, "it is not there")
	out, code := h.hook("install " + allowTCG)
	if code != 0 || !strings.Contains(out, "was started before the script was there") {
		h.Errorf("hook install: %d\n%s", code, out)
	}
	h.status(1, "restart it")
	h.starts("rooted") // libvirt does not know of the hook yet: status was right
	h.Restart()
	h.status(0, "is active")
	h.status(0, "--refuse=critical --skip-rule=boundary-accel-tcg")
}

func (h *hooked) refuse() {
	h.refused([]string{"start", "rooted"},
		"virt-audit: guest 'rooted' may not start: 1 critical finding\n",
		"critical: label 'root:root' makes QEMU run as root (confinement-dac-root, at <seclabel> 1, <label>)\n",
		"\n  fix: ",
		"'virt-audit explain confinement-dac-root' describes the rule")
	h.wantLog("guest 'rooted' may not start: 1 critical finding; critical: label 'root:root'")
	h.starts("tame")

	h.install("") // the default
	h.status(0, "--refuse=outside,critical")
	h.refused([]string{"start", "tame"},
		"may not start: it is outside QEMU's security support boundary, 1 critical finding",
		"type 'qemu' is software emulation")
	if s := h.State("tame"); s != "shut off" {
		h.Errorf("a refused guest is %s", s)
	}
}

func (h *hooked) create() {
	h.install("--refuse=outside")
	h.refused([]string{"create", h.File("passing.xml", libvirtd.Guest("passing", ""))},
		"guest 'passing' may not start: it is outside", "boundary: type 'qemu' is software emulation (TCG)", "\n  fix: ")
}

// site: what the site lives with starts. What a guest waives for itself starts only with
// --domain-waivers, and never against the verdict.
func (h *hooked) site() {
	conf := h.Path("/etc/libvirt/site.yaml")
	waive := func(text string) {
		if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
			h.Fatal(err)
		}
	}
	waive("waivers: []\n")
	h.install("--refuse=outside,critical --domain-waivers --config=/etc/libvirt/site.yaml")
	h.refused([]string{"start", "tame"}, "it is outside QEMU's security support boundary")
	h.MustVirsh("metadata", "tame", domxml.WaiverNamespace, "--key", "va", "--set", "<audit><waive rule='boundary-accel-tcg'>mine</waive></audit>", "--config")
	h.refused([]string{"start", "tame"}, "it is outside QEMU's security support boundary")
	waive("waivers: [{rule: boundary-accel-tcg, domain: ta*, reason: a host without KVM}]\n")
	h.starts("tame")
	h.refused([]string{"start", "rooted"}, "it is outside QEMU's security support boundary", "label 'root:root'")
	h.MustVirsh("metadata", "rooted", domxml.WaiverNamespace, "--key", "va", "--set", "<audit><waive rule='confinement-dac-root'>mine</waive></audit>", "--config")
	waive("waivers: [{rule: boundary-accel-tcg, reason: a host without KVM}]\n")
	h.starts("rooted")
	h.install("--refuse=outside,critical --config=/etc/libvirt/site.yaml")
	h.refused([]string{"start", "rooted"}, "label 'root:root'")
	h.MustVirsh("metadata", "rooted", domxml.WaiverNamespace, "--remove", "--config")
	h.MustVirsh("metadata", "tame", domxml.WaiverNamespace, "--remove", "--config")

	// A configuration that is wrong lets no guest be judged.
	h.install("--fail-closed --config=/etc/libvirt/site.yaml")
	waive("waiver: []\n")
	h.refused([]string{"start", "tame"}, "site.yaml:1:1: unknown key")
}

// inherited: the cause of a finding may be in qemu.conf, which the hook reads as libvirt does.
func (h *hooked) inherited() {
	conf := h.Path("/etc/libvirt/qemu.conf")
	before, err := os.ReadFile(conf)
	if err != nil {
		h.Fatal(err)
	}
	h.Define(libvirtd.Guest("screen", "<graphics type='vnc'/><video><model type='vga'/></video>"))
	h.install("--refuse=endpoint-vnc-public")
	h.starts("screen")
	if err := os.WriteFile(conf, append(before, "vnc_listen = \"0.0.0.0\"\n"...), 0o644); err != nil {
		h.Fatal(err)
	}
	h.refused([]string{"start", "screen"}, "guest 'screen' may not start: 1 high finding", "qemu.conf", "endpoint-vnc-public")
	if err := os.WriteFile(conf, before, 0o644); err != nil {
		h.Fatal(err)
	}
}

// restore: what runs can be saved, and comes back when the hook allows it. The password is in the
// saved XML alone, and must not make a difference.
func (h *hooked) restore() {
	h.Define(libvirtd.Guest("saved", "<graphics type='vnc' passwd='canary'/><video><model type='vga'/></video>"))
	for _, kind := range []struct{ save, restore []string }{
		{[]string{"managedsave", "saved"}, []string{"start", "saved"}},
		{[]string{"save", "saved", "/var/lib/libvirt/saved.img"}, []string{"restore", "/var/lib/libvirt/saved.img"}},
	} {
		h.install("--refuse=medium --skip-rule=boundary-accel-tcg,confinement-no-mac-host")
		h.MustVirsh("start", "saved")
		h.MustVirsh(kind.save...)
		h.install("--refuse=outside")
		h.refused(kind.restore, "guest 'saved' may not be restored: it is outside")
		h.install("--refuse=medium --skip-rule=boundary-accel-tcg,confinement-no-mac-host")
		h.MustVirsh(kind.restore...)
		if s := h.State("saved"); s != "running" {
			h.Errorf("a restored guest is %s", s)
		}
		h.MustVirsh("destroy", "saved")
	}
}

// logOnly starts a guest that is refused otherwise; it then outlives an upgrade and a crash of the
// daemon.
func (h *hooked) logOnly() {
	h.install("--log-only --fail-closed")
	h.MustVirsh("start", "rooted")
	h.wantLog("log only: guest 'rooted' may not start: it is outside")

	h.install("--fail-closed --refuse=outside,info")
	h.Restart()
	h.status(0, "is active")
	if s := h.State("rooted"); s != "running" {
		h.Errorf("after a restart of the daemon, the guest is %s", s)
	}
	// A daemon that ends while it still connects to the guest again loses the guest: this waits for
	// the connection.
	h.MustVirsh("qemu-monitor-command", "rooted", "--hmp", "info status")
	h.Kill()
	h.Start()
	if s := h.State("rooted"); s != "running" {
		h.Errorf("after a crash of the daemon, the guest is %s", s)
	}
	h.MustVirsh("destroy", "rooted")
}

func (h *hooked) broken() {
	script := h.Path("/etc/libvirt/hooks/qemu.d/50-virt-audit")
	for _, failClosed := range []bool{false, true} {
		if failClosed {
			h.install("--fail-closed")
		} else {
			h.install("")
		}
		for ended, program := range map[string]string{
			"status 127": "",
			"status 139": "#!/bin/sh\nkill -SEGV $$\n",
			"status 2":   "#!/bin/sh\necho '<domain/>'\nexit 2\n",
		} {
			if err := os.Rename(h.program, h.program+".good"); err != nil {
				h.Fatal(err)
			}
			if program != "" {
				if err := os.WriteFile(h.program, []byte(program), 0o755); err != nil {
					h.Fatal(err)
				}
			}
			if failClosed {
				h.refused([]string{"start", "rooted"}, "virt-audit: guest 'rooted' cannot be judged, virt-audit ended with "+ended+": the guest is refused (--fail-closed)")
			} else {
				h.starts("rooted")
			}
			if err := os.Rename(h.program+".good", h.program); err != nil {
				h.Fatal(err)
			}
		}
		// virt-audit itself cannot judge: its policy is missing.
		policy := filepath.Join(h.Dir, "policy.yaml")
		text, err := os.ReadFile("../../../../audit/policy/qemu-10.2.yaml")
		if err != nil {
			h.Fatal(err)
		}
		if err := os.WriteFile(policy, bytes.Replace(text, []byte("qemu-10.2"), []byte("ours"), 1), 0o644); err != nil {
			h.Fatal(err)
		}
		h.install(fmt.Sprintf("--fail-closed=%v --policy=%s", failClosed, policy))
		h.refused([]string{"start", "tame"}, "outside")
		if err := os.Remove(policy); err != nil {
			h.Fatal(err)
		}
		if failClosed {
			h.refused([]string{"start", "tame"}, "guest 'tame' may not start, because it cannot be judged", "policy.yaml")
		} else {
			h.starts("tame")
			h.wantLog("guest 'tame' is let through, because it cannot be judged")
		}
	}
	h.install("")
	data, err := os.ReadFile(script)
	if err != nil {
		h.Fatal(err)
	}
	if err := os.WriteFile(script, []byte(strings.Replace(string(data), h.program, h.program+"-gone", 1)), 0o755); err != nil {
		h.Fatal(err)
	}
	h.status(1, "the executable is missing")
}

func (h *hooked) notExecutable() {
	h.install("")
	script := h.Path("/etc/libvirt/hooks/qemu.d/50-virt-audit")
	if err := os.Chmod(script, 0o644); err != nil {
		h.Fatal(err)
	}
	h.starts("tame") // libvirt skips it without a message
	h.status(1, "it is not executable, and libvirt starts guests without it")
	h.install("")
	h.refused([]string{"start", "tame"}, "outside")
	h.status(1, "restart it") // that the daemon knows of hooks since before cannot be seen any more
	h.Restart()
	h.status(0, "is active")
}

// same has libvirt show guests to a hook, and compares what we find in that with what we find in
// the definition. Of the documents of the rules those are taken that libvirt changes when it starts
// a guest.
func (h *hooked) same() {
	seen := h.Path("/run/seen.xml")
	capture := h.Path("/etc/libvirt/hooks/qemu.d/10-capture")
	if err := os.WriteFile(capture, []byte("#!/bin/sh\n[ $2 != prepare ] || cat >/run/seen.xml\n[ $2 != prepare ]\n"), 0o755); err != nil {
		h.Fatal(err)
	}
	defer func() { _ = os.Remove(capture) }()
	var files []string
	for _, group := range []string{"cpu", "confinement", "endpoint"} {
		found, err := filepath.Glob("../../../../testdata/rules/" + group + "-*/bad*.xml")
		if err != nil {
			h.Fatal(err)
		}
		files = append(files, found...)
	}
	version := regexp.MustCompile(`'pc-(q35|i440fx)-[0-9.]+'`)
	own := regexp.MustCompile(`<emulator>.*?</emulator>|<uuid>.*?</uuid>|<name>.*?</name>`)
	all := &audit.Settings{Rules: rules.All()}
	compared := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			h.Fatal(err)
		}
		if bytes.Contains(text, []byte("' id='")) {
			continue // of a guest that runs: its definition differs
		}
		doc := own.ReplaceAllString(version.ReplaceAllString(string(text), "'q35'"), "")
		doc = strings.Replace(doc, "<memory", "<name>seen</name><memory", 1)
		doc = strings.Replace(doc, "<domain type='kvm'", "<domain type='qemu'", 1)
		if _, err := h.Virsh("define", h.File("seen.xml", doc)); err != nil {
			continue // not with this QEMU
		}
		stored := h.MustVirsh("dumpxml", "--inactive", "seen")
		_ = os.Remove(seen)
		_, _ = h.Virsh("start", "seen")
		h.MustVirsh("undefine", "seen", "--nvram")
		data, err := os.ReadFile(seen)
		if err != nil {
			continue // it did not come as far as the hook
		}
		got, err := judge(bytes.NewReader(data), 1<<20, opPrepare, all)
		if err != nil {
			h.Errorf("%s: %v", file, err)
			continue
		}
		d, err := domxml.Load(file, []byte(stored))
		if err != nil {
			h.Fatal(err)
		}
		if want := verdictText(audit.Run(d, all)); verdictText(got) != want {
			h.Errorf("%s: in the definition\n%sin the hook\n%s", file, want, verdictText(got))
		}
		compared++
	}
	if h.Logf("%d of %d documents compared", compared, len(files)); compared < 20 {
		h.Error("too few")
	}
}

// odd: a guest may have the name of a subcommand; and the hook need not read all of its input.
func (h *hooked) odd() {
	h.install("--refuse=outside")
	for _, name := range []string{"install", "status", "uninstall", "--help"} {
		h.refused([]string{"create", h.File("odd.xml", libvirtd.Guest(name, ""))}, "guest '"+name+"' may not start")
	}
	h.status(0, "is active")
	h.install(allowTCG)
	note := "<metadata><a:note xmlns:a='urn:a'>" + strings.Repeat("all work and no play ", 50_000) + "</a:note></metadata>"
	h.Define(strings.Replace(libvirtd.Guest("large", ""), "<vcpu>", note+"<vcpu>", 1))
	h.MustVirsh("start", "large")
	h.Restart()
	if s := h.State("large"); s != "running" {
		h.Errorf("after a restart of the daemon, the guest is %s", s)
	}
	h.MustVirsh("destroy", "large")
}

// unjudged: a guest that cannot be judged because of its XML does not start. A user who may define
// a guest can make its XML as large as he likes: each piece of metadata has up to 4 MiB.
func (h *hooked) unjudged() {
	h.install("--refuse=outside")
	h.Define(libvirtd.Guest("stuffed", ""))
	for i := range 5 {
		h.metadata("stuffed", i, 3_900_000)
	}
	start := time.Now()
	h.refused([]string{"start", "stuffed"}, "guest 'stuffed' may not start: it is outside QEMU's security support boundary")
	h.Logf("a guest with 19 MB of XML is judged within %.1f s", time.Since(start).Seconds())
	for i := range 4 {
		h.metadata("stuffed", 5+i, 3_900_000)
	}
	h.refused([]string{"start", "stuffed"}, "guest 'stuffed' may not start, because it cannot be judged: the XML is larger than 33554432 bytes")
	h.install("--refuse=outside --timeout=1ms --max-size=64M")
	h.refused([]string{"start", "stuffed"}, "guest 'stuffed' may not start, because it cannot be judged: no verdict after 1ms")
	h.install("--refuse=outside --allow-unreadable")
	h.starts("stuffed")
	h.wantLog("guest 'stuffed' is let through, because it cannot be judged: the XML is larger")
	h.MustVirsh("undefine", "stuffed")
}

// metadata sets one piece of a guest's metadata by the editor that virsh calls: no argument may be
// so long.
func (h *hooked) metadata(guest string, n, size int) {
	h.Helper()
	piece := h.File("piece.xml", "<n>"+strings.Repeat("x", size)+"</n>")
	cmd := exec.Command("virsh", "-q", "-c", h.URI, "metadata", guest, fmt.Sprintf("urn:piece:%d", n), "--key", fmt.Sprintf("n%d", n), "--edit", "--config")
	cmd.Env = append(os.Environ(), "LC_ALL=C", "EDITOR=cp "+piece)
	if out, err := cmd.CombinedOutput(); err != nil {
		h.Fatalf("virsh metadata: %v\n%s", err, out)
	}
}

func (h *hooked) uninstalled() {
	if out, code := h.hook("uninstall"); code != 0 || !strings.Contains(out, "removed") {
		h.Errorf("hook uninstall: %d\n%s", code, out)
	}
	h.starts("rooted")
	h.status(1, "it is not there")
}
