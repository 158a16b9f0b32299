package report

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
	"github.com/virt-audit/virt-audit/audit/manager"
)

// someFixes are a safe fix with a difference, and another one.
func someFixes(text string) []audit.Fix {
	x := audit.SafeFix(text, edit.Set(audit.At("memory"), "2048"))
	x.Changes = []audit.Change{{Pos: audit.Pos{Line: 2, Column: 9, EndLine: 2, EndColumn: 13}, Text: "2048"}}
	x.Diff = "   <name>web</name>\n-  <memory>1024</memory>\n+  <memory>2048</memory>\n"
	return []audit.Fix{x, audit.ManualFix("or another way")}
}

// TestAdviceCommand states the command for each kind of document, and the documents that have none.
func TestAdviceCommand(t *testing.T) {
	rule := baselineRules()[0]
	const uuid = "3a86ad9c-f08b-4e05-ab09-1cdb6b883f95"
	guest := func(source string, change func(*audit.Result)) *audit.Result {
		r := &audit.Result{Source: source, Name: "web", UUID: uuid, Target: audit.Target{Type: "kvm"}, Origin: audit.Origin{Kind: audit.Stored}}
		if change != nil {
			change(r)
		}
		return r
	}
	named := func(name string) func(*audit.Result) {
		return func(r *audit.Result) { r.Name, r.Origin.Host = name, "qemu:///system" }
	}
	generated := func(r *audit.Result) { r.Generated = true }
	const live, rest = "qemu:///system: web", " --rule boundary-accel-tcg"
	for _, c := range []struct {
		name string
		r    *audit.Result
		want string
	}{
		{"file", guest("guests/web.xml", nil), "guests/web.xml"},
		{"blank", guest("my guest.xml", nil), "'my guest.xml'"},
		{"shell", guest("$(id)'.xml", nil), `'$(id)'\''.xml'`},
		{"option", guest("-c.xml", nil), "./-c.xml"},
		{"control", guest("a\nb.xml", nil), ""},
		{"bytes", guest("a\xff.xml", nil), ""},
		{"runner", guest("##[x].xml", nil), ""},
		{"stdin", guest("<stdin>", nil), ""},
		{"named stdin", guest("editor.xml", nil), ""},
		{"stdin with header", guest("<stdin>", generated), ""},
		{"live", guest(live, named("web")), "-c qemu:///system web"},
		{"ssh", guest(live, func(r *audit.Result) { r.Origin.Host = "qemu+ssh://root@h/system?no_verify=1" }), "-c 'qemu+ssh://root@h/system?no_verify=1' web"},
		{"live quoted", guest(live, named("it's me")), `-c qemu:///system 'it'\''s me'`},
		{"live option", guest(live, named("--define")), "-c qemu:///system " + uuid},
		{"live id", guest(live, named("17")), "-c qemu:///system " + uuid},
		{"live control", guest(live, named("a\x1bb")), "-c qemu:///system " + uuid},
		{"live uuid of another", guest(live, named(strings.Replace(uuid, "3", "4", 1))), "-c qemu:///system " + uuid},
		{"live long", guest(live, named(strings.Repeat("x", 300))), "-c qemu:///system " + uuid},
		{"live nameless", guest(live, func(r *audit.Result) { named("\n")(r); r.UUID = "no uuid" }), ""},
		{"header", guest("copy.xml", generated), "-c qemu:///system web"},
		{"header of lxc", guest("copy.xml", func(r *audit.Result) { generated(r); r.Target.Type = "lxc" }), "-c lxc:///system web"},
		{"header of another driver", guest("copy.xml", func(r *audit.Result) { generated(r); r.Target.Type = "vz" }), "copy.xml"},
		{"libvirt's", guest("/etc/libvirt/qemu/web.xml", nil), "-c qemu:///system web"},
		{"libvirt's dots", guest("/etc/libvirt/../libvirt/./lxc/web.xml", nil), "-c lxc:///system web"},
		{"session", guest("/home/a/.config/libvirt/qemu/web.xml", generated), "-c qemu:///session web"},
		{"images", guest("/var/lib/libvirt/images/web.xml", nil), "/var/lib/libvirt/images/web.xml"},
		{"snapshot", guest("/etc/libvirt/qemu/web.xml", func(r *audit.Result) { r.Origin.Kind = audit.Snapshot }), ""},
		{"status", guest("/run/libvirt/qemu/web.xml", func(r *audit.Result) { r.Wrapped = true }), ""},
		{"save image", guest("web.save", func(r *audit.Result) { r.Origin.Kind = audit.Saved }), ""},
	} {
		o := &Options{StdinName: "editor.xml"}
		f := &audit.Finding{Rule: rule, Fixes: someFixes("Set it")}
		a := o.advice(c.r, f)
		want := c.want
		if want != "" {
			want = "virt-audit fix " + want + rest
		}
		if a.Command != want {
			t.Errorf("%s: %q, want %q", c.name, a.Command, want)
		}
		if c.r.Copied() && (a.Text != "In the guest's definition: Set it" || a.Diff != nil || a.fixes[0].Changes != nil || a.fixes[0].Diff != "") {
			t.Errorf("%s: %+v", c.name, a)
		}
		f.Fixes[0].Safety = audit.Unsafe
		if a := o.advice(c.r, f); want != "" && a.Command != want+" --unsafe" {
			t.Errorf("%s: unsafe: %q", c.name, a.Command)
		}
		f.Fixes[0].Safety, f.Fixes[0].Edits = audit.Manual, nil
		if a := o.advice(c.r, f); a.Command != "" || a.Text != "Set it" {
			t.Errorf("%s: manual: %+v", c.name, a)
		}
	}
}

// TestAdvice covers what is not about the document: another owner, a guest that must restart, and a
// rule without fixes.
func TestAdvice(t *testing.T) {
	rule := func(id string) *audit.Rule { return &audit.Rule{ID: id} }
	nova, _ := manager.Setting(manager.Nova, "device-nic-legacy")
	general, _ := manager.Setting(manager.Nova, "no-such-rule")
	for name, c := range map[string]struct {
		r    audit.Result
		f    audit.Finding
		want Advice
	}{
		"Nova":           {audit.Result{Source: "a.xml", Manager: manager.Nova}, audit.Finding{Rule: rule("device-nic-legacy"), Fixes: someFixes("Set it")}, Advice{Manager: "Nova", Text: nova.Text}},
		"Nova, any rule": {audit.Result{Source: "a.xml", Manager: manager.Nova}, audit.Finding{Rule: rule("no-such-rule"), Fixes: someFixes("Set it")}, Advice{Manager: "Nova", Text: "Set it. " + general.Text}},
		"Nova, not in the definition": {
			audit.Result{Source: "a.xml", Manager: manager.Nova},
			audit.Finding{Rule: rule("document-template"), Fixes: []audit.Fix{audit.ManualFix("Decide")}},
			Advice{Text: "Decide", Safety: "manual"},
		},
		"Cockpit": {
			audit.Result{Source: "a.xml", Manager: manager.Cockpit},
			audit.Finding{Rule: rule("a-b"), Fixes: []audit.Fix{{Text: "x", Edits: []edit.Edit{{}}}}},
			Advice{Text: "x", Safety: "safe", Command: "virt-audit fix a.xml --rule a-b"},
		},
		"restart": {
			audit.Result{Source: "a.xml"},
			audit.Finding{Rule: rule("a-b"), Fixes: someFixes("Set it"), Drift: audit.UntilRestart},
			Advice{Text: "Shut the guest down and start it again: its definition is fixed already", Safety: "manual"},
		},
		"rule": {
			audit.Result{Name: "a\n$ b"},
			audit.Finding{Rule: &audit.Rule{Fix: "One\n two.\n$ x DOMAIN\n$ y"}},
			Advice{Text: "One two.", Command: `x 'a\x0a$ b'`},
		},
	} {
		got := (&Options{}).advice(&c.r, &c.f)
		got.fixes, c.want.fixes = nil, nil
		if got.Manager != c.want.Manager || got.Text != c.want.Text || got.Safety != c.want.Safety || got.Command != c.want.Command || got.Diff != nil {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// TestShownDiff: hostile lines stay one line and look like no command, and long differences end.
func TestShownDiff(t *testing.T) {
	a := Advice{Diff: []string{"     <a>", "-\t\t<b x='\x1b[31m\u202e'/>", "+      $ rm -rf /", " ...", "-    c\rd", " ", "+"}}
	want := []string{"  <a>", `- <b x='\x1b[31m\u202e'/>`, `+   \x24 rm -rf /`, "  ...", `- c\x0dd`, "+"}
	if got := a.shownDiff(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for n, last := range map[int]string{8: "- x", 9: "  … and 1 more line", 11: "  … and 3 more lines"} {
		got := (&Advice{Diff: slices.Repeat([]string{"-x"}, n)}).shownDiff()
		if len(got) != min(n, maxDiff+1) || got[len(got)-1] != last {
			t.Errorf("of %d lines: %q", n, got)
		}
	}
	if got := htmlDiff([]string{" ", "+ <a>"}); got != "<span> </span>\n<ins>+ &lt;a&gt;</ins>\n" {
		t.Errorf("as HTML: %q", got)
	}
	if got := fitted("日本語 text", 6); got != "日本…" {
		t.Errorf("fitted: %q", got)
	}
}

// TestTextFixes prints the text and command of a fix once for the findings of a rule in a guest, and
// the difference for each. No line is wider than the terminal but the command.
func TestTextFixes(t *testing.T) {
	r := run(t, map[string]string{"a.xml": consoles}, "a.xml")[0]
	f := r.Findings[0]
	f.Fixes = someFixes("Set the word of it")
	wide := f
	wide.Fixes = someFixes("Set another word")
	wide.Fixes[0].Diff = "-" + strings.Repeat("é", 300) + "\n"
	r.Findings = []audit.Finding{f, f, wide}
	o := options()
	o.Width, o.Color = 60, true
	colored := render(t, "text", o, []*audit.Result{r}, nil, nil)
	for _, want := range []string{"\x1b[31m- <memory>1024</memory>\x1b[", "\x1b[32m+ <memory>2048</memory>\x1b["} {
		if !strings.Contains(colored, want) {
			t.Errorf("no %q in %q", want, colored)
		}
	}
	o.Color = false
	out := render(t, "text", o, []*audit.Result{r}, nil, nil)
	for text, n := range map[string]int{
		"    fix  Set the word of it\n": 1, "    fix  Set another word\n": 1, "\n         - <memory>1024</memory>\n": 2,
		"\n         $ virt-audit fix a.xml --rule " + f.Rule.ID + "\n": 1, "…\n": 1,
	} {
		if strings.Count(out, text) != n {
			t.Errorf("%d times %q in\n%s", strings.Count(out, text), text, out)
		}
	}
	_, details, _ := strings.Cut(out, "\nweb  ")
	for line := range strings.Lines(details) {
		if !strings.Contains(line, "$ ") && !strings.Contains(line, "see ") && len([]rune(line)) > 61 {
			t.Errorf("too wide: %s", line)
		}
	}
}

// TestFormatsFix requires the text and the command of a fix in all formats that list findings, and
// the difference in those that have several lines; for a guest of Nova, the setting and neither.
func TestFormatsFix(t *testing.T) {
	oneLine := []string{"csv", "validate", "github"}
	for _, f := range Formats() {
		if f.Counts {
			continue
		}
		r := run(t, map[string]string{filepath.Join("guests", "a.xml"): consoles}, filepath.Join("guests", "a.xml"))[0]
		r.Findings = r.Findings[:1]
		r.Findings[0].Fixes = someFixes("words of the fix")
		out := render(t, f.Name, options(), []*audit.Result{r}, nil, nil)
		for _, want := range []string{"words of the fix", "virt-audit fix guests/a.xml --rule " + r.Findings[0].Rule.ID} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in %.2000s", f.Name, want, out)
			}
		}
		if !slices.Contains(oneLine, f.Name) && !strings.Contains(out, "2048") {
			t.Errorf("%s: no change in %.2000s", f.Name, out)
		}
		r.Manager = manager.Nova
		out = render(t, f.Name, options(), []*audit.Result{r}, nil, nil)
		if !strings.Contains(out, "Nova") || strings.Contains(out, "virt-audit fix") || strings.Contains(out, "2048") {
			t.Errorf("%s: for a guest of Nova: %.2000s", f.Name, out)
		}
	}
}
