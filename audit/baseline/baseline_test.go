package baseline

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
)

var onDisks = &audit.Rule{ID: "storage-x", Severity: audit.Medium, Check: func(p *audit.Pass) {
	for at := range audit.Each("devices/disk", p.Devices.Disks) {
		p.Reportf(at, "disk")
	}
}}

// audited runs the rule over a guest with disks of the given targets; "" is a disk without a
// target.
func audited(t *testing.T, name string, targets ...string) *audit.Result {
	t.Helper()
	var b strings.Builder
	for _, target := range targets {
		if target == "" {
			b.WriteString("<disk/>")
			continue
		}
		fmt.Fprintf(&b, "<disk><target dev='%s'/></disk>", target)
	}
	d, err := domxml.Load(name+".xml", []byte("<domain type='kvm'><name>"+name+"</name><devices>"+b.String()+"</devices></domain>"))
	if err != nil {
		t.Fatal(err)
	}
	return audit.Run(d, &audit.Settings{Rules: []*audit.Rule{onDisks}})
}

// text returns a baseline in the form that is stored in a repository.
func text(b *Builder) string {
	var out strings.Builder
	out.WriteString("{\n \"version\": 1,\n \"findings\": [\n")
	for i, e := range b.Entries() {
		if i > 0 {
			out.WriteString(",\n")
		}
		line, err := json.Marshal(e)
		if err != nil {
			panic(err)
		}
		out.Write(line)
	}
	return out.String() + "\n]}\n"
}

func baselineOf(t *testing.T, results ...*audit.Result) *Baseline {
	t.Helper()
	b := &Builder{}
	for _, r := range results {
		b.Add(r)
	}
	out, err := Parse("b.json", []byte(text(b)))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var always = []*audit.Rule{onDisks}

// run marks results as a run of virt-audit does.
func (b *Baseline) run(results ...*audit.Result) {
	for _, r := range results {
		b.Mark(r)
		b.See(r)
	}
}

// TestMark counts findings that differ only in their place. As many are known as the baseline
// contains.
func TestMark(t *testing.T) {
	for _, test := range []struct {
		was, is          []string
		known, new, gone int
	}{
		{[]string{"vda"}, []string{"vda"}, 1, 0, 0},
		{[]string{"vda", "vdb"}, []string{"vdb", "vda"}, 2, 0, 0},
		{[]string{"vda"}, []string{"vda", "vdb"}, 1, 1, 0},
		{[]string{"vda", "vdb"}, []string{"vdb"}, 1, 0, 1},
		{[]string{""}, []string{"", ""}, 1, 1, 0},
		{[]string{"", "", ""}, []string{""}, 1, 0, 2},
		{nil, []string{"vda"}, 0, 1, 0},
	} {
		b := baselineOf(t, audited(t, "a", test.was...))
		r := audited(t, "a", test.is...)
		b.run(r, audited(t, "other", "vda"))
		gone := 0
		entries, _ := b.Missing(Run{Rules: always})
		for _, e := range entries {
			gone += e.Count
		}
		if len(r.InBaseline) != test.known || len(r.Findings) != test.new || gone != test.gone {
			t.Errorf("%v then %v: %d known, %d new, %d gone", test.was, test.is, len(r.InBaseline), len(r.Findings), gone)
		}
	}
}

// TestGone checks entries that must not be reported as gone.
func TestGone(t *testing.T) {
	for name, test := range map[string]struct {
		run     func(*Baseline)
		rules   []*audit.Rule
		minimum audit.Severity
	}{
		"the guest is not part of the run": {func(*Baseline) {}, always, audit.Info},
		"the rule is not part of the run":  {func(b *Baseline) { b.run(audited(t, "a")) }, nil, audit.Info},
		"below the minimum severity":       {func(b *Baseline) { b.run(audited(t, "a")) }, always, audit.High},
		"the rule was not evaluated": {func(b *Baseline) {
			r := audited(t, "a")
			r.Unevaluated = []audit.Unevaluated{{Rule: onDisks}}
			b.run(r)
		}, always, audit.Info},
		"waived": {func(b *Baseline) {
			r := audited(t, "a", "vda")
			r.Waived, r.Findings = []audit.Waived{{Finding: r.Findings[0]}}, nil
			b.run(r)
		}, always, audit.Info},
	} {
		b := baselineOf(t, audited(t, "a", "vda"))
		test.run(b)
		gone, open := b.Missing(Run{Rules: test.rules, Minimum: test.minimum})
		if len(gone) > 0 {
			t.Errorf("%s: %+v is gone", name, gone)
		}
		// Entries whose findings may still exist are kept.
		n := &Builder{}
		n.Keep(open)
		if lacking := b.Lacking(n); lacking != 0 != (name == "waived") {
			t.Errorf("%s: %d entries are not in the new baseline", name, lacking)
		}
	}
}

// TestNamesakes audits another guest of the same name. A finding that it does not have may still
// exist in the first.
func TestNamesakes(t *testing.T) {
	with := func(r *audit.Result, change func(*audit.Result)) *audit.Result { change(r); return r }
	id := func(uuid string) func(*audit.Result) { return func(r *audit.Result) { r.UUID = uuid } }
	on := func(host string) func(*audit.Result) { return func(r *audit.Result) { r.Origin.Host = host } }
	past := func(r *audit.Result) { r.Origin.Kind, r.Origin.Label = audit.Snapshot, "before" }
	same := func(*audit.Result) {}
	for name, test := range map[string]struct {
		was  []*audit.Result
		is   []*audit.Result
		gone bool
	}{
		"the guest itself":  {[]*audit.Result{audited(t, "a", "vda")}, []*audit.Result{audited(t, "a")}, true},
		"one of two":        {[]*audit.Result{audited(t, "a", "vda"), audited(t, "a")}, []*audit.Result{audited(t, "a")}, false},
		"both":              {[]*audit.Result{audited(t, "a", "vda"), audited(t, "a")}, []*audit.Result{audited(t, "a"), audited(t, "a")}, true},
		"another UUID":      {[]*audit.Result{with(audited(t, "a", "vda"), id("1"))}, []*audit.Result{with(audited(t, "a"), id("2"))}, false},
		"the same UUID":     {[]*audit.Result{with(audited(t, "a", "vda"), id("1"))}, []*audit.Result{with(audited(t, "a"), id("1"))}, true},
		"another host":      {[]*audit.Result{with(audited(t, "a", "vda"), on("h1"))}, []*audit.Result{with(audited(t, "a"), on("h2"))}, false},
		"a snapshot":        {[]*audit.Result{with(audited(t, "a", "vda"), same)}, []*audit.Result{with(audited(t, "a"), past)}, false},
		"of a snapshot":     {[]*audit.Result{with(audited(t, "a", "vda"), past)}, []*audit.Result{with(audited(t, "a"), same)}, false},
		"the same snapshot": {[]*audit.Result{with(audited(t, "a", "vda"), past)}, []*audit.Result{with(audited(t, "a"), past)}, true},
	} {
		b := baselineOf(t, test.was...)
		b.run(test.is...)
		if gone, open := b.Missing(Run{Rules: always}); len(gone) > 0 != test.gone || len(gone)+len(open) != 1 {
			t.Errorf("%s: %d gone, %d open", name, len(gone), len(open))
		}
	}
}

// TestKinds starts and stops a guest. The same finding in one more document is not new, and in one
// document less it is not gone.
func TestKinds(t *testing.T) {
	runs := func(targets ...string) *audit.Result {
		r := audited(t, "a", targets...)
		r.Origin.Kind = audit.Running
		return r
	}
	for name, test := range map[string]struct {
		was, is          []*audit.Result
		known, new, gone int
	}{
		"started":           {[]*audit.Result{audited(t, "a", "vda")}, []*audit.Result{audited(t, "a", "vda"), runs("vda")}, 2, 0, 0},
		"stopped":           {[]*audit.Result{runs("vda"), audited(t, "a", "vda")}, []*audit.Result{audited(t, "a", "vda")}, 1, 0, 0},
		"runs alone":        {[]*audit.Result{audited(t, "a", "vda")}, []*audit.Result{runs("vda")}, 1, 0, 0},
		"runs on":           {[]*audit.Result{audited(t, "a", "vda")}, []*audit.Result{audited(t, "a"), runs("vda")}, 1, 0, 0},
		"two of what runs":  {[]*audit.Result{audited(t, "a", "")}, []*audit.Result{audited(t, "a", ""), runs("", "")}, 2, 1, 0},
		"fixed in both":     {[]*audit.Result{audited(t, "a", "vda"), runs("vda")}, []*audit.Result{audited(t, "a"), runs()}, 0, 0, 1},
		"fixed and stopped": {[]*audit.Result{audited(t, "a"), runs("vda")}, []*audit.Result{audited(t, "a")}, 0, 0, 1},
	} {
		b := baselineOf(t, test.was...)
		known, found, gone := 0, 0, 0
		for _, r := range test.is {
			b.run(r)
			known, found = known+len(r.InBaseline), found+len(r.Findings)
		}
		entries, _ := b.Missing(Run{Rules: always})
		for _, e := range entries {
			gone += e.Count
		}
		if known != test.known || found != test.new || gone != test.gone {
			t.Errorf("%s: %d known, %d new, %d gone", name, known, found, gone)
		}
	}
}

// TestKeep copies entries into a baseline that contains some of them already.
func TestKeep(t *testing.T) {
	old, n := baselineOf(t, audited(t, "a", "", "", "vda")), &Builder{}
	now := audited(t, "a", "")
	now.Unevaluated = []audit.Unevaluated{{Rule: onDisks}}
	old.run(now)
	n.Add(now)
	gone, open := old.Missing(Run{Rules: always})
	if len(gone) != 0 || len(open) != 2 || n.Len() != 1 || old.Lacking(n) != 2 {
		t.Fatalf("%d gone, %d open, %d found, %d lacking", len(gone), len(open), n.Len(), old.Lacking(n))
	}
	if n.Keep(open); n.Len() != 3 || old.Lacking(n) != 0 {
		t.Errorf("%d kept, %d lacking", n.Len(), old.Lacking(n))
	}
}

// TestRelease audits a guest twice.
func TestRelease(t *testing.T) {
	b := baselineOf(t, audited(t, "a", "vda"))
	first, second := audited(t, "a", "vda"), audited(t, "a", "vda")
	b.Mark(first)
	b.Release(first)
	b.Mark(second)
	b.See(second)
	gone, open := b.Missing(Run{Rules: always})
	if len(second.Findings) != 0 || len(first.InBaseline) != 1 || len(gone)+len(open) != 0 {
		t.Errorf("%d new after a release", len(second.Findings))
	}
}

func TestParseErrors(t *testing.T) {
	entry := `{"rule":"a-b","severity":"low","domain":"a","path":".","message":"m","fingerprint":"0123456789abcdef0123456789abcdef","count":1}`
	for data, want := range map[string]string{
		``:                              "b.json: not a baseline",
		"{\n\"version\": x}":            "line 2",
		`[]`:                            "not a baseline",
		`{}`:                            "states no version",
		`{"version":2,"findings":[]}`:   "version 2",
		`{"version":1}`:                 "it has no list of findings",
		`{"version":1,"findings":null}`: "it has no list of findings",
		`{"version":1,"tool":{"name":"virt-audit","version":"1"},"policy":"qemu-10.2","domains":[]}`: `unknown field "policy"`,
		`{"version":1,"findings":[]}x`:                                                              "after its end",
		"{\"version\":1,\"findings\":[\n{}]}":                                                       "b.json:2: entry 1",
		"{\"version\":1,\"findings\":[\n" + entry + ",\n" + entry + "]}":                            "b.json:3: entry 2: its fingerprint",
		`{"version":1,"findings":[` + strings.Replace(entry, "low", "bad", 1) + "]}":                "severity",
		`{"version":1,"findings":[` + strings.Replace(entry, `"count":1`, `"count":0`, 1) + "]}":    "count",
		`{"version":1,"findings":[` + strings.Replace(entry, `"path"`, `"line":3,"path"`, 1) + "]}": "line",
	} {
		if _, err := Parse("b.json", []byte(data)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", data, err, want)
		}
	}
	if b, err := Parse("b.json", []byte(`{"version":1,"findings":[`+entry+"]}")); err != nil || b.Len() != 1 {
		t.Errorf("%v", err)
	}
}

func TestParseReportErrors(t *testing.T) {
	for data, want := range map[string]string{
		``:                              "not a report",
		`{"version":1}`:                 "version 1",
		`{"version":9,"policy":"p"}`:    "version 1",
		`{"version":1,"policy":"p"} {}`: "after its end",
		`{"version":1,"policy":"p","domains":[{"findings":[{"rule":"a-b"}]}]}`: "no fingerprints",
	} {
		if _, err := ParseReport("r.json", []byte(data)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", data, err, want)
		}
	}
}
