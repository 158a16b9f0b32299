package policy_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/source"
)

// FuzzParse parses arbitrary bytes. There must be no panic; an error must name a place inside the
// file, in one printable line; an accepted edition must list only valid entries.
func FuzzParse(f *testing.F) {
	f.Add([]byte("name: site\ntargets:\n  x86_64: [q35]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := policy.Parse("site.yaml", data)
		if err != nil {
			for _, err := range all(err) {
				inside(t, data, err)
			}
			return
		}
		if e.Name == "" || len(e.Targets()) == 0 {
			t.Fatalf("accepted an edition without name or targets: %+v", e)
		}
		for _, target := range e.Targets() {
			for _, family := range e.Families(target) {
				g := policy.Guest{Target: policy.Target{Type: "kvm", OS: "hvm", Arch: archOf(t, target), Machine: family}}
				v := e.Judge(g)
				if v.Verdict == policy.Inside && v.Family != family {
					t.Errorf("%s on %s is inside as %q", family, target, v.Family)
				}
			}
		}
	})
}

// inside checks that the place of an error is in the file.
func inside(t *testing.T, data []byte, err error) {
	t.Helper()
	var p *source.Error
	if !errors.As(err, &p) {
		t.Fatalf("%T is not a source.Error: %v", err, err)
	}
	lines := bytes.Split(data, []byte("\n"))
	if p.Line < 1 || p.Column < 1 || p.Line > len(lines) {
		t.Fatalf("%v: no such line in %q", err, data)
	}
	if width := utf8.RuneCount(lines[p.Line-1]) + 1; p.Column > width && utf8.Valid(data) {
		t.Errorf("%v: line %d has no column %d in %q", err, p.Line, p.Column, data)
	}
	if strings.ContainsAny(p.Error(), "\n\x1b\x00") {
		t.Errorf("message is not one printable line: %q", p.Error())
	}
}

// all returns the errors that a joined error contains.
func all(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// archOf is the inverse of TargetOf.
func archOf(t *testing.T, target string) string {
	t.Helper()
	for _, a := range policy.Arches() {
		if policy.TargetOf(a) == target {
			return a
		}
	}
	t.Fatalf("no architecture of libvirt has the target %s", target)
	return ""
}

// FuzzParseMachine parses arbitrary names. There must be no panic, and a well-formed result must be
// consistent.
func FuzzParseMachine(f *testing.F) {
	for _, name := range []string{"pc", "pc-q35-9.2", "pc-1.3", "virt-rhel9.6.0", "pc-i440fx-noble-v2", "q35+pve0", "pseries-2.12-sxxm", "xenfv-4.2"} {
		f.Add("x86_64", name)
	}
	f.Add("aarch64", "virt-9.2+pve1")
	f.Fuzz(func(t *testing.T, target, name string) {
		m := policy.ParseMachine(target, name)
		switch {
		case m.Name != name || m.Target != target:
			t.Fatalf("lost the name: %+v", m)
		case m.WellFormed && m.Family == "", m.Alias && !m.WellFormed:
			t.Errorf("contradiction: %+v", m)
		case !m.WellFormed && (m.Vendor != "" || !m.Version.IsZero()):
			t.Errorf("half a name: %+v", m)
		case m.WellFormed && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.+-") != "":
			t.Errorf("well formed with strange characters: %q", name)
		}
		if stage, ok := m.StageIn(policy.NewestQEMU()); ok != (m.WellFormed && m.Vendor == "" && !m.Version.IsZero()) || ok == (stage == "") {
			t.Errorf("stage %q, %v of %+v", stage, ok, m)
		}
	})
}
