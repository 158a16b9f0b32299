package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/baseline"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/rules"
)

// onDisks reports each disk.
var onDisks = &audit.Rule{ID: "stage-disk", Severity: audit.Medium, Check: func(p *audit.Pass) {
	for at := range audit.Each("devices/disk", p.Devices.Disks) {
		p.Reportf(at, "disk")
	}
}}

// document is a document in memory.
type document struct {
	name, devices string
	kind          audit.Kind
}

const diskA, diskB = `<disk type='file'><source file='/a'/></disk>`, `<disk type='file'><source file='/b'/></disk>`

func documentsOf(list ...document) func(yield func(*collect.Document, error) bool) {
	return func(yield func(*collect.Document, error) bool) {
		for i, d := range list {
			text := "<domain type='kvm'><name>" + d.name + "</name><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>" + d.devices + "</devices></domain>"
			origin := audit.Origin{Kind: d.kind, Stated: true}
			if !yield(collect.New(fmt.Sprintf("%d.xml", i), origin, func() ([]byte, error) { return []byte(text), nil }), nil) {
				return
			}
		}
	}
}

// final returns the final results of a run.
func final(t *testing.T, r *Run, list ...document) []*audit.Result {
	t.Helper()
	var results []*audit.Result
	for o := range r.Outcomes(documentsOf(list...)) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		if o.Kind == Final {
			results = append(results, o.Results...)
		}
	}
	return results
}

// baselineOf returns a baseline with the findings of documents.
func baselineOf(t *testing.T, list ...document) *baseline.Baseline {
	t.Helper()
	found := &baseline.Builder{}
	final(t, New(Options{Settings: &audit.Settings{Rules: []*audit.Rule{onDisks}}, Found: found}), list...)
	var entries []string
	for _, e := range found.Entries() {
		entries = append(entries, fmt.Sprintf(`{"rule":%q,"severity":%q,"domain":%q,"path":%q,"message":%q,"fingerprint":%q,"count":%d}`,
			e.Rule, e.Severity, e.Domain, e.Path, e.Message, e.Fingerprint, e.Count))
	}
	b, err := baseline.Parse("baseline.json", []byte(`{"version":1,"findings":[`+strings.Join(entries, ",")+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBaselineStage requires that findings in the baseline do not count, and all others do, with
// and without early results.
func TestBaselineStage(t *testing.T) {
	for _, early := range []bool{false, true} {
		r := New(Options{Settings: &audit.Settings{Rules: []*audit.Rule{onDisks}}, Early: early, Baseline: baselineOf(t, document{name: "a", devices: diskA})})
		res := final(t, r, document{name: "a", devices: diskA + diskB}, document{name: "b", devices: diskA})
		if len(res) != 2 || len(res[0].InBaseline) != 1 || len(res[0].Findings) != 1 || len(res[1].InBaseline) != 0 {
			t.Errorf("early %t: %+v", early, res)
		}
	}
}

// TestBaselineOfTwoPasses judges a guest again because of another: the baseline must not count it
// twice.
func TestBaselineOfTwoPasses(t *testing.T) {
	shared := ruleNamed(t, "fleet-disk-rw-shared")
	settings := &audit.Settings{Rules: []*audit.Rule{onDisks, shared}}
	for _, early := range []bool{false, true} {
		r := New(Options{Settings: settings, Indexers: rules.Indexers(), Early: early, Baseline: baselineOf(t, document{name: "a", devices: diskA})})
		res := final(t, r, document{name: "a", devices: diskA}, document{name: "b", devices: diskA})
		if len(res) != 2 || len(res[0].InBaseline) != 1 || len(res[0].Findings) != 1 || res[0].Findings[0].Rule != shared {
			t.Errorf("early %t: %+v", early, res)
		}
		if gone, open := r.Missing(); len(gone)+len(open) > 0 {
			t.Errorf("early %t: gone %v, open %v", early, gone, open)
		}
	}
}

// TestDriftStage marks a finding that is only in the running guest. Findings in the baseline must
// be compared with the others, whenever they were moved.
func TestDriftStage(t *testing.T) {
	running, stored := document{"a", diskA + diskB, audit.Running}, document{"a", diskA, audit.Stored}
	for _, early := range []bool{false, true} {
		for name, known := range map[string]*baseline.Baseline{"none": nil, "baseline": baselineOf(t, stored)} {
			r := New(Options{Settings: &audit.Settings{Rules: []*audit.Rule{onDisks}}, Early: early, Baseline: known})
			res := final(t, r, running, stored)
			var marked []string
			for _, f := range append(slices.Clone(res[0].Findings), res[0].InBaseline...) {
				if f.Drift != "" {
					marked = append(marked, fmt.Sprintf("%s %s", f.Path, f.Drift))
				}
			}
			if got := strings.Join(marked, ", "); got != "devices/disk[2] until-restart" {
				t.Errorf("early %t, %s: %q", early, name, got)
			}
		}
	}
}

// TestWaiverCounts adds up the effects of waivers in documents that several goroutines judge.
func TestWaiverCounts(t *testing.T) {
	used, unused, other := &audit.Waiver{Rule: onDisks.ID, Domains: "vm7"}, &audit.Waiver{Rule: onDisks.ID, Device: "vdz"}, &audit.Waiver{Rule: onDisks.ID, Domains: "db"}
	r := New(Options{Jobs: 4, Settings: &audit.Settings{Rules: []*audit.Rule{onDisks}, Waivers: []*audit.Waiver{used, unused, other}}})
	var list []document
	for i := range 50 {
		list = append(list, document{name: fmt.Sprintf("vm%d", i), devices: diskA})
	}
	for _, res := range final(t, r, list...) {
		if res.WaiverUses != nil {
			t.Fatal("the result still holds what was counted")
		}
	}
	for w, want := range map[*audit.Waiver]audit.WaiverUse{used: {Waiver: used, Evaluated: true, Used: true}, unused: {Waiver: unused, Evaluated: true}, other: {}} {
		if got := r.WaiverUse(w); got != want {
			t.Errorf("%s of %q: %+v", w.Rule, w.Domains, got)
		}
	}
}

// TestNotices reports expired and unused waivers and missing baseline entries, with the severity of
// the site and not below the minimum.
func TestNotices(t *testing.T) {
	expired, unused := ruleNamed(t, expiredRule), ruleNamed(t, unusedRule)
	today := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	waivers := []*audit.Waiver{
		{Rule: onDisks.ID, Domains: "a", Device: "vda", Until: today.AddDate(0, 0, -2)},
		{Rule: onDisks.ID, Device: "vdz"},
		{Rule: onDisks.ID},
	}
	var many []document
	for i := range maxMissing + 2 {
		many = append(many, document{name: "a", devices: fmt.Sprintf(`<disk type='file'><source file='/%d'/></disk>`, i)})
	}
	for _, test := range []struct {
		name     string
		settings audit.Settings
		baseline []document
		want     string
	}{
		{"waivers", audit.Settings{Rules: []*audit.Rule{onDisks, expired, unused}}, nil, "low the waiver of stage-disk for guest a at device vda expired after 2026-11-22, low stage-disk finds nothing to waive at device vdz"},
		{"one rule", audit.Settings{Rules: []*audit.Rule{onDisks, unused}}, nil, "low stage-disk finds nothing to waive at device vdz"},
		{"minimum", audit.Settings{Rules: []*audit.Rule{onDisks, expired, unused}, Minimum: audit.Medium}, nil, ""},
		{"site severity", audit.Settings{Rules: []*audit.Rule{onDisks, expired, unused}, Minimum: audit.Medium, Severities: map[string]audit.Severity{unusedRule: audit.High}}, nil, "high stage-disk finds nothing to waive at device vdz"},
		{"baseline", audit.Settings{Rules: []*audit.Rule{onDisks, unused}}, []document{{name: "a", devices: diskB}}, "low stage-disk finds nothing to waive at device vdz, low stage-disk is not found any more in guest a, at devices/disk[1]"},
	} {
		test.settings.Waivers, test.settings.Today = waivers, today
		o := Options{Settings: &test.settings}
		if test.baseline != nil {
			o.Baseline = baselineOf(t, test.baseline...)
		}
		r := New(o)
		final(t, r, document{name: "a", devices: diskA})
		var got []string
		for _, n := range r.Notices() {
			got = append(got, n.Severity.String()+" "+n.Message)
		}
		if s := strings.Join(got, ", "); s != test.want {
			t.Errorf("%s: %q, want %q", test.name, s, test.want)
		}
	}
	r := New(Options{Settings: &audit.Settings{Rules: []*audit.Rule{onDisks, unused}}, Baseline: baselineOf(t, many...)})
	final(t, r, document{name: "a", devices: diskA}, document{name: "a", devices: diskA})
	if n := r.Notices(); len(n) != maxMissing+1 {
		t.Errorf("%d notices", len(n))
	}
}

// TestPanic keeps a panic to the document that caused it.
func TestPanic(t *testing.T) {
	brittle := &audit.Rule{ID: "stage-panic", Check: func(p *audit.Pass) {
		if p.Name == "bad" {
			panic("oops")
		}
	}}
	o := Options{Settings: &audit.Settings{Rules: []*audit.Rule{onDisks, brittle}}, Jobs: 2}
	var got []string
	for out := range New(o).Outcomes(documentsOf(document{name: "a", devices: diskA}, document{name: "bad", devices: diskA}, document{name: "b"})) {
		if defect, ok := errors.AsType[*PanicError](out.Err); ok {
			got = append(got, fmt.Sprintf("%s: %v, stack %t", defect.Source, defect.Value, strings.Contains(string(defect.Stack), "stages_test.go")))
			continue
		}
		got = append(got, outcomeText(out))
	}
	if s := strings.Join(got, ", "); s != "a stage-disk, 1.xml: oops, stack true, b" {
		t.Errorf("%q", s)
	}
	d, err := domxml.Load("bad.xml", []byte("<domain type='kvm'><name>bad</name></domain>"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(o).Domains(d); err == nil || !strings.HasPrefix(err.Error(), "bad.xml: internal error: oops\n") {
		t.Errorf("%v", err)
	}
}

// TestKinds yields an early outcome for each document, and another one for those that contain
// guests.
func TestKinds(t *testing.T) {
	shared := ruleNamed(t, "fleet-disk-rw-shared")
	documents := func(yield func(*collect.Document, error) bool) {
		for d, err := range documentsOf(document{name: "a", devices: diskA}, document{name: "b", devices: diskA}, document{name: "c", devices: diskB}) {
			if !yield(d, err) {
				return
			}
		}
		for _, text := range []string{"<network/>", "<domain>"} {
			if !yield(collect.New("odd.xml", audit.Origin{}, func() ([]byte, error) { return []byte(text), nil }), nil) {
				return
			}
		}
	}
	for _, test := range []struct {
		early bool
		want  string
	}{
		{true, "1 a, 1 b, 1 c, 4 skipped, 3 error, 0 a fleet-disk-rw-shared revised, 0 b fleet-disk-rw-shared revised, 0 c"},
		{false, "0 a fleet-disk-rw-shared revised, 0 b fleet-disk-rw-shared revised, 0 c, 4 skipped, 3 error"},
	} {
		var got []string
		for o := range New(Options{Settings: &audit.Settings{Rules: []*audit.Rule{shared}}, Indexers: rules.Indexers(), Early: test.early}).Outcomes(documents) {
			text := fmt.Sprintf("%d %s", o.Kind, outcomeText(o))
			if slices.Contains(o.Revised, true) {
				text += " revised"
			}
			got = append(got, text)
		}
		if s := strings.Join(got, ", "); s != test.want {
			t.Errorf("early %t: %q, want %q", test.early, s, test.want)
		}
	}
}
