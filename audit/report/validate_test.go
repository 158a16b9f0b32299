package report

import (
	"errors"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rivo/uniseg"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/source"
	"github.com/virt-audit/virt-audit/rules"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// validateLine is a line of virt-host-validate: libvirt prints it by "%6s: %-69s: ", and a hint in
// brackets after every word except PASS.
var validateLine = regexp.MustCompile(`^( {0,5}[A-Z]+): (Checking .+?) *: (PASS|(FAIL|WARN|NOTE) \((.+)\))$`)

// wordColumn is the column of the word, after a check that is not too long.
const wordColumn = prefixWidth + 2 + checkWidth + 2

// readLines parses a report as a script would: by the first two colons that are followed by a
// space.
func readLines(t *testing.T, text string) (words []string, checks []string) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if !validateLine.MatchString(line) {
			t.Fatalf("no such line: %.300q", line)
		}
		parts := strings.SplitN(line, ": ", 3)
		word, _, _ := strings.Cut(parts[2], " ")
		check := strings.TrimRight(parts[1], " ")
		column := uniseg.StringWidth(parts[0] + ": " + parts[1] + ": ")
		if !slices.Contains([]string{"PASS", "FAIL", "WARN", "NOTE"}, word) || uniseg.StringWidth(check) <= checkWidth && column != wordColumn {
			t.Fatalf("the word is not where it should be: %.300q", line)
		}
		words, checks = append(words, word), append(checks, check)
	}
	return words, checks
}

// TestValidateShape compares the shape of the lines with the output of libvirt's
// virt-host-validate.
func TestValidateShape(t *testing.T) {
	need.Programs(t, "virt-host-validate")
	cmd := exec.Command("virt-host-validate", "qemu")
	cmd.Env = append(cmd.Environ(), "LC_ALL=C")
	theirs, err := cmd.Output() // it fails on a host without KVM
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	words, _ := readLines(t, string(theirs))
	if len(words) < 5 {
		t.Fatalf("virt-host-validate printed too few lines: %s", theirs)
	}
	for _, text := range []string{string(theirs), render(t, "validate", options(), fleet(t), nil, problems()[:1])} {
		for line := range strings.Lines(text) {
			if !regexp.MustCompile("^.{6}: .{69}: (PASS|FAIL|WARN|NOTE)").MatchString(line) {
				t.Errorf("the columns differ: %s", line)
			}
		}
	}
}

func TestValidateHostile(t *testing.T) {
	o := options()
	o.ShowWaived, o.Verbose = true, true
	results := hostile(t)
	for _, name := range []string{"x    : PASS", "x:", ": FAIL (", "a: b: c"} {
		results = append(results, &audit.Result{Name: name, Source: name, Target: audit.Target{Type: "lxc"}, Boundary: audit.Boundary{Verdict: policy.NotQEMU}})
	}
	words, checks := readLines(t, render(t, "validate", o, results, notices(), problems()))
	if slices.Contains(words, "PASS") {
		t.Error("a name has made a PASS")
	}
	for _, r := range results {
		want := "Checking " + strings.ReplaceAll(printable(r.Name+" is inside QEMU's security support boundary"), ": ", `:\x20`)
		if !slices.Contains(checks, want) {
			t.Errorf("no line for %.60q", r.Name)
		}
	}
}

// TestValidateWords checks the word of a line, and its hint.
func TestValidateWords(t *testing.T) {
	finding := func(id string, s audit.Severity) audit.Finding {
		i := slices.IndexFunc(rules.All(), func(r *audit.Rule) bool { return r.ID == id })
		return audit.Finding{Rule: rules.All()[i], Severity: s, Message: "what is wrong", Pos: audit.Pos{Line: 3, Column: 4}}
	}
	guest := func(word policy.Word, findings ...audit.Finding) *audit.Result {
		return &audit.Result{Name: "web", Source: "web.xml", Target: audit.Target{Type: "kvm"}, Boundary: audit.Boundary{Verdict: word, Reason: policy.SoftwareEmulation}, Findings: findings}
	}
	tcg := finding("boundary-accel-tcg", audit.Critical)
	hidden := withHidden()
	for _, c := range []struct {
		name   string
		change func(*Options)
		result *audit.Result
		words  string
		texts  []string
	}{
		{"inside", nil, guest(policy.Inside), "PASS", []string{"QEMU: Checking web is inside"}},
		{"quiet", func(o *Options) { o.Quiet = true }, guest(policy.Inside, finding("device-video-cirrus", audit.High)), "FAIL", nil},
		{"outside", nil, guest(policy.Outside, tcg), "FAIL FAIL", []string{
			"web.xml: outside by policy qemu-11.1; type 'qemu' is software emulation (TCG))", "for boundary-accel-tcg",
			"FAIL (web.xml:3:4: critical: what is wrong; fix: " + strings.TrimSuffix(oneLine(ruleAdvice(tcg.Rule, "").Text), ".") + "; see " + tcg.Rule.URL() + ")",
		}},
		{"outside, not failing the run", nil, guest(policy.Outside), "WARN", nil},
		{"undetermined", nil, guest(policy.Undetermined), "WARN", nil},
		{"threshold", func(o *Options) { o.FailOn = audit.Critical }, guest(policy.Inside, finding("device-video-cirrus", audit.High), finding("device-video-cirrus", audit.Medium), finding("device-video-cirrus", audit.Low)), "PASS WARN WARN NOTE", nil},
		{"all count", func(o *Options) { o.FailOn = audit.Info }, guest(policy.Inside, finding("device-video-cirrus", audit.Info)), "PASS FAIL", nil},
		{"hidden", nil, hidden, "PASS WARN NOTE NOTE", []string{
			"not evaluated: 1 check, because passwords", "of " + hidden.Unevaluated[0].Rule.ID, "1 finding waived: not counted", "1 finding in the baseline: not counted",
		}},
		{"hidden, shown", func(o *Options) { o.ShowWaived, o.Verbose = true, true }, hidden, "PASS NOTE NOTE WARN WARN NOTE NOTE", []string{
			"waived message; waived: because of @admin (until 2027-06-30); fix: ", "known message; in the baseline; fix: ", "web for " + hidden.Unevaluated[0].Rule.ID,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options()
			if c.change != nil {
				c.change(&o)
			}
			out := render(t, "validate", o, []*audit.Result{c.result}, nil, nil)
			if words, _ := readLines(t, out); strings.Join(words, " ") != c.words {
				t.Errorf("the words are %v, want %s\n%s", words, c.words, out)
			}
			for _, text := range c.texts {
				if !strings.Contains(out, text) {
					t.Errorf("%q is not in\n%s", text, out)
				}
			}
		})
	}
	lxc := guest(policy.NotQEMU)
	lxc.Target.Type = "lxc"
	if out := render(t, "validate", options(), []*audit.Result{lxc}, nil, nil); !strings.HasPrefix(out, "   LXC: Checking web ") || !strings.Contains(out, ": NOTE (") {
		t.Errorf("a container: %s", out)
	}
}

// TestValidateNoPass requires that a run without an audited guest does not pass.
func TestValidateNoPass(t *testing.T) {
	for name, c := range map[string]struct {
		problems []error
		want     string
	}{
		"nothing":    {nil, "FAIL (no guest was audited)"},
		"unreadable": {[]error{&source.Error{File: "a.xml", Position: source.Position{Line: 2, Column: 7}, Message: "bad"}}, "FAIL (2:7: bad)"},
		"other":      {[]error{errors.New("no such host")}, "FAIL (no such host)"},
	} {
		out := render(t, "validate", options(), nil, nil, c.problems)
		if words, _ := readLines(t, out); len(words) != 1 || !strings.Contains(out, c.want) {
			t.Errorf("%s: %s", name, out)
		}
	}
	out := render(t, "validate", options(), nil, notices()[:1], nil)
	if words, checks := readLines(t, out); words[0] != "NOTE" || checks[0] != "Checking .virt-audit.yaml ]]> for "+rules.All()[0].ID || !strings.Contains(out, ".virt-audit.yaml ]]>:3:5: low: about ]]>") {
		t.Errorf("a notice: %s", out)
	}
}

func TestValidateColor(t *testing.T) {
	o := options()
	o.Color = true
	out := render(t, "validate", o, fleet(t), nil, nil)
	for _, want := range []string{": \x1b[32mPASS\x1b[0m\n", ": \x1b[31mFAIL\x1b[0m (", ": \x1b[33mWARN\x1b[0m (", ": \x1b[34mNOTE\x1b[0m ("} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q", want)
		}
	}
}
