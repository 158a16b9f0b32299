package policy_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/source"
)

func TestBuiltin(t *testing.T) {
	t.Parallel()
	names := policy.Names()
	if !slices.Equal(names, []string{"qemu-11.1", "qemu-10.2", "qemu-rfc-2025-09"}) {
		t.Fatalf("Names() = %v", names)
	}
	for _, name := range names {
		e := named(t, name)
		if e.Name != name || e.Title == "" || e.Date == "" || !strings.HasPrefix(e.Source, "https://") || len(e.Evidence) == 0 {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if policy.Default() != named(t, "qemu-11.1") {
		t.Error("the default is not the edition of that name")
	}
	_, err := policy.Named("qemu-9.0")
	if err == nil || err.Error() != `unknown policy "qemu-9.0": one of qemu-11.1, qemu-10.2, qemu-rfc-2025-09` {
		t.Errorf("unknown edition: %v", err)
	}
}

// TestOneFile: a new edition requires only a file in the directory. The newest is the default.
func TestOneFile(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{}
	for _, name := range policy.Names() {
		data, err := os.ReadFile(name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		dir[name+".yaml"] = &fstest.MapFile{Data: data}
	}
	dir["qemu-99.0.yaml"] = &fstest.MapFile{Data: []byte("name: qemu-99.0\ndate: 2099-04-01\ntargets: {x86_64: [q35]}\n")}
	dir["qemu-10.3.yaml"] = &fstest.MapFile{Data: []byte("name: qemu-10.3\ndate: 2026-04-01\ntargets: {x86_64: [q35]}\n")}
	editions, err := policy.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range editions {
		names = append(names, e.Name)
	}
	if want := []string{"qemu-99.0", "qemu-11.1", "qemu-10.3", "qemu-10.2", "qemu-rfc-2025-09"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	dir["qemu-10.4.yaml"] = &fstest.MapFile{Data: []byte("name: qemu-10.4\n")}
	if _, err := policy.List(dir); err == nil || err.Error() != "qemu-10.4.yaml: missing date" {
		t.Errorf("an edition without a date: %v", err)
	}
}

// The lists are repeated here, so that a typing error in a data file is not taken for a change of
// policy.
func TestBuiltinLists(t *testing.T) {
	t.Parallel()
	const released = "aarch64=virt i386=microvm,xenfv,xenpv,xenpvh,pc,q35 loongarch64=virt ppc64=pseries " +
		"riscv32=virt riscv64=virt s390x=s390-ccw-virtio x86_64=microvm,xenfv,xenpv,xenpvh,pc,q35 ?"
	want := map[string]string{
		"qemu-11.1": released,
		"qemu-10.2": released,
		"qemu-rfc-2025-09": "aarch64=virt i386=microvm,xenfv,xenpv,xenpvh,pc,q35,isapc loongarch64=virt " +
			"s390x=s390-ccw-virtio x86_64=microvm,xenfv,xenpv,xenpvh,pc,q35,isapc " +
			"?ppc,ppc64,mips,mipsel,mips64,mips64el,riscv32,riscv64",
	}
	for name, list := range want {
		e := named(t, name)
		var b strings.Builder
		for _, target := range e.Targets() {
			fmt.Fprintf(&b, "%s=%s ", target, strings.Join(e.Families(target), ","))
		}
		fmt.Fprintf(&b, "?%s", strings.Join(e.Undecided(), ","))
		if b.String() != list {
			t.Errorf("%s\n got %s\nwant %s", name, b.String(), list)
		}
	}
}

// TestScope: the exclusions of 11.1, which no earlier edition has.
func TestScope(t *testing.T) {
	t.Parallel()
	var ids []string
	for _, x := range named(t, "qemu-11.1").Scope() {
		ids = append(ids, x.ID)
		if x.Text == "" || strings.HasSuffix(x.Text, ".") {
			t.Errorf("%s: %q", x.ID, x.Text)
		}
	}
	if want := strings.Fields("crashes backends memory degradation nested low-severity"); !slices.Equal(ids, want) {
		t.Errorf("scope %v, want %v", ids, want)
	}
	for _, name := range []string{"qemu-10.2", "qemu-rfc-2025-09"} {
		if e := named(t, name); len(e.Scope()) > 0 || e.Excludes(policy.Backends) {
			t.Errorf("%s has a scope", name)
		}
	}
	e, err := policy.Parse("site.yaml", []byte("name: site\ntargets: {x86_64: [q35]}\nscope:\n  backends: not ours\n"))
	if err != nil || !e.Excludes(policy.Backends) {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestEditionDoesNotChange(t *testing.T) {
	t.Parallel()
	e := named(t, "qemu-rfc-2025-09")
	e.Targets()[0] = "changed"
	e.Families("x86_64")[0] = "changed"
	e.Undecided()[0] = "changed"
	if e.Targets()[0] == "changed" || e.Families("x86_64")[0] == "changed" || e.Undecided()[0] == "changed" {
		t.Error("callers can change an edition")
	}
	if got := e.Families("avr"); len(got) != 0 {
		t.Errorf("avr lists %v", got)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	e, err := policy.Parse("site.yaml", []byte("\ufeff# ours\nname: 'site'\ntitle: Our list, \"ü\" and all\nsource: https://example.org/\n"+
		"evidence: [ticket 1]\ntargets:\n  x86_64:\n  - q35 # only\n  aarch64: [virt, \"sbsa-ref\"]\nundecided: [riscv64]\n"))
	if err != nil {
		t.Fatal(err)
	}
	if e.Name != "site" || e.Title != `Our list, "ü" and all` || e.Source != "https://example.org/" || !slices.Equal(e.Evidence, []string{"ticket 1"}) {
		t.Errorf("%+v", e)
	}
	if !slices.Equal(e.Targets(), []string{"aarch64", "x86_64"}) || !slices.Equal(e.Families("aarch64"), []string{"virt", "sbsa-ref"}) ||
		!slices.Equal(e.Undecided(), []string{"riscv64"}) {
		t.Errorf("%+v", e)
	}
	crlf, err := policy.Parse("site.yaml", []byte("name: site\r\ntargets:\r\n  x86_64:\r\n  - pc\r\n  - q35\r\n"))
	if err != nil || !slices.Equal(crlf.Families("x86_64"), []string{"pc", "q35"}) {
		t.Errorf("CRLF: %+v, %v", crlf, err)
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	const head = "name: site\ntargets:\n  x86_64: [q35]\n"
	tests := []struct{ file, want string }{
		{"", "1:1: the file is empty"},
		{"# nothing\n", "1:1: the file is empty"},
		{"- q35\n", "1:1: the file is not a mapping of keys to values"},
		{"q35\n", "1:1: the file is not a mapping of keys to values"},
		{head + "---\nname: b\n", "4:1: a second document: a file holds one policy"},
		{"name: [\n", "1:7: sequence end token ']' not found"},
		{"name: a\nname: b\n" + head[11:], "2:1: mapping key \"name\" already defined at [1:1]"},
		{"'name': a\n\"name\": b\n", "2:1: mapping key \"name\" already defined at [1:1]"},
		{"targets:\n  x86_64: [pc]\n  \"x86\\u005f64\": [q35]\n", "3:3: mapping key \"x86_64\" already defined at [2:3]"},
		{"\"a\\eb\": 1\n\"a\\eb\": 2\n", "2:1: mapping key \"a\\x1bb\" already defined at [1:1]"},
		{head + "? a\n: b\n", "4:1: must be a string, not a YAML mappingkey"},
		{head + "<<: {a: b}\n", "4:1: must be a string, not a YAML mergekey"},
		{"name: \"a\xffb\"\n", "1:9: the file is not UTF-8"},
		{"# ü\n\nx: ü\xff", "3:5: the file is not UTF-8"},
		{strings.Repeat("#", 16<<10+1), "1:1: the file is larger than 16384 bytes"},

		{"targets:\n  x86_64: [q35]\n", "1:1: missing name"},
		{"name: site\n", "1:1: missing targets"},
		{"name:\ntargets: {x86_64: [q35]}\n", "1:1: name has no value; give it a value or remove the key"},
		{"name: ' '\ntargets: {x86_64: [q35]}\n", "1:7: empty string"},
		{"name: 10.2\ntargets: {x86_64: [q35]}\n", "1:7: must be a string, not a number; put it in quotes"},
		{"name: true\ntargets: {x86_64: [q35]}\n", "1:7: must be a string, not a boolean; put it in quotes"},
		{"name: [a]\ntargets: {x86_64: [q35]}\n", "1:7: must be a string, not a list"},
		{"name: {a: b}\ntargets: {x86_64: [q35]}\n", "1:7: must be a string, not a mapping"},
		{"name: &a site\ntargets: {x86_64: [q35]}\n", "1:7: must be a string, not a YAML anchor"},
		{"name: our site\ntargets: {x86_64: [q35]}\n", "1:7: invalid name \"our site\"; use letters, digits, '.', '_' and '-', and begin with a letter or digit"},
		{"name: qemu-10.2\ntargets: {x86_64: [q35]}\n", "1:7: the name \"qemu-10.2\" is that of a built-in policy"},
		{head + "title: \"a\\e[1m\"\n", "4:8: the string contains a character that cannot be printed"},
		{head + "target: x\n", "4:1: unknown key \"target\"; did you mean 'targets'?"},
		{head + "comment: x\n", "4:1: unknown key \"comment\""},
		{head + "3: x\n", "4:1: must be a string, not a number; put it in quotes"},

		{"name: site\ntargets:\n", "2:1: targets has no value; give it a value or remove the key"},
		{"name: site\ntargets: {}\n", "2:1: targets is empty"},
		{"name: site\ntargets: [q35]\n", "2:10: targets must be a mapping of targets to machine families"},
		{"name: site\ntargets:\n  x86_64:\n", "3:3: x86_64 has no value; give it a value or remove the key"},
		{"name: site\ntargets:\n  x86_64: []\n", "3:11: target x86_64 has no machine family"},
		{"name: site\ntargets:\n  x86_64: q35\n", "3:11: x86_64 must be a list, not a string"},
		{"name: site\ntargets: {ü: [pc], x86_46: [q35]}\n", "2:11: unknown architecture \"ü\"|2:20: unknown architecture \"x86_46\"; did you mean 'x86_64'?"},
		{"name: site\ntargets:\n  i686: [pc]\n", "3:3: unknown architecture \"i686\"; did you mean 'i386'?"},
		{"name: site\ntargets:\n  ppc64le: [pseries]\n", "3:3: unknown architecture \"ppc64le\"; did you mean 'ppc64'?"},
		{"name: site\ntargets:\n  amd64: [pc]\n", "3:3: unknown architecture \"amd64\"; did you mean 'x86_64'?"},
		{"name: site\ntargets:\n  arm64: [virt]\n", "3:3: unknown architecture \"arm64\"; did you mean 'aarch64'?"},
		{"name: site\ntargets:\n  x86: [pc]\n", "3:3: unknown architecture \"x86\"; did you mean 'i386'?"},
		{"name: site\ntargets:\n  itanium: [pc]\n", "3:3: unknown architecture \"itanium\""},
		{"name: site\ntargets:\n  x86_64:\n    - q35\n    - ''\n", "5:7: empty string"},
		{"name: site\ntargets:\n  x86_64:\n    - q35\n    - 'q 35'\n", "5:7: invalid machine family \"q 35\"; use letters, digits, '.', '_' and '-', and begin with a letter or digit"},
		{"name: site\ntargets:\n  x86_64: [-q35]\n", "3:12: invalid machine family \"-q35\"; use letters, digits, '.', '_' and '-', and begin with a letter or digit"},
		{"name: site\ntargets:\n  x86_64: [q35,  \"pc\", q35]\n", "3:24: \"q35\" is in x86_64 twice"},
		{"name: site\ntargets:\n  x86_64: [pc-q35-9.2]\n", "3:12: \"pc-q35-9.2\" is a member of machine family q35; list the family"},
		{"name: site\ntargets:\n  x86_64: [1.0]\n", "3:12: must be a string, not a number; put it in quotes"},
		{"name: site\ntargets:\n  x86_64: [[q35]]\n", "3:12: must be a string, not a list"},

		{head + "undecided: riscv64\n", "4:12: undecided must be a list, not a string"},
		{head + "undecided: [riscv64, riscv46]\n", "4:22: unknown architecture \"riscv46\"; did you mean 'riscv64'?"},
		{head + "undecided: [riscv64, riscv64]\n", "4:22: \"riscv64\" is in undecided twice"},
		{head + "undecided: [riscv64, x86_64]\n", "4:22: target x86_64 is both listed and undecided"},
		{head + "scope: [memory]\n", "4:8: scope must be a mapping of names to sentences"},
		{head + "scope: {a b: c}\n", "4:9: invalid name \"a b\"; use letters, digits, '.', '_' and '-', and begin with a letter or digit"},
		{head + "scope: {memory: 1}\n", "4:17: must be a string, not a number; put it in quotes"},
		{"undecided: [x86_64]\n" + head, "1:13: target x86_64 is both listed and undecided"},
		{head + "date: 12/2025\n", "4:7: \"12/2025\" is not a date such as 2025-12-23"},
		{head + "evidence: x\n", "4:11: evidence must be a list, not a string"},

		// All errors together, in the order of the file.
		{
			"\nnam: site\ntargets:\n  amd64: [pc]\n  x86_64: []\n",
			"2:1: unknown key \"nam\"; did you mean 'name'?|2:1: missing name|4:3: unknown architecture \"amd64\"; did you mean 'x86_64'?|5:11: target x86_64 has no machine family",
		},
	}
	for _, tt := range tests {
		e, err := policy.Parse("site.yaml", []byte(tt.file))
		if err == nil || e != nil {
			t.Errorf("%q is accepted", tt.file)
			continue
		}
		want := "site.yaml:" + strings.ReplaceAll(tt.want, "|", "\nsite.yaml:")
		if err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", tt.file, err, want)
		}
		var p *source.Error
		if !errors.As(err, &p) || p.File != "site.yaml" {
			t.Errorf("%q: not a source.Error: %#v", tt.file, err)
		}
	}
}
