package policy_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// corpusRow is one line of machines.tsv: a machine of one build of QEMU, from libvirt's capability
// files and from QEMU's own listings.
type corpusRow struct {
	arch, qemu, machine, alias string
	deprecated                 bool
	source                     string
}

// corpus reads the machine names, which are stored outside of the repository.
func corpus(t *testing.T) []corpusRow {
	t.Helper()
	dir := need.Corpus(t)
	if dir == "" {
		t.SkipNow()
	}
	data, err := os.ReadFile(filepath.Join(dir, "machines.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []corpusRow
	for i, line := range strings.Split(strings.TrimRight(string(data), "\n"), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 7 {
			t.Fatalf("machines.tsv:%d: %d fields", i+1, len(f))
		}
		if i > 0 {
			rows = append(rows, corpusRow{f[0], f[1], f[2], f[3], f[5] == "yes", f[6]})
		}
	}
	return rows
}

// upstream is false for builds of vendors and listings without a version.
func (r corpusRow) upstream() bool {
	_, err := policy.ParseVersion(r.qemu)
	return err == nil
}

// foreign are names that begin like those of a listed family, but intentionally have another form.
var foreign = map[string]string{
	"rhel7.3.0": "an abbreviation in someone's configuration, no name of Red Hat's",
}

func TestCorpusNames(t *testing.T) {
	t.Parallel()
	// The form of the names of listed families, independent of the parser.
	prefixes := map[string][]string{
		"i386":            {"pc", "q35", "microvm", "xenfv", "xenpv", "rhel", "ubuntu"},
		"aarch64":         {"virt"},
		"arm":             {"virt"},
		"loongarch64":     {"virt"},
		"riscv32":         {"virt"},
		"riscv64":         {"virt"},
		"ppc64":           {"pseries"},
		"s390x":           {"s390-ccw-virtio"},
		"no other target": nil,
	}
	prefixes["x86_64"] = prefixes["i386"]
	recognised := 0
	for _, r := range corpus(t) {
		target := policy.TargetOf(r.arch)
		listed := slices.ContainsFunc(prefixes[target], func(p string) bool { return strings.HasPrefix(r.machine, p) })
		m := policy.ParseMachine(target, r.machine)
		switch {
		case foreign[r.machine] != "":
			if m.WellFormed {
				t.Errorf("%s is well formed, though it is %s", r.machine, foreign[r.machine])
			}
		case listed != m.WellFormed || listed != (m.Family != ""):
			t.Errorf("%s on %s (%s): %+v", r.machine, target, r.source, m)
		case listed:
			recognised++
		}
		if r.alias != "" && listed && r.upstream() {
			if a := policy.ParseMachine(target, r.alias); a.Family != m.Family || !a.WellFormed {
				t.Errorf("%s is an alias of %s, but %+v", r.alias, r.machine, a)
			}
		}
	}
	t.Logf("%d names of listed families recognised", recognised)
}

// A machine of a release must not be reported as removed or not yet introduced, and must be
// reported as deprecated if and only if it is deprecated in the release.
func TestCorpusStages(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, r := range corpus(t) {
		if !r.upstream() {
			continue
		}
		stage, ok := policy.ParseMachine(policy.TargetOf(r.arch), r.machine).StageIn(version(t, r.qemu))
		if !ok {
			continue
		}
		checked++
		want := policy.Supported
		if r.deprecated {
			want = policy.Deprecated
		}
		if stage == policy.Deprecated && want == policy.Supported && flagUnknown(t, r) {
			continue
		}
		if stage != want {
			t.Errorf("%s on %s in QEMU %s is %s, not %s (%s)", r.machine, r.arch, r.qemu, stage, want, r.source)
		}
	}
	t.Logf("%d stages compared", checked)
}

// flagUnknown reports whether the source of a row does not record deprecation.
func flagUnknown(t *testing.T, r corpusRow) bool {
	t.Helper()
	return version(t, r.qemu).Compare(version(t, "4.2")) < 0 // query-machines had no "deprecated"
}

// Conversely, a machine that a release lacks and another release has must be reported as removed or
// not yet introduced.
func TestCorpusAbsences(t *testing.T) {
	t.Parallel()
	type build struct{ arch, qemu, source string }
	names := map[string]map[string]bool{} // by architecture: every upstream versioned name
	has := map[build]map[string]bool{}
	for _, r := range corpus(t) {
		if !r.upstream() || !strings.HasPrefix(r.source, "libvirt ") || strings.Contains(r.source, "transcribed") {
			continue
		}
		if _, ok := policy.ParseMachine(policy.TargetOf(r.arch), r.machine).Life(); !ok {
			continue
		}
		b := build{r.arch, r.qemu, r.source}
		if names[r.arch] == nil {
			names[r.arch] = map[string]bool{}
		}
		if has[b] == nil {
			has[b] = map[string]bool{}
		}
		names[r.arch][r.machine], has[b][r.machine] = true, true
	}
	for b, present := range has {
		for name := range names[b.arch] {
			stage, _ := policy.ParseMachine(policy.TargetOf(b.arch), name).StageIn(version(t, b.qemu))
			if there := stage == policy.Supported || stage == policy.Deprecated; there != present[name] {
				t.Errorf("%s on %s in QEMU %s is %s, but its presence is %v (%s)", name, b.arch, b.qemu, stage, present[name], b.source)
			}
		}
	}
	t.Logf("%d builds compared", len(has))
}
