package live

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/testdata/libvirtd"
)

// fetched parses the documents of a host, by name and kind. A problem of the host fails the test.
func fetched(t *testing.T, h *Host) map[string]*audit.Domain {
	t.Helper()
	for _, p := range h.Problems {
		t.Errorf("problem: %v", p)
	}
	out := map[string]*audit.Domain{}
	for _, doc := range h.Documents {
		data, err := doc.Read()
		if err != nil {
			t.Fatal(err)
		}
		domains, err := domxml.LoadAll(doc.Source, data)
		if err != nil {
			t.Errorf("%v\n%s", err, data)
			continue
		}
		for _, d := range domains {
			d.Origin = doc.Origin.Merge(d.Origin)
			out[strings.TrimPrefix(doc.Source, h.URI+" ")+" "+string(d.Origin.Kind)] = d
		}
	}
	return out
}

const vnc = "<graphics type='vnc' listen='127.0.0.1' passwd='hunter2'/>"

// TestDaemon fetches guests in every state from a real libvirtd, over a connection that may read
// everything and over read-only ones.
func TestDaemon(t *testing.T) {
	daemon := libvirtd.Start(t, libvirtd.Options{})
	daemon.Define(libvirtd.Guest("idle", vnc))
	daemon.Define(libvirtd.Guest("runs", vnc))
	daemon.MustVirsh("start", "runs")
	daemon.Define(libvirtd.Guest("sleeps", vnc))
	daemon.MustVirsh("start", "sleeps")
	daemon.MustVirsh("managedsave", "sleeps")
	daemon.MustVirsh("create", daemon.File("passing.xml", libvirtd.Guest("passing", vnc)), "--paused")

	// A snapshot of the running guest, and a definition that has changed since.
	dump := daemon.MustVirsh("dumpxml", "runs", "--security-info")
	inactive := strings.NewReplacer("<domain ", "<inactiveDomain ", "</domain>", "</inactiveDomain>").Replace(daemon.MustVirsh("dumpxml", "runs", "--security-info", "--inactive"))
	daemon.MustVirsh("snapshot-create", "runs", daemon.File("s.xml", "<domainsnapshot><name>before</name><state>running</state><creationTime>1700000000</creationTime>"+
		"<memory snapshot='external' file='/tmp/mem'/>"+dump+inactive+"</domainsnapshot>"), "--redefine")

	t.Run("everything", func(t *testing.T) {
		h := Fetch(daemon.URI, Options{})
		got := fetched(t, h)
		want := []string{
			"idle (definition) definition",
			"passing (paused) running",
			"runs (definition) definition",
			"runs (running) running",
			"runs (snapshot before) snapshot",
			"runs (snapshot before) snapshot-inactive",
			"sleeps (definition) definition",
			"sleeps (managed save) saved",
		}
		if keys := sortedKeys(got); !slices.Equal(keys, want) {
			t.Errorf("got %q\nwant %q", keys, want)
		}
		for key, d := range got {
			if !d.SecretsShown() || len(d.Devices.Graphics) != 1 || d.Devices.Graphics[0].VNC.Passwd != "hunter2" {
				t.Errorf("%s: the password is not there", key)
			}
			if !d.Origin.Stated || d.Origin.Host != h.URI {
				t.Errorf("%s: origin %+v", key, d.Origin)
			}
			if d.Live() != strings.HasSuffix(key, " running") {
				t.Errorf("%s: live %v", key, d.Live())
			}
		}
		if d := got["runs (snapshot before) snapshot"]; d != nil && d.Origin.Label != "before" {
			t.Errorf("origin of the snapshot %+v", d.Origin)
		}
		if !strings.Contains(h.Capabilities, "<capabilities>") || !strings.Contains(h.DomainCapabilities, "<domainCapabilities>") || h.LibvirtVersion == "" || h.HypervisorVersion == "" || h.Hostname == "" {
			t.Errorf("facts: %d, %d bytes, %q, %q, %q", len(h.Capabilities), len(h.DomainCapabilities), h.LibvirtVersion, h.HypervisorVersion, h.Hostname)
		}
		if len(h.Notes) != 0 {
			t.Errorf("notes %q", h.Notes)
		}
	})

	// The read-only socket, the other socket with the read-only flag, and the read-only socket
	// without the flag.
	for name, uri := range map[string]string{
		"read-only socket":          "qemu:///system?socket=" + daemon.Socket + "-ro",
		"read-only by flag":         daemon.URI,
		"read-only socket, no flag": "qemu:///system?socket=" + daemon.Socket + "-ro",
	} {
		t.Run(name, func(t *testing.T) {
			h := Fetch(uri, Options{ReadOnly: !strings.HasSuffix(name, "no flag")})
			got := fetched(t, h)
			if len(got) != 8 {
				t.Errorf("got %q", sortedKeys(got))
			}
			for key, d := range got {
				if d.SecretsShown() || strings.Contains(d.Devices.Graphics[0].VNC.Passwd, "hunter") {
					t.Errorf("%s: shows a password, or SecretsShown is true", key)
				}
			}
			notes := strings.Join(h.Notes, "\n")
			if noted := strings.Contains(notes, "may not read passwords"); noted != strings.HasSuffix(name, "no flag") {
				t.Errorf("notes %q", notes)
			}
			if !strings.Contains(h.Capabilities, "<capabilities>") || h.DomainCapabilities != "" {
				t.Error("capabilities")
			}
		})
	}

	t.Run("named", func(t *testing.T) {
		uuid := strings.TrimSpace(daemon.MustVirsh("domuuid", "sleeps"))
		id := strings.TrimSpace(daemon.MustVirsh("domid", "runs"))
		h := Fetch(daemon.URI, Options{Guests: []string{"idle", strings.ToUpper(uuid), id, "missing"}})
		if len(h.Problems) != 1 || !strings.Contains(h.Problems[0].Error(), `no guest has the name, UUID or id "missing"`) {
			t.Errorf("problems %v", h.Problems)
		}
		h.Problems = nil
		var names []string
		for _, d := range fetched(t, h) {
			names = append(names, d.Name)
		}
		slices.Sort(names)
		if got := slices.Compact(names); !slices.Equal(got, []string{"idle", "runs", "sleeps"}) {
			t.Errorf("got %q", got)
		}
	})

	// The daemon's files contain the same guests as its replies.
	t.Run("files", func(t *testing.T) {
		var got []string
		for doc, err := range collect.Find([]string{
			daemon.Path("/etc/libvirt/qemu"), daemon.Path("/run/libvirt/qemu"),
			daemon.Path("/var/lib/libvirt/qemu/save"), daemon.Path("/var/lib/libvirt/qemu/snapshot"),
		}, collect.Options{}) {
			if err != nil {
				t.Error(err)
				continue
			}
			data, err := doc.Read()
			if err != nil {
				t.Error(err)
				continue
			}
			domains, err := domxml.LoadAll(doc.Source, data)
			if err != nil && strings.Contains(err.Error(), "holds no domain") {
				continue
			}
			if err != nil {
				t.Error(err)
				continue
			}
			for _, d := range domains {
				d.Origin = doc.Origin.Merge(d.Origin)
				got = append(got, d.Name+" "+string(d.Origin.Kind))
				if !d.SecretsShown() || d.Devices.Graphics[0].VNC.Passwd != "hunter2" {
					t.Errorf("%s: the password is not there", doc.Source)
				}
				if d.Name == "passing" && d.Origin.State != "paused" {
					t.Errorf("state %q", d.Origin.State)
				}
			}
		}
		slices.Sort(got)
		want := []string{
			"idle definition", "passing running", "runs definition", "runs running",
			"runs snapshot", "runs snapshot-inactive", "sleeps definition", "sleeps saved",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q\nwant %q", got, want)
		}
	})

	t.Run("several hosts", func(t *testing.T) {
		gone := "qemu:///system?socket=" + filepath.Join(t.TempDir(), "none")
		var got []string
		for h := range Hosts([]string{daemon.URI, gone, daemon.URI}, Options{Guests: []string{"idle"}, Timeout: time.Minute}) {
			got = append(got, h.URI)
			if dead := h.URI == gone; dead != (len(h.Problems) == 1) || dead == (len(h.Documents) == 1) {
				t.Errorf("%s: %d documents, problems %v", h.URI, len(h.Documents), h.Problems)
			}
		}
		if !slices.Equal(got, []string{daemon.URI, gone, daemon.URI}) {
			t.Errorf("got %q", got)
		}
	})
}

func sortedKeys(m map[string]*audit.Domain) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// TestDaemonOverNetwork fetches from a real libvirtd over TCP and TLS, from within its network
// namespace.
func TestDaemonOverNetwork(t *testing.T) {
	pki := certificates(t)
	daemon := libvirtd.Start(t, libvirtd.Options{
		Args: []string{"--listen"},
		Conf: fmt.Sprintf("listen_tcp = 1\nauth_tcp = \"none\"\nkey_file = \"%[1]s/serverkey.pem\"\ncert_file = \"%[1]s/servercert.pem\"\nca_file = \"%[1]s/cacert.pem\"\n", pki),
	})
	daemon.Define(libvirtd.Guest("a", vnc))
	conf := daemon.Path("/etc/libvirt/libvirtd.conf") // the first of two lines with the same key is effective
	text, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(conf, []byte(strings.Replace(string(text), "listen_tls = 0", "listen_tls = 1", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	daemon.Restart()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for uri, want := range map[string]string{
		"qemu+tcp://127.0.0.1/system":                                  "1 [] []\n",
		"qemu+tls://127.0.0.1/system?pkipath=" + pki:                   "1 [] []\n",
		"qemu+tls://127.0.0.1/system?pkipath=" + certificates(t):       "0 [",
		"qemu+tls://127.0.0.1/system?no_verify=1&pkipath=/nonexistent": "0 [",
		"qemu+tcp://127.0.0.1:1/system":                                "0 [",
		"qemu:///system":                                               "1 [] []\n", // the default socket
		"qemu+unix:///system":                                          "1 [] []\n",
	} {
		cmd := daemon.Command(self)
		cmd.Env = append(cmd.Env, "LIVE_TEST_FETCH="+uri)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), want) {
			t.Errorf("%s: %v: %s, want %s", uri, err, out, want)
		}
	}
}
