package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/testdata/libvirtd"
)

// reportDoc is what the tests read of a JSON report.
type reportDoc struct {
	Domains []struct {
		Source, Name string
		Origin       struct{ Kind, Host, State string }
		Boundary     struct{ Verdict, Reason string }
		Findings     []struct{ Rule, Message, Path, Drift string }
		NotEvaluated []struct{ Rule string } `json:"not_evaluated"`
	}
	Unreadable []struct{ Source, Message string }
}

// reported runs a command line and reads its report, which must be one by the schema.
func reported(t *testing.T, args ...string) (r reportDoc, stderr string) {
	t.Helper()
	out, stderr := typed(t, append(args, "--format", "json")...)
	schema, err := jsonschema.NewCompiler().Compile("../../audit/report/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(out))
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", args, err, out, stderr)
	}
	if err := schema.Validate(doc); err != nil {
		t.Errorf("%v: %v", args, err)
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	return r, stderr
}

// lines sums a report up: one line for each finding of the rules, and for each domain.
func (r reportDoc) lines(rules ...string) []string {
	var out []string
	for _, d := range r.Domains {
		kind := d.Name + " " + d.Origin.Kind
		if d.Origin.Kind == "" {
			kind += "definition" // a plain file
		}
		out = append(out, strings.TrimSpace(kind+" "+d.Boundary.Verdict))
		for _, f := range d.Findings {
			if len(rules) == 0 || slices.Contains(rules, f.Rule) {
				out = append(out, strings.Join(strings.Fields(kind+": "+f.Rule+" "+f.Message+" "+f.Drift), " "))
			}
		}
	}
	slices.Sort(out)
	return out
}

// TestWaysIn has guests of a real libvirtd that run differently from what is stored, and audits
// them live, from the daemon's files, and from a save image: the same is found, and each finding
// states when it is fixed.
func TestWaysIn(t *testing.T) {
	daemon := libvirtd.Start(t, libvirtd.Options{})
	vnc := func(listen string) string {
		return "<graphics type='vnc' port='-1' autoport='yes' listen='" + listen + "'/>"
	}
	daemon.Define(libvirtd.Guest("web", vnc("0.0.0.0")))
	daemon.MustVirsh("start", "web")
	uuid := strings.TrimSpace(daemon.MustVirsh("domuuid", "web"))
	daemon.Define(strings.Replace(libvirtd.Guest("web", vnc("127.0.0.1")), "</name>", "</name><uuid>"+uuid+"</uuid>", 1))

	daemon.Define(libvirtd.Guest("db", vnc("127.0.0.1")))
	daemon.MustVirsh("start", "db")
	uuid = strings.TrimSpace(daemon.MustVirsh("domuuid", "db"))
	daemon.Define(strings.Replace(libvirtd.Guest("db", vnc("0.0.0.0")), "</name>", "</name><uuid>"+uuid+"</uuid>", 1))

	daemon.Define(libvirtd.Guest("old", vnc("0.0.0.0")))
	daemon.MustVirsh("start", "old")
	daemon.MustVirsh("managedsave", "old")
	uuid = strings.TrimSpace(daemon.MustVirsh("domuuid", "old"))
	daemon.Define(strings.Replace(libvirtd.Guest("old", vnc("127.0.0.1")), "</name>", "</name><uuid>"+uuid+"</uuid>", 1))

	folders := []string{daemon.Path("/etc/libvirt/qemu"), daemon.Path("/run/libvirt/qemu"), daemon.Path("/var/lib/libvirt/qemu/save"), daemon.Path("/var/lib/libvirt/qemu/snapshot")}
	want := []string{
		"db definition outside",
		"db definition: endpoint-vnc-public at-next-start",
		"db running outside",
		"old definition outside",
		"old saved outside",
		"old saved: endpoint-vnc-public in-saved-state",
		"web definition outside",
		"web running outside",
		"web running: endpoint-vnc-public until-restart",
	}
	// Rules about the host know it over a connection only, where capabilities are available.
	live, stderr := reported(t, "-c", daemon.URI, "--skip-rule", "confinement-no-mac-host")
	files, _ := reported(t, append(folders, "--one-host", "--skip-rule", "confinement-no-mac-host")...)
	for way, r := range map[string]reportDoc{"live": live, "files": files} {
		for i := range r.Domains {
			for j := range r.Domains[i].Findings {
				f := &r.Domains[i].Findings[j]
				f.Message, _, _ = strings.Cut(f.Message, " (") // it names a document
				if f.Rule == "endpoint-vnc-public" {
					f.Message = ""
				}
			}
		}
		if got := r.lines("endpoint-vnc-public"); !slices.Equal(got, want) {
			t.Errorf("%s: %s\nwant %s\n%s", way, strings.Join(got, "\n"), strings.Join(want, "\n"), stderr)
		}
		for _, e := range r.Unreadable {
			t.Errorf("%s: %s: %s", way, e.Source, e.Message)
		}
	}
	if a, b := live.lines(), files.lines(); !slices.Equal(a, b) {
		t.Errorf("live:\n%s\nfiles:\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
	}
	for _, d := range live.Domains {
		if d.Origin.Host != daemon.URI || !strings.HasPrefix(d.Source, daemon.URI+" "+d.Name+" (") {
			t.Errorf("%s: origin %+v", d.Source, d.Origin)
		}
	}
	if out, _ := typed(t, "-c", daemon.URI, "web"); !strings.Contains(out, "but  fixed on disk, still exposed until restart") || !strings.Contains(out, "(running)") || strings.Contains(out, "db") {
		t.Errorf("the text report does not say it:\n%s", out)
	}

	t.Run("one host down", func(t *testing.T) {
		l, err := net.Listen("unix", filepath.Join(t.TempDir(), "mute"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		mute := "qemu:///system?socket=" + l.Addr().String()
		r, stderr := reported(t, "-c", mute, "-c", daemon.URI, "-c", daemon.URI+"-ro", "--timeout", "5s", "-r", "web")
		if len(r.Unreadable) != 1 || r.Unreadable[0].Source != mute || len(r.Domains) != 4 || !strings.Contains(stderr, "no answer within 5s") {
			t.Errorf("errors %+v, %d domains\n%s", r.Unreadable, len(r.Domains), stderr)
		}
		var hosts []string
		for _, d := range r.Domains {
			hosts = append(hosts, d.Origin.Host)
		}
		if got := slices.Compact(hosts); !slices.Equal(got, []string{daemon.URI, daemon.URI + "-ro"}) {
			t.Errorf("hosts %q", got)
		}
	})
	t.Run("libvirt's variable", func(t *testing.T) {
		t.Setenv("LIBVIRT_DEFAULT_URI", daemon.URI)
		if r, _ := reported(t); len(r.Domains) != 6 {
			t.Errorf("%d domains", len(r.Domains))
		}
		if r, _ := reported(t, "../../testdata/fleet/web01.xml"); len(r.Domains) != 1 || r.Domains[0].Origin.Host != "" {
			t.Errorf("a file is not read: %+v", r.Domains)
		}
	})
}

// TestFactsOfDaemon bundles what a real libvirtd reports about its host, and judges by the bundle
// alone a guest that states no architecture.
func TestFactsOfDaemon(t *testing.T) {
	d := libvirtd.Start(t, libvirtd.Options{})
	bundle := filepath.Join(t.TempDir(), "facts.json")
	if _, stderr := typed(t, "facts", "--connect", d.URI, "-o", bundle); stderr != "" {
		t.Fatal(stderr)
	}
	guest := filepath.Join(t.TempDir(), "guest.xml")
	if err := os.WriteFile(guest, []byte("<domain type='kvm'><name>g</name><os><type>hvm</type></os></domain>"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r, _ := reported(t, guest); r.Domains[0].Boundary.Reason != "arch-absent" {
		t.Errorf("without facts: %+v", r.Domains[0].Boundary)
	}
	if r, _ := reported(t, "--facts", bundle, guest); r.Domains[0].Boundary.Verdict != "inside" {
		t.Errorf("with facts: %+v", r.Domains[0].Boundary)
	}
	if _, stderr := typed(t, "facts", "--connect", "qemu:///system?socket=/nowhere", "-o", bundle); !strings.Contains(stderr, "/nowhere") {
		t.Errorf("no daemon: %q", stderr)
	}
}

func TestConnectUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-c", "qemu:///system?socket=/none", "--timeout", "0s"}, cmdutil.ExitUsage, "--timeout: must be positive"},
		{[]string{"-c", "qemu:///system?socket=/none", "--timeout", "soon"}, cmdutil.ExitUsage, "--timeout"},
		{[]string{"-c", ""}, cmdutil.ExitInput, "empty connection URI"},
		{[]string{"-c", "qemu+libssh://127.0.0.1:1/system?sshauth=agent,nonsense"}, cmdutil.ExitInput, "sshauth=agent,nonsense: unknown sshauth"},
		{[]string{"-c", "web.xml"}, cmdutil.ExitInput, "not a connection URI"},
		{[]string{"-c", "qemu:///system?socket=/none"}, cmdutil.ExitInput, "/none"},
		{[]string{"-c", "qemu+tcp://u:hunter2@127.0.0.1:1/system"}, cmdutil.ExitInput, "u:****@127.0.0.1:1"},
	} {
		var out, errOut strings.Builder
		code := run(append([]string{"virt-audit"}, c.args...), os.Stdin, &out, &errOut)
		if code != c.code || !strings.Contains(errOut.String(), c.want) || strings.Contains(out.String()+errOut.String(), "hunter2") {
			t.Errorf("%v: %d, %s%s\nwant %d, %s", c.args, code, out.String(), errOut.String(), c.code, c.want)
		}
	}
}
