package report

import (
	"regexp"
	"slices"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/source"
)

// fingerprintForm matches the fingerprints in a report of any format.
var fingerprintForm = regexp.MustCompile(`\b[0-9a-f]{32}\b`)

// TestReworded replaces every message and moves every place. No fingerprint of a finding, a notice
// or an unreadable input may change, in any format.
func TestReworded(t *testing.T) {
	results := func(message string) []*audit.Result {
		all := run(t, map[string]string{"a.xml": consoles}, "a.xml")
		for i := range all[0].Findings {
			all[0].Findings[i].Message = message
		}
		return all
	}
	rules := baselineRules()
	notice := func(message string, line int) []*audit.Notice {
		var out []*audit.Notice
		for _, key := range []string{"", "a", "b", "b"} {
			out = append(out, &audit.Notice{Rule: rules[0], Key: key, Message: message, Source: "site.yaml", Pos: audit.Pos{Line: line}})
		}
		return out
	}
	unread := func(message string, line int) []error {
		var out []error
		for _, src := range []string{"a.xml", "a.xml", "b.xml"} {
			out = append(out, &source.Error{File: src, Position: source.Position{Line: line, Column: line}, Message: message})
		}
		return out
	}
	outside := 0
	for _, f := range Formats() {
		all := func(message string, line int) []string {
			return fingerprintForm.FindAllString(render(t, f.Name, shown(), results(message), notice(message, line), unread(message, line)), -1)
		}
		was, is := all("a message", 3), all("other words", 40)
		if !slices.Equal(was, is) {
			t.Errorf("%s: the fingerprints depend on words or places:\n%v\n%v", f.Name, was, is)
		}
		alone := fingerprintForm.FindAllString(render(t, f.Name, shown(), nil, notice("a", 1), unread("b", 1)), -1)
		outside += len(alone)
		if f.Name == "gitlab" && len(slices.Compact(slices.Sorted(slices.Values(alone)))) != len(alone) {
			t.Errorf("GitLab would merge entries: %v", alone)
		}
	}
	if outside < 14 { // 7 entries in each of SARIF and GitLab
		t.Errorf("%d fingerprints of notices and unreadable inputs", outside)
	}
}

func TestNoticeFingerprint(t *testing.T) {
	rules := baselineRules()
	base := audit.Notice{Rule: rules[0], Source: "a", Key: "k"}
	for name, n := range map[string]audit.Notice{
		"rule": {Rule: rules[1], Source: "a", Key: "k"}, "source": {Rule: rules[0], Source: "b", Key: "k"}, "key": {Rule: rules[0], Source: "a", Key: "l"},
	} {
		if n.Fingerprint() == base.Fingerprint() {
			t.Errorf("the %s is not part of the fingerprint", name)
		}
	}
	w := audit.Waiver{Rule: "a-b", Domains: "c", Device: "d", Reason: "r"}
	moved := audit.Waiver{Rule: "a-b", Domains: "c", Device: "d", Reason: "another", Pos: audit.Pos{Line: 9}}
	if moved.Key() != w.Key() {
		t.Error("the key of a waiver depends on its reason or place")
	}
	if other := (&audit.Waiver{Rule: "a-b", Domains: "c", Device: "e"}); other.Key() == w.Key() {
		t.Error("the key of a waiver does not contain the device")
	}
}
