package audit

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// withoutPassword reports each console, and could report more if the document contained passwords.
var withoutPassword = &Rule{ID: "endpoint-x", Severity: High, Check: func(p *Pass) {
	for at := range Each("devices/graphics", p.Devices.Graphics) {
		p.Reportf(at, "console")
	}
	p.Unknown(NeedSecrets)
}}

// TestWaiverUnused tests waivers of a rule that lacked an input: it could not find more at a device
// that does not exist, or at one of another kind.
func TestWaiverUnused(t *testing.T) {
	const consoles = "<graphics type='vnc'/><graphics type='spice'/>"
	for _, test := range []struct {
		devices, device string
		evaluated       bool
	}{
		{consoles, "", true},
		{consoles, "vnc", false}, // the waiver is used
		{consoles, "vda", true},
		{"<disk><target dev='vda'/></disk>" + consoles, "vda", true},
		{"<disk><target dev='vda'/></disk>", "vda", false},
		{"<disk><target dev='vda'/></disk>", "vdb", true},
		{"<disk><target dev='vda'/></disk>", "", false},
		{"", "vda", true},
	} {
		head, _, _ := strings.Cut(waivedGuest(""), "<devices>")
		text := head + "<devices>" + test.devices + "</devices></domain>"
		d, err := domxml.Load("web1.xml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		w := &Waiver{Rule: "endpoint-x", Device: test.device}
		res := Run(d, &Settings{Rules: []*Rule{withoutPassword}, Waivers: []*Waiver{w}})
		if unused(w, res) != (test.evaluated && len(res.Waived) == 0) {
			t.Errorf("%q at %q: unused %t, %d waived", test.devices, test.device, unused(w, res), len(res.Waived))
		}
	}
}

// TestWaiverOpenElsewhere audits a guest for which the rule is evaluated and one for which it is
// not: the waiver may be for the second.
func TestWaiverOpenElsewhere(t *testing.T) {
	lacking := true
	sometimes := &Rule{ID: "endpoint-y", Check: func(p *Pass) {
		if lacking {
			p.Unknown(NeedSecrets)
		}
	}}
	w := &Waiver{Rule: "endpoint-y"}
	var results []*Result
	for range 2 {
		d, err := domxml.Load("web1.xml", []byte(waivedGuest("")))
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, Run(d, &Settings{Rules: []*Rule{sometimes}, Waivers: []*Waiver{w}}))
		lacking = false
	}
	if unused(w, results...) {
		t.Error("the waiver is reported as unused")
	}
}

// TestWaiveWaiverFindings has the site, and the guest itself, waive findings about the guest's
// waivers.
func TestWaiveWaiverFindings(t *testing.T) {
	about := &Rule{ID: "waiver-x", Severity: Low, Phase: AfterWaivers, Check: func(p *Pass) {
		for _, w := range p.Waivers {
			p.ReportWaiver(w, "a waiver")
		}
	}}
	d, err := domxml.Load("web1.xml", []byte(waivedGuest(in(`<va:waive rule="storage-x">ok</va:waive><va:waive rule="waiver-x">ok</va:waive>`))))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		site   []*Waiver
		waived int // of two findings
	}{
		{nil, 0},
		{[]*Waiver{{Rule: "waiver-x"}}, 2},
		{[]*Waiver{{Rule: "waiver-x", Domains: "db*"}}, 0},
	} {
		res := Run(d, &Settings{Rules: []*Rule{onDisks, about}, Waivers: test.site})
		waived := slices.DeleteFunc(res.Waived, func(w Waived) bool { return w.Rule != about })
		if len(waived) != test.waived || len(res.Findings) != 2-test.waived {
			t.Errorf("%d waived, %d not", len(waived), len(res.Findings))
		}
		for _, w := range test.site {
			if unused(w, res) != (test.waived == 0 && w.Domains == "") {
				t.Errorf("unused: %t", unused(w, res))
			}
		}
	}
}

// TestNearest suggests rules, up to a limit.
func TestNearest(t *testing.T) {
	var waivers strings.Builder
	for i := range 10 * manyUnknown {
		fmt.Fprintf(&waivers, `<va:waive rule="storage-%d">ok</va:waive>`, i)
	}
	d, err := domxml.Load("web1.xml", []byte(waivedGuest(in(waivers.String()))))
	if err != nil {
		t.Fatal(err)
	}
	suggested := 0
	about := &Rule{ID: "waiver-x", Phase: AfterWaivers, Check: func(p *Pass) {
		for _, w := range p.Waivers {
			if w.Nearest == "storage-x" {
				suggested++
			}
		}
	}}
	Run(d, &Settings{Rules: []*Rule{onDisks, about}, Known: func(id string) bool { return id == "storage-x" }, Nearest: func(string) string { return "storage-x" }})
	if suggested != manyUnknown {
		t.Errorf("%d suggestions", suggested)
	}
}
