package audit_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/fleet"
)

// driftRules report each graphics element, the emulator, and one thing that is not known if
// passwords are not shown.
var driftRules = []*audit.Rule{
	{ID: "t-graphics", Check: func(p *audit.Pass) {
		for at, g := range audit.Each("devices/graphics", p.Devices.Graphics) {
			if g.VNC != nil {
				p.Reportf(at, "listens on %s", g.VNC.Listen)
			}
		}
	}},
	{ID: "t-emulator", Check: func(p *audit.Pass) {
		if p.Devices.Emulator == "/bin/sh" {
			p.Reportf(audit.At("devices/emulator"), "bad")
		}
	}},
	{ID: "t-secret", Check: func(p *audit.Pass) {
		if !p.SecretsShown() {
			p.Unknown(audit.NeedSecrets)
		} else if !p.Has(audit.At("title")) {
			p.Reportf(audit.At(""), "no title")
		}
	}},
	{ID: "t-set", Requires: audit.NeedDomains, Check: func(p *audit.Pass) { p.Reportf(audit.At(""), "shared") }},
}

// driftCase is a document of a guest, and the marks that its findings must get.
type driftCase struct {
	origin audit.Origin
	uuid   string
	inside string // the content of <devices>
	title  bool
	want   string
}

func graphics(listen ...string) string {
	var b strings.Builder
	for _, l := range listen {
		fmt.Fprintf(&b, "<graphics type='vnc' listen='%s'/>", l)
	}
	return b.String()
}

func TestDrift(t *testing.T) {
	running := audit.Origin{Kind: audit.Running, Stated: true, Secrets: true}
	stored := audit.Origin{Kind: audit.Stored, Stated: true, Secrets: true}
	saved := audit.Origin{Kind: audit.Saved, Stated: true, Secrets: true}
	snapshot := audit.Origin{Kind: audit.Snapshot, Stated: true, Secrets: true}
	on := func(o audit.Origin, host string) audit.Origin { o.Host = host; return o }
	blind := func(o audit.Origin) audit.Origin { o.Secrets = false; return o }
	const a, b = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0", "5dea22b3-1d52-d8f3-2516-782e98ab3fa0"
	sh := "<emulator>/bin/sh</emulator>"

	for name, docs := range map[string][]driftCase{
		"one document":       {{running, a, sh, true, ""}},
		"the same":           {{running, a, sh, true, ""}, {stored, a, sh, true, ""}},
		"fixed on disk":      {{running, a, sh, true, "t-emulator until-restart"}, {stored, a, "", true, ""}},
		"stored first":       {{stored, a, "", true, ""}, {running, a, sh, true, "t-emulator until-restart"}},
		"broken on disk":     {{running, a, "", true, ""}, {stored, a, sh, true, "t-emulator at-next-start"}},
		"saved":              {{saved, a, sh, true, "t-emulator in-saved-state"}, {stored, a, graphics("x"), true, "t-graphics without-saved-state"}},
		"all three":          {{saved, a, sh, true, "t-emulator in-saved-state"}, {running, a, sh, true, "t-emulator until-restart"}, {stored, a, graphics("x"), true, "t-graphics at-next-start"}},
		"UUID in other form": {{running, a, sh, true, "t-emulator until-restart"}, {stored, strings.ToUpper(strings.ReplaceAll(a, "-", "")), "", true, ""}},
		"other guest":        {{running, a, sh, true, ""}, {stored, b, "", true, ""}},
		"other host":         {{on(running, "qemu://h1/system"), a, sh, true, ""}, {on(stored, "qemu://h2/system"), a, "", true, ""}},
		"same host":          {{on(running, "qemu://h1/system"), a, sh, true, "t-emulator until-restart"}, {on(stored, "qemu://h1/system"), a, "", true, ""}},
		"no UUID, same name": {{running, "", sh, true, "t-emulator until-restart"}, {stored, "", "", true, ""}},
		"snapshot":           {{snapshot, a, sh, true, ""}, {stored, a, "", true, ""}},
		"two copies on disk": {{running, a, sh, true, ""}, {stored, a, sh, true, ""}, {stored, a, "", true, ""}},
		"which of several": {
			{running, a, graphics("1", "2", "3"), true, "t-graphics until-restart: listens on 2"},
			{stored, a, graphics("3", "1"), true, ""},
		},
		"one changed, none went": {{running, a, graphics("1", "2"), true, ""}, {stored, a, graphics("1", "9"), true, ""}},
		"one of two the same":    {{running, a, graphics("1", "1"), true, "t-graphics until-restart: listens on 1"}, {stored, a, graphics("1"), true, ""}},
		"not evaluated is not absent": {
			{running, a, "", false, ""},
			{blind(stored), a, "", true, ""},
		},
		"evaluated and absent": {{running, a, "", false, "t-secret until-restart"}, {stored, a, "", true, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			drifts, index := audit.NewDrifts(), fleet.NewIndex()
			var results []*audit.Result
			for i, c := range docs {
				title := ""
				if c.title {
					title = "<title>t</title>"
				}
				doc := "<domain type='kvm'><name>n</name><uuid>" + c.uuid + "</uuid>" + title + "<os><type>hvm</type></os><devices>" + c.inside + "</devices></domain>"
				d, err := domxml.Load(strconv.Itoa(i), []byte(doc))
				if err != nil {
					t.Fatal(err)
				}
				d.Origin = c.origin.Merge(d.Origin)
				cfg := &audit.Settings{Rules: driftRules}
				drifts.Add(audit.Run(d, cfg))
				cfg.Prepare(d).Collect(index)
				d2 := *d
				results = append(results, audit.Run(&d2, &audit.Settings{Rules: driftRules, Index: index}))
			}
			drifts.Freeze()
			for i, c := range docs {
				drifts.Mark(results[i])
				var got []string
				for _, f := range results[i].Findings {
					if f.Drift != "" {
						got = append(got, f.Rule.ID+" "+string(f.Drift))
						if strings.Contains(c.want, ":") {
							got[len(got)-1] += ": " + f.Message
						}
						if f.Drift.Explain() == "" {
							t.Errorf("%s is not explained", f.Drift)
						}
					}
				}
				slices.Sort(got)
				if s := strings.Join(got, ", "); s != c.want {
					t.Errorf("document %d: %q, want %q", i, s, c.want)
				}
			}
		})
	}
}
