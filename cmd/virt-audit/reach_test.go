package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/testdata/libvirtd"
)

// TestReachSchema validates lists of what guests touch against the schema that is the contract.
func TestReachSchema(t *testing.T) {
	c := jsonschema.NewCompiler()
	var id string
	for _, file := range []string{"report.schema.json", "reach.schema.json"} {
		text, err := os.ReadFile("../../audit/report/" + file)
		if err != nil {
			t.Fatal(err)
		}
		part, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err == nil {
			id, _ = part.(map[string]any)["$id"].(string)
			err = c.AddResource(id, part)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	schema, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "broken.xml")
	if err := os.WriteFile(broken, []byte("<domain"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"../../testdata/fleet", "../../testdata/noise"},
		{"../../testdata/rules"},
		{"../../testdata/rules", "--shared"},
		{"../../testdata/rules", "--shared", "--all", "--one-host"},
		{"../../testdata/rules", "--path", "/var/lib"},
		{"../../testdata/rules", "--shared", "--path", "/dev"},
		{"../../testdata/fleet/web01.xml", "--path", "/nothing", "--shared"},
		{"../../testdata/fleet/web01.xml", "--path", "/nothing"},
		{broken},
		{broken, "--shared", filepath.Join(t.TempDir(), "absent.xml")},
		{t.TempDir()},
	} {
		out, errOut := typed(t, append([]string{"reach", "--format", "json"}, args...)...)
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
		if err != nil {
			t.Fatalf("%v: %v\n%s%s", args, err, out, errOut)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// TestGoldenReach compares whole lists in each format.
func TestGoldenReach(t *testing.T) {
	t.Chdir("../..")
	t.Setenv("COLUMNS", "80")
	was := version
	version = "VERSION"
	t.Cleanup(func() { version = was })
	const clash = "testdata/rules/fleet-share-contains-host-asset"
	lists := map[string][]string{
		"reach.color.txt":  {"--color", "always", "testdata/noise/windows11.xml", "testdata/noise/proxmox-like.xml"},
		"reach.shared.txt": {"--shared", "--all", clash, "testdata/noise"},
		"reach.path.txt":   {"--path", "/var/lib/libvirt", "testdata/fleet"},
	}
	for format, extension := range map[string]string{"text": ".txt", "json": ".json", "csv": ".csv"} {
		lists["reach"+extension] = []string{"--format", format, "testdata/noise"}
		if format != "text" {
			lists["reach.shared"+extension] = []string{"--format", format, "--shared", clash, "testdata/noise"}
		}
	}
	for file, args := range lists {
		out, _ := typed(t, append([]string{"reach", "-j", "2"}, args...)...)
		generated(t, filepath.Join("testdata", "golden", file), []byte(out))
	}
}

// reachLists are command lines for every list and format.
func reachLists(args ...string) [][]string {
	var out [][]string
	for _, format := range report.ReachFormats() {
		for _, list := range [][]string{nil, {"--shared", "--all", "--one-host"}, {"--path", "/"}} {
			out = append(out, append(append([]string{"reach", "--no-config", "--verbose", "--format", format}, list...), args...))
		}
	}
	return out
}

// TestReachStable lists the same directory with one job and with many: the lists must not differ.
func TestReachStable(t *testing.T) {
	for _, args := range reachLists("../../testdata/rules") {
		one, _ := typed(t, append(args, "-j", "1")...)
		many, _ := typed(t, append(args, "-j", "16")...)
		if one != many || len(one) < 1000 {
			t.Errorf("%v: the list depends on the number of jobs, or there is none", args)
		}
	}
}

// TestReachLive lists guests of a real libvirtd: what two of them touch is on its host, and an
// argument names a guest.
func TestReachLive(t *testing.T) {
	daemon := libvirtd.Start(t, libvirtd.Options{})
	for _, name := range []string{"web", "db"} {
		daemon.Define(libvirtd.Guest(name, "<disk type='file'><source file='/srv/data.img'/><target dev='vda'/></disk>"))
	}
	out, errOut := typed(t, "reach", "--no-config", "-c", daemon.URI, "--shared", "--path", "/srv", "-f", "csv")
	for _, name := range []string{"web", "db"} {
		if !regexp.MustCompile(`(?m)^shared,[^,]*,\d+,\d+,`+name+`,[^,]+,definition,`+regexp.QuoteMeta(daemon.URI)+`,file,/srv/data.img,.*,written-by-several,2,`).MatchString(out) || errOut != "" {
			t.Errorf("%s is missing:\n%s%s", name, out, errOut)
		}
	}
	out, errOut = typed(t, "reach", "--no-config", "-c", daemon.URI, "web")
	if !strings.Contains(out, "/srv/data.img") || !strings.Contains(out, "1 guest touches") || errOut != "" {
		t.Errorf("one guest:\n%s%s", out, errOut)
	}
}
