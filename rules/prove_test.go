package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/edit"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// proof applies the fixes of findings and judges the results.
type proof struct {
	settings *audit.Settings
	others   []*audit.Domain // the other guests of the run
	// fixed, if set, is called with each result: the bytes before and after, and what was applied.
	fixed func(f *audit.Finding, x audit.Fix, before, after []byte)

	findings, proven map[audit.Safety]int // by the safety of the recommended fix
}

func newProof(settings *audit.Settings, others ...*audit.Domain) *proof {
	return &proof{settings: settings, others: others, findings: map[audit.Safety]int{}, proven: map[audit.Safety]int{}}
}

// judge audits a document among the other guests of the run.
func (p *proof) judge(t *testing.T, name string, doc []byte) (*audit.Domain, *audit.Result) {
	t.Helper()
	d, err := domxml.Load(name, doc)
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, doc)
		return nil, nil
	}
	return d, together(t, p.settings, slices.Concat([]*audit.Domain{d}, p.others)...)[0]
}

// document proves every fix of every finding of a document that accept chooses: applied alone, the
// finding is gone, no finding at medium or above is new, and the verdict is not worse. Then all
// recommended fixes are applied in rounds, which must end.
func (p *proof) document(t *testing.T, name string, doc []byte, accept func(*audit.Finding) bool) {
	t.Helper()
	d, before := p.judge(t, name, doc)
	if d == nil {
		return
	}
	for i := range before.Findings {
		f := &before.Findings[i]
		if !accept(f) {
			continue
		}
		if x, ok := f.Recommended(); ok && f.Severity >= audit.Medium {
			p.findings[x.Safety]++
		}
		for _, x := range f.Fixes {
			if x.Fault != "" {
				t.Errorf("%s:%d: %s %q: %s: %v", name, f.Pos.Line, f.Rule.ID, f.Message, x.Text, x.Fault)
			}
			if x.Applicable() {
				p.fix(t, name, d, before, f, x)
			}
		}
	}
	p.rounds(t, name, doc, accept)
}

// fix applies one fix.
func (p *proof) fix(t *testing.T, name string, d *audit.Domain, before *audit.Result, f *audit.Finding, x audit.Fix) {
	t.Helper()
	at := fmt.Sprintf("%s:%d: %s %q: %s", name, f.Pos.Line, f.Rule.ID, f.Message, x.Text)
	out, err := edit.Apply(d, x.Edits)
	if err != nil {
		t.Errorf("%s: %v", at, err)
		return
	}
	_, after := p.judge(t, name+" fixed", out)
	if after == nil {
		t.Errorf("%s: the result cannot be read", at)
		return
	}
	if found(after, f) >= found(before, f) {
		t.Errorf("%s: the finding is still there\n%s", at, x.Diff)
	}
	for _, g := range after.Findings {
		if g.Severity >= audit.Medium && ofRule(after, g.Rule, g.Severity) > ofRule(before, g.Rule, g.Severity) {
			t.Errorf("%s: a new finding: %s %q\n%s", at, g.Rule.ID, g.Message, x.Diff)
		}
	}
	if worse(before, after) {
		t.Errorf("%s: the verdict was %s and is %s", at, before.Boundary.Verdict, after.Boundary.Verdict)
	}
	p.proven[x.Safety]++
	if p.fixed != nil {
		p.fixed(f, x, d.Document(), out)
	}
}

// rounds applies the recommended fixes until nothing is left to apply.
func (p *proof) rounds(t *testing.T, name string, doc []byte, accept func(*audit.Finding) bool) {
	t.Helper()
	for range 10 {
		d, res := p.judge(t, name, doc)
		if d == nil {
			return
		}
		var lists [][]edit.Edit
		for i := range res.Findings {
			if x, ok := res.Findings[i].Recommended(); ok && x.Applicable() && accept(&res.Findings[i]) {
				lists = append(lists, x.Edits)
			}
		}
		out, applied := edit.ApplyAll(d, lists)
		if len(lists) == 0 || !slices.Contains(applied, true) {
			if len(lists) > 0 {
				t.Errorf("%s: %d fixes remain that cannot be applied", name, len(lists))
			}
			return
		}
		doc = out
	}
	t.Errorf("%s: the fixes have no end", name)
}

// found counts the findings of a result that are the same as f: of its rule, with its key, and at its
// place without indices.
func found(r *audit.Result, f *audit.Finding) (n int) {
	for i := range r.Findings {
		g := &r.Findings[i]
		if g.Rule == f.Rule && g.Key == f.Key && g.Path.Unnumbered() == f.Path.Unnumbered() {
			n++
		}
	}
	return n
}

func ofRule(r *audit.Result, rule *audit.Rule, least audit.Severity) (n int) {
	for _, g := range r.Findings {
		if g.Rule == rule && g.Severity >= least {
			n++
		}
	}
	return n
}

func worse(before, after *audit.Result) bool {
	rank := []string{"outside", "undetermined", "not-qemu", "inside"}
	at := func(r *audit.Result) int { return slices.Index(rank, string(r.Boundary.Verdict)) }
	return at(after) < at(before)
}

// healthy are devices without any finding, by the name of their element, for TestFixesBesideOthers.
var healthy = map[string]string{
	"disk":       "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/var/lib/libvirt/images/beside%[1]d.qcow2'/><target dev='vdx%[1]d' bus='virtio'/></disk>",
	"interface":  "<interface type='bridge'><mac address='52:54:00:00:ee:0%[1]d'/><source bridge='br9'/><model type='virtio'/></interface>",
	"graphics":   "",
	"video":      "<video><model type='virtio' heads='1'/></video>",
	"filesystem": "<filesystem type='mount'><driver type='virtiofs'/><source dir='/srv/beside%[1]d'/><target dir='beside%[1]d'/></filesystem>",
	"serial":     "<serial type='pty'><target port='%[1]d'/></serial>",
	"channel":    "<channel type='unix'><target type='virtio' name='org.example.beside.%[1]d'/></channel>",
	"hostdev":    "",
	"controller": "<controller type='virtio-serial' index='1%[1]d'/>",
	"rng":        "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>",
	"sound":      "<sound model='ich9'/>",
	"input":      "<input type='keyboard' bus='virtio'/>",
}

// beside returns a document with a healthy device of a kind before the first and after the last one
// of its kind, or nil if there is no such device.
func beside(doc, kind string) []byte {
	text := healthy[kind]
	first := strings.Index(doc, "<"+kind+" ")
	end := "</" + kind + ">"
	last := strings.LastIndex(doc, end)
	if text == "" || first < 0 || last < first {
		return nil
	}
	last += len(end)
	return []byte(doc[:first] + fmt.Sprintf(text, 1) + "\n    " + doc[first:last] + "\n    " + fmt.Sprintf(text, 2) + doc[last:])
}

// otherArchitectures are what a document of x86_64 becomes on others.
var otherArchitectures = []struct{ arch, machine, qemu string }{
	{"aarch64", "virt-10.0", "qemu-system-aarch64"},
	{"s390x", "s390-ccw-virtio-10.0", "qemu-system-s390x"},
	{"ppc64le", "pseries-10.0", "qemu-system-ppc64"},
	{"riscv64", "virt", "qemu-system-riscv64"},
}

// fixtureFiles calls do for every document of a rule's fixtures that has findings.
func fixtureFiles(t *testing.T, do func(t *testing.T, r *audit.Rule, file string, others []*audit.Domain)) {
	t.Helper()
	for _, r := range All() {
		t.Run(r.ID, func(t *testing.T) {
			files, _ := filepath.Glob(filepath.Join(fixtures, r.ID, "bad*.xml"))
			names, _ := filepath.Glob(filepath.Join(fixtures, r.ID, "other*.xml"))
			for _, file := range files {
				var others []*audit.Domain
				for _, name := range names {
					d, _ := load(t, name)
					others = append(others, d)
				}
				do(t, r, file, others)
			}
		})
	}
}

// TestFixes proves the fixes of each rule on its own fixtures, also between healthy devices of the
// same kind, and on other architectures. Every rule has a fix, or a reason why there is none.
func TestFixes(t *testing.T) {
	for _, r := range All() {
		if r.Fixes == nil && r.NoFix == "" {
			t.Errorf("rule %s has neither Fixes nor NoFix", r.ID)
		}
	}
	fixtureFiles(t, func(t *testing.T, r *audit.Rule, file string, others []*audit.Domain) {
		t.Helper()
		checked := append(slices.DeleteFunc(chosen([]audit.Profile{audit.Baseline}), func(o *audit.Rule) bool { return o == r }), r)
		doc, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p := newProof(settingsOf(t, file, checked), others...)
		mine := func(f *audit.Finding) bool { return f.Rule == r }
		p.document(t, file, doc, mine)
		for kind := range healthy {
			if d := beside(string(doc), kind); d != nil {
				p.document(t, file+" with "+kind, d, mine)
			}
		}
		for _, a := range otherArchitectures {
			if d := onArchitecture(string(doc), a.arch, a.machine, a.qemu); d != nil {
				p.document(t, file+" on "+a.arch, d, mine)
			}
		}
	})
}

// onArchitecture returns a document of x86_64 for another architecture, or nil for others and those
// that no longer load.
func onArchitecture(doc, arch, machine, qemu string) []byte {
	before, rest, ok := strings.Cut(doc, "<type arch='x86_64' machine='")
	_, after, ok2 := strings.Cut(rest, "'")
	if !ok || !ok2 {
		return nil
	}
	out := before + "<type arch='" + arch + "' machine='" + machine + "'" + after
	out = strings.ReplaceAll(out, "qemu-system-x86_64", qemu)
	if _, err := domxml.Load("other", []byte(out)); err != nil {
		return nil
	}
	return []byte(out)
}

// TestFixesOfCorpus proves the fixes of all rules over real documents, and prints which share of the
// findings at medium or above has a fix.
func TestFixesOfCorpus(t *testing.T) {
	files := need.ValidDocuments(t)
	if len(files) == 0 {
		t.SkipNow()
	}
	p := newProof(&audit.Settings{Rules: All()})
	for _, file := range files {
		doc, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		p.document(t, file, doc, func(*audit.Finding) bool { return true })
	}
	total := 0
	for _, n := range p.findings {
		total += n
	}
	for _, s := range []audit.Safety{audit.Safe, audit.Unsafe, audit.Manual} {
		t.Logf("recommended fix %s: %d of %d findings at medium or above", s, p.findings[s], total)
	}
}

// chosen returns the rules of the profiles.
func chosen(profiles []audit.Profile) []*audit.Rule {
	return slices.DeleteFunc(All(), func(r *audit.Rule) bool { return !r.In(profiles) })
}
