package domxml_test

import (
	"os"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/testdata/libvirtd"
)

// TestWrapperAndLibvirt passes to a real libvirtd snapshots with several domains in them, and its
// own file about a running guest with a second domain. Load must accept, keep and refuse the same.
func TestWrapperAndLibvirt(t *testing.T) {
	daemon := libvirtd.Start(t, libvirtd.Options{})
	daemon.Define(libvirtd.Guest("a", ""))
	daemon.MustVirsh("start", "a")
	titled := func(root, title string) string {
		return strings.NewReplacer("<domain ", "<"+root+" ", "</domain>", "</"+root+">", "<memory", "<title>"+title+"</title><memory").
			Replace(daemon.MustVirsh("dumpxml", "a", "--inactive"))
	}
	const untyped = "<domain><uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid></domain>"

	for name, c := range map[string]struct {
		body string
		want string // titles of the domains that are read; "" if libvirt refuses the document
	}{
		"two of each":        {titled("domain", "one") + titled("domain", "two") + titled("inactiveDomain", "three") + titled("inactiveDomain", "four"), "one three"},
		"inactive first":     {titled("inactiveDomain", "three") + titled("domain", "one"), "one three"},
		"foreign":            {"<f:domain xmlns:f='urn:f' type='kvm'/>" + titled("domain", "one"), "one"},
		"deeper":             {"<x>" + titled("domain", "two") + "</x>" + titled("domain", "one"), "one"},
		"first without type": {untyped + titled("domain", "one"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			id := strings.ReplaceAll(name, " ", "-")
			doc := "<w:domainsnapshot xmlns:w='urn:w'><name>" + id + "</name><state>running</state><creationTime>1700000000</creationTime>" +
				"<memory snapshot='external' file='/m'/>" + c.body + "</w:domainsnapshot>"
			_, err := daemon.Virsh("snapshot-create", "a", daemon.File("s.xml", doc), "--redefine")
			loaded, loadErr := domxml.LoadAll("s.xml", []byte(doc))
			if c.want == "" {
				if err == nil || loadErr == nil {
					t.Errorf("libvirt: %v, Load: %v", err, loadErr)
				}
				return
			}
			if err != nil || loadErr != nil {
				t.Fatalf("libvirt: %v, Load: %v", err, loadErr)
			}
			kept, err := domxml.LoadAll("kept", []byte(daemon.MustVirsh("snapshot-dumpxml", "a", id)))
			if err != nil {
				t.Fatal(err)
			}
			if a, b := titles(loaded), titles(kept); a != c.want || b != c.want {
				t.Errorf("Load reads %s, libvirt keeps %s, want %s", a, b, c.want)
			}
		})
	}

	// libvirt's own file about the guest, with added content.
	file := daemon.Path("/run/libvirt/qemu/a.xml")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d, err := domxml.Load(file, data)
	if err != nil {
		t.Fatal(err)
	}
	if o := d.Origin; o.Kind != domxml.Running || o.State != "running" || !d.SecretsShown() || !d.Live() || len(d.Dropped) != 0 {
		t.Errorf("origin %+v, dropped %v", o, d.Dropped)
	}
	head, rest, _ := strings.Cut(string(data), "<domain ")
	live, tail, _ := strings.Cut(rest, "</domstatus>")
	named := func(title string) string {
		return strings.Replace("<domain "+live, "<memory", "<title>"+title+"</title><memory", 1)
	}
	changed := head + "<f:domain xmlns:f='urn:f'/>" + named("one") + named("two") + "</domstatus>" + tail
	daemon.Stop()
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	daemon.Start()
	kept := daemon.MustVirsh("dumpxml", "a")
	domains, err := domxml.LoadAll(file, []byte(changed))
	if err != nil || titles(domains) != "one" || !strings.Contains(kept, "<title>one</title>") {
		t.Errorf("Load reads %s, %v; libvirt keeps\n%s", titles(domains), err, kept)
	}
}

// titles returns the title of the domain, then that of the inactive one.
func titles(domains []*domxml.Domain) string {
	var live, inactive string
	for _, d := range domains {
		if d.Origin.Kind == domxml.SnapshotInactive {
			inactive = d.Title
		} else {
			live = d.Title
		}
	}
	return strings.TrimSpace(live + " " + inactive)
}
