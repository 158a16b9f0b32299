package audit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// onDisks reports each disk, and the whole guest.
var onDisks = &Rule{ID: "storage-x", Severity: Medium, Check: func(p *Pass) {
	for at := range Each("devices/disk", p.Devices.Disks) {
		p.Reportf(at, "disk")
	}
}}

var onBoundary = &Rule{ID: "boundary-x", Severity: Critical, Check: func(p *Pass) { p.Reportf(Path{}, "outside") }}

func waivedGuest(waivers string) string {
	return `<domain type='kvm'><name>web1</name><uuid>0f4c5d28-2f2f-4c39-9d43-2bb5d2b6e6f1</uuid><metadata>` + waivers + `</metadata><devices>
<disk><target dev='vda'/><alias name='ua-root'/><address type='pci' domain='0x0000' bus='0x04' slot='0x00' function='0x0'/></disk>
<disk><target dev='vdb'/></disk></devices></domain>`
}

// in wraps waivers as libvirt keeps them.
func in(waivers string) string {
	return `<va:audit xmlns:va="` + WaiverNamespace + `">` + waivers + `</va:audit>`
}

func TestDomainWaivers(t *testing.T) {
	today := time.Date(2026, 11, 24, 15, 0, 0, 0, time.Local)
	for _, test := range []struct {
		waivers string
		allow   DomainWaivers
		waived  int // of three findings
	}{
		{"", DomainWaivers{}, 0},
		{in(`<va:waive rule="storage-x">ok</va:waive>`), DomainWaivers{}, 2},
		{in(`<va:waive rule="storage-x" device="vdb">ok</va:waive>`), DomainWaivers{}, 1},
		{in(`<va:waive rule="storage-x" device="ua-root">ok</va:waive>`), DomainWaivers{}, 1},
		{in(`<va:waive rule="storage-x" device="0000:04:00.0">ok</va:waive>`), DomainWaivers{}, 1},
		{in(`<va:waive rule="storage-x" device="vdc">ok</va:waive>`), DomainWaivers{}, 0},
		{in(`<va:waive rule="storage-x" until="2026-11-24">ok</va:waive>`), DomainWaivers{}, 2},
		{in(`<va:waive rule="storage-x" until="2026-11-23">ok</va:waive>`), DomainWaivers{}, 0},
		{in(`<va:waive rule="storage-x">  <![CDATA[ok]]> </va:waive>`), DomainWaivers{}, 2},
		{in(`<va:waive rule="storage-x"> </va:waive>`), DomainWaivers{}, 0},
		{in(`<va:waive rule="storage-x"/>`), DomainWaivers{}, 0},
		{in(`<va:waive rule="storage-x" va:until="2029-01-01">ok</va:waive>`), DomainWaivers{}, 0},
		{in(`<waive rule="storage-x">ok</waive>`), DomainWaivers{}, 2},
		{`<audit><waive rule="storage-x">ok</waive></audit>`, DomainWaivers{}, 2},
		{`<audit xmlns="` + WaiverNamespace + `"><waive rule="storage-x">ok</waive></audit>`, DomainWaivers{}, 2},
		{`<audit xmlns="urn:other"><waive rule="storage-x">ok</waive></audit>`, DomainWaivers{}, 0},
		{in(`<va:waive rule="storage-x" device="">ok</va:waive>`), DomainWaivers{}, 0},
		{in(`<va:waive rule="storage-x" device=" ">ok</va:waive>`), DomainWaivers{}, 0},
		{in(`<va:waive rule="storage-x">&#x200b;&#x3164;</va:waive>`), DomainWaivers{}, 0},
		{in(`<va:waiver rule="storage-x">ok</va:waiver>`), DomainWaivers{}, 0},
		{in(`<va:Waive rule="storage-x">ok</va:Waive><va:waive rule="boundary-x">ok</va:waive>`), DomainWaivers{Boundary: true}, 1},
		{in(`<va:list><va:waive rule="storage-x">ok</va:waive></va:list>`), DomainWaivers{}, 0},
		{`<va:other xmlns:va="` + WaiverNamespace + `"/>` + in(`<va:waive rule="storage-x">ok</va:waive>`), DomainWaivers{}, 0},
		{`<waive xmlns="` + WaiverNamespace + `" rule="storage-x">ok</waive>` + in(`<va:waive rule="storage-x">ok</va:waive>`), DomainWaivers{}, 0},
		{`<x xmlns="urn:x">` + in("") + `</x>` + in(`<va:waive rule="storage-x">ok</va:waive>`), DomainWaivers{}, 2},
		{in("") + in(`<va:waive rule="storage-x">ok</va:waive>`), DomainWaivers{}, 0},
		{`<x xmlns="urn:x">` + in(`<va:waive rule="storage-x">ok</va:waive>`) + `</x>`, DomainWaivers{}, 0},
		{`<!-- ` + in(`<va:waive rule="storage-x">ok</va:waive>`) + ` -->`, DomainWaivers{}, 0},
		{in(`<va:waive rule="storage-x">ok</va:waive>`), DomainWaivers{Ignore: true}, 0},
		{in(`<va:waive rule="storage-x">ok</va:waive>`), DomainWaivers{Never: []string{"storage-*"}}, 0},
		{in(`<va:waive rule="boundary-x">ok</va:waive>`), DomainWaivers{}, 0},
		{in(`<va:waive rule="boundary-x">ok</va:waive>`), DomainWaivers{Boundary: true}, 1},
	} {
		d, err := domxml.Load("web1.xml", []byte(waivedGuest(test.waivers)))
		if err != nil {
			t.Fatal(err)
		}
		res := Run(d, &Settings{Rules: []*Rule{onDisks, onBoundary}, DomainWaivers: test.allow, Today: today})
		if len(res.Waived) != test.waived || len(res.Findings) != 3-test.waived {
			t.Errorf("%s with %+v: %d waived, %d not, want %d waived", test.waivers, test.allow, len(res.Waived), len(res.Findings), test.waived)
		}
		for _, w := range res.Waived {
			if w.Waiver.Reason != "ok" || w.Waiver.Pos.Line != 1 {
				t.Errorf("%s: reason %q at %v", test.waivers, w.Waiver.Reason, w.Waiver.Pos)
			}
		}
	}
}

// TestMisspelt reports elements that were meant as waivers.
func TestMisspelt(t *testing.T) {
	for text, want := range map[string]string{
		in(`<va:waiver rule="storage-x">ok</va:waiver>`):                        "[waiver>waive]",
		in(`<va:Waive rule="storage-x">ok</va:Waive>`):                          "[Waive>waive]",
		in(`<waiver>ok</waiver><o:note xmlns:o="urn:o"/>`):                      "[waiver>waive note>waive]",
		`<audit><waiver>ok</waiver></audit>`:                                    "[waiver>waive]",
		`<va:Audit xmlns:va="` + WaiverNamespace + `"/>`:                        "[Audit>audit]",
		`<o:x xmlns:o="urn:o" xmlns:va="` + WaiverNamespace + `"><va:y/></o:x>`: "[y>waive]",
		in(`<va:waive rule="storage-x">it is <b>ok</b></va:waive>`):             "[]",
		`<o:audit xmlns:o="urn:o"><o:log/></o:audit>`:                           "[]",
		in(""): "[]",
	} {
		d, err := domxml.Load("web1.xml", []byte(waivedGuest(text)))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range d.Waivers {
			if w.Rule == "" {
				_, name, _ := strings.Cut(w.Flaw, "<")
				name, hint, _ := strings.Cut(name, ">")
				_, hint, _ = strings.Cut(hint, "<")
				got = append(got, name+">"+strings.TrimSuffix(hint, ">?"))
			}
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", text, got, want)
		}
	}
}

// TestDomainsApart reads a document of two domains: the metadata of one does not apply to the
// other.
func TestDomainsApart(t *testing.T) {
	guest := waivedGuest(in(`<va:waive rule="storage-x">ok</va:waive>`))
	inactive := strings.NewReplacer("<domain", "<inactiveDomain", "</domain", "</inactiveDomain").Replace(guest)
	domains, err := domxml.LoadAll("s.xml", []byte("<domainsnapshot><name>s</name>"+guest+inactive+"</domainsnapshot>"))
	if err != nil || len(domains) != 2 {
		t.Fatalf("%d domains: %v", len(domains), err)
	}
	for _, d := range domains {
		if len(d.Waivers) != 1 || d.Waivers[0].WhyDropped != "" {
			t.Errorf("%+v", d.Waivers)
		}
	}
}

// TestWaiverOutsideMetadata puts a waiver where libvirt drops it.
func TestWaiverOutsideMetadata(t *testing.T) {
	text := strings.Replace(waivedGuest(""), "<devices>", "<devices>"+in(`<va:waive rule="storage-x">ok</va:waive>`), 1)
	d, err := domxml.Load("web1.xml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Waivers) != 1 || d.Waivers[0].WhyDropped == "" {
		t.Fatalf("waivers: %+v", d.Waivers)
	}
	if res := Run(d, &Settings{Rules: []*Rule{onDisks}}); len(res.Findings) != 2 {
		t.Errorf("%d findings", len(res.Findings))
	}
}

// unused reports whether a waiver had nothing to waive in any of the results.
func unused(w *Waiver, results ...*Result) bool {
	var sum WaiverUse
	for _, r := range results {
		for _, use := range r.WaiverUses {
			if use.Waiver == w {
				sum = sum.Plus(use)
			}
		}
	}
	return sum.Unused()
}

func TestSiteWaivers(t *testing.T) {
	for _, test := range []struct {
		w      *Waiver
		waived int
		unused bool
	}{
		{&Waiver{Rule: "storage-x"}, 2, false},
		{&Waiver{Rule: "storage-x", Domains: "web1"}, 2, false},
		{&Waiver{Rule: "storage-x", Domains: "web*"}, 2, false},
		{&Waiver{Rule: "storage-x", Domains: "0F4C5D28-2F2F-4C39-9D43-2BB5D2B6E6F1"}, 2, false},
		{&Waiver{Rule: "storage-x", Domains: "db*"}, 0, false},
		{&Waiver{Rule: "storage-x", Device: "vdz"}, 0, true},
		{&Waiver{Rule: "boundary-x"}, 1, false},
		{&Waiver{Rule: "not-run"}, 0, false},
	} {
		d, err := domxml.Load("web1.xml", []byte(waivedGuest("")))
		if err != nil {
			t.Fatal(err)
		}
		w := test.w
		res := Run(d, &Settings{Rules: []*Rule{onDisks, onBoundary}, Waivers: []*Waiver{w}})
		if len(res.Waived) != test.waived || unused(w, res) != test.unused {
			t.Errorf("%s of %q: %d waived, unused %t", w.Rule, w.Domains, len(res.Waived), unused(w, res))
		}
	}
}

// TestWaivedBelowMinimum waives a finding that the report omits: the waiver is not unused.
func TestWaivedBelowMinimum(t *testing.T) {
	d, err := domxml.Load("web1.xml", []byte(waivedGuest("")))
	if err != nil {
		t.Fatal(err)
	}
	w := &Waiver{Rule: "storage-x"}
	res := Run(d, &Settings{Rules: []*Rule{onDisks}, Waivers: []*Waiver{w}, Minimum: High})
	if len(res.Waived) != 0 || unused(w, res) {
		t.Errorf("%d waived, unused %t", len(res.Waived), unused(w, res))
	}
}

func TestSeverities(t *testing.T) {
	d, err := domxml.Load("web1.xml", []byte(waivedGuest("")))
	if err != nil {
		t.Fatal(err)
	}
	res := Run(d, &Settings{Rules: []*Rule{onDisks}, Severities: map[string]Severity{"storage-x": Critical}})
	for _, f := range res.Findings {
		if f.Severity != Critical {
			t.Errorf("severity %s", f.Severity)
		}
	}
}

func TestDeviceNames(t *testing.T) {
	const text = `<domain type='kvm'><name>a</name><devices>
<interface type='bridge'><mac address='52:54:00:12:34:56'/><model type='virtio'/><alias name='net0'/></interface>
<graphics type='vnc'/>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
<hostdev mode='subsystem' type='usb'><address type='usb' bus='1' port='3'/></hostdev>
<hostdev mode='subsystem' type='pci'><source><address domain='0x0000' bus='0x06' slot='0x02' function='0x0'/></source><alias name='hostdev1'/>
<address type='pci' domain='0x0000' bus='0x00' slot='0x05' function='0x0'/></hostdev>
<hostdev mode='subsystem' type='usb'><source><vendor id='0x1D6B'/><product id='2'/><address bus='1' device='4'/></source></hostdev>
<hostdev mode='subsystem' type='pci'><source><address bus='6' slot='2' function='1'/></source></hostdev>
<memballoon model='virtio'/>
</devices></domain>`
	d, err := domxml.Load("a.xml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{
		"devices/interface[1]/model@type": "[52:54:00:12:34:56 net0 bridge]",
		"devices/graphics[1]":             "[vnc]",
		"devices/channel":                 "[org.qemu.guest_agent.0 unix]",
		"devices/hostdev":                 "[1:3 usb]",
		"devices/hostdev[2]/source":       "[0000:06:02.0 hostdev1 pci]",
		"devices/hostdev[3]":              "[1d6b:0002 1.4 usb]",
		"devices/hostdev[4]":              "[0000:06:02.1 pci]",
		"devices/memballoon":              "[virtio]",
		"devices/disk[1]":                 "[]",
		"devices":                         "[]",
		"os/type":                         "[]",
	} {
		if got := fmt.Sprint(d.DeviceNames(At(at))); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
}
