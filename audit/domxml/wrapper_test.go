package domxml_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/source"
)

// inner returns the ordinary document with another name and another root element.
func inner(root, name string) string {
	return strings.NewReplacer("<domain ", "<"+root+" ", "</domain>", "</"+root+">", "<name>web</name>", "<name>"+name+"</name>").Replace(body)
}

const (
	status     = "<domstatus state='paused' reason='user' pid='7'>\n<taint flag='custom-argv'/>\n<taint flag='host-cpu'/>\n<monitor path='/m' type='unix'/>\n"
	snapshot   = "<domainsnapshot>\n<name>before &amp; after</name>\n<description>d</description>\n"
	checkpoint = "<domaincheckpoint>\n<name>c1</name>\n"
)

func TestLoadAll(t *testing.T) {
	live := strings.Replace(inner("domain", "live"), "type='kvm'", "type='kvm' id='3'", 1)
	for name, c := range map[string]struct {
		doc     string
		names   string
		origins []domxml.Origin
		line    int // of the first domain's <name>
	}{
		"domain": {body, "web", []domxml.Origin{{Kind: domxml.Stored}}, 2},
		"live":   {live, "live", []domxml.Origin{{Kind: domxml.Running}}, 2},
		"status": {
			status + live + "</domstatus>\n", "live",
			[]domxml.Origin{{Kind: domxml.Running, Stated: true, Secrets: true, State: "paused", Taints: []string{"custom-argv", "host-cpu"}}},
			6,
		},
		"status without an id": { // a transient guest of another driver may look like this
			status + inner("domain", "a") + "</domstatus>", "a",
			[]domxml.Origin{{Kind: domxml.Running, Stated: true, Secrets: true, State: "paused", Taints: []string{"custom-argv", "host-cpu"}}},
			6,
		},
		"snapshot": {
			snapshot + inner("domain", "a") + inner("inactiveDomain", "b") + "<cookie><x/></cookie><active>1</active></domainsnapshot>", "a b",
			[]domxml.Origin{{Kind: domxml.Snapshot, Label: "before & after", Stated: true}, {Kind: domxml.SnapshotInactive, Label: "before & after", Stated: true}},
			5,
		},
		"snapshot, inactive first, name last": {
			"<domainsnapshot>" + inner("inactiveDomain", "b") + inner("domain", "a") + "<name>s</name></domainsnapshot>", "b a",
			[]domxml.Origin{{Kind: domxml.SnapshotInactive, Label: "s", Stated: true}, {Kind: domxml.Snapshot, Label: "s", Stated: true}},
			2,
		},
		"snapshot without a type": {
			snapshot + "<domain><uuid>x</uuid></domain>" + inner("inactiveDomain", "b") + "</domainsnapshot>", "b",
			[]domxml.Origin{{Kind: domxml.SnapshotInactive, Label: "before & after", Stated: true}},
			5,
		},
		"checkpoint":      {checkpoint + body + "</domaincheckpoint>", "web", []domxml.Origin{{Kind: domxml.Checkpoint, Label: "c1", Stated: true}}, 4},
		"prefixed root":   {"<w:domaincheckpoint xmlns:w='urn:w'>" + body + "</w:domaincheckpoint>", "web", []domxml.Origin{{Kind: domxml.Checkpoint, Stated: true}}, 2},
		"deeper is other": {checkpoint + "<x>" + inner("domain", "no") + "</x>" + body + "</domaincheckpoint>", "web", []domxml.Origin{{Kind: domxml.Checkpoint, Label: "c1", Stated: true}}, 19},
	} {
		t.Run(name, func(t *testing.T) {
			domains, err := domxml.LoadAll("f.xml", []byte(c.doc))
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for i, d := range domains {
				names = append(names, d.Name)
				if i < len(c.origins) && !sameOrigin(d.Origin, c.origins[i]) {
					t.Errorf("origin %+v, want %+v", d.Origin, c.origins[i])
				}
				if d.Devices.Disks[0].Source.File.File != "/ok.img" || d.Devices.Emulator == "" || len(d.Dropped) != 0 {
					t.Errorf("%s is not read completely", d.Name)
				}
				if pos := d.Pos(domxml.At("name")); d.Source != "f.xml" || strings.Split(c.doc, "\n")[pos.Line-1][pos.Column-1:pos.EndColumn-1] != "<name>"+d.Name {
					t.Errorf("%s: the name is at %+v", d.Name, pos)
				}
			}
			if got := strings.Join(names, " "); got != c.names {
				t.Errorf("domains %s, want %s", got, c.names)
			}
			if line := domains[0].Pos(domxml.At("name")).Line; line != c.line {
				t.Errorf("line %d, want %d", line, c.line)
			}
			if one, err := domxml.Load("f.xml", []byte(c.doc)); err != nil || one.Name != domains[0].Name {
				t.Errorf("Load: %v", err)
			}
		})
	}
}

func sameOrigin(a, b domxml.Origin) bool {
	return a.String() == b.String() && a.Kind == b.Kind && a.Stated == b.Stated && a.Secrets == b.Secrets && slices.Equal(a.Taints, b.Taints)
}

// TestWrapperRefused loads documents around a domain that libvirt refuses, and such that contain no
// domain.
func TestWrapperRefused(t *testing.T) {
	for name, c := range map[string]struct{ doc, want string }{
		"status without a domain":      {status + "</domstatus>", "f.xml:1:1: <domstatus> without <domain>"},
		"two statuses":                 {status + body + "</domstatus>" + status + body + "</domstatus>", "f.xml:20:13: a second root element <domstatus>: put each document"},
		"domain after a status":        {status + body + "</domstatus>" + body, "f.xml:20:13: a second root element <domain>"},
		"text after":                   {snapshot + body + "</domainsnapshot>x", "f.xml:19:18: text outside"},
		"truncated around":             {snapshot + body, "f.xml:19:1: the document ends in the middle"},
		"truncated in the second":      {snapshot + body + "<inactiveDomain type='kvm'><name>", "f.xml:19:34: the document ends in the middle"},
		"bad second domain":            {snapshot + body + "<inactiveDomain type='KVM'/></domainsnapshot>", "f.xml:19:17: unknown domain type"},
		"checkpoint without a type":    {checkpoint + "<domain><uuid>x</uuid></domain></domaincheckpoint>", "f.xml:3:1: <domain> has no type"},
		"type on the second only":      {snapshot + "<domain><uuid>x</uuid></domain>" + body + "</domainsnapshot>", "f.xml:4:32: a second <domain>, and the first has no type"},
		"default namespace outside":    {"<domstatus xmlns='urn:x'>" + body + "</domstatus>", "f.xml:1:1: a default namespace on <domstatus>"},
		"DOCTYPE":                      {"<!DOCTYPE domstatus>" + status + body + "</domstatus>", "f.xml:1:1: a DOCTYPE"},
		"crossed tags around":          {status + body + "</domainsnapshot>", "f.xml:20:1: <domstatus> is closed by </domainsnapshot>"},
		"attribute twice in a monitor": {"<domstatus><monitor a='1' a='2'/>" + body + "</domstatus>", "f.xml:1:12: <monitor> has the attribute a twice"},
		"foreign attribute inside":     {status + strings.Replace(body, "type='kvm'", "type='kvm' f:type='x'", 1) + "</domstatus>", "f.xml:5:1: the attribute f:type"},
		"depth, the wrapper counts":    {status + strings.Repeat("<x>", 257) + strings.Repeat("</x>", 257) + body + "</domstatus>", "f.xml:5:769: elements are nested more than"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := domxml.LoadAll("f.xml", []byte(c.doc))
			if _, ok := errors.AsType[*source.Error](err); !ok || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
	for _, doc := range []string{
		"<domainsnapshot><name>to-be</name></domainsnapshot>",
		snapshot + "<domain><uuid>x</uuid></domain></domainsnapshot>",
		checkpoint + "</domaincheckpoint>",
		"<f:domainsnapshot><domain type='kvm'/></f:domainsnapshot>", // an undeclared prefix is part of the name
	} {
		_, err := domxml.LoadAll("f.xml", []byte(doc))
		if other, ok := errors.AsType[*domxml.NotDomainError](err); !ok || other.Libvirt() == strings.HasPrefix(doc, "<f:") {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

// TestWrapperDropped loads a second domain, and one in a foreign namespace: libvirt reads the
// first.
func TestWrapperDropped(t *testing.T) {
	doc := status + "<f:domain xmlns:f='urn:f' type='kvm'/>\n" + inner("domain", "real") + inner("domain", "shown") + "<d:domain type='kvm'/></domstatus>"
	domains, err := domxml.LoadAll("f.xml", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	if len(domains) != 1 || domains[0].Name != "real" {
		t.Fatalf("%d domains, first %s", len(domains), domains[0].Name)
	}
	var got []string
	for _, e := range domains[0].Dropped {
		got = append(got, e.Name+" "+string(e.Reason))
		if line := domains[0].DroppedPos(e).Line; line != map[string]int{"f:domain": 5, "domain": 21, "d:domain": 36}[e.Name] {
			t.Errorf("%s in line %d", e.Name, line)
		}
	}
	if want := []string{"f:domain foreign namespace", "domain repeated", "d:domain foreign namespace"}; !slices.Equal(got, want) {
		t.Errorf("dropped %q, want %q", got, want)
	}
}

// TestWrapperNamespace declares a prefix on the outer element: libvirt reads both elements in one
// document.
func TestWrapperNamespace(t *testing.T) {
	doc := "<domstatus xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>" +
		strings.Replace(body, "</domain>", "<q:commandline><q:arg value='-device'/><q:arg value='nvme'/></q:commandline></domain>", 1) + "</domstatus>"
	d, err := domxml.Load("f.xml", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	if d.QEMUCommandline == nil || len(d.Command.Options) != 1 || !d.Has(domxml.At("qemu:commandline")) {
		t.Errorf("the command line is not read: %+v", d.Command)
	}
}

// TestWrapperSecrets requests excerpts of a document on one line: they contain no secret of the
// other domain or of the elements around them.
func TestWrapperSecrets(t *testing.T) {
	one := strings.ReplaceAll(body, "\n", "")
	graphics := func(s, password, arg string) string {
		return strings.NewReplacer(
			"</devices>", "<graphics type='vnc' passwd='"+password+"'/></devices>",
			"type='kvm'", "type='kvm' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'",
			"</domain>", "<q:commandline><q:arg value='-name'/><q:arg value='"+arg+"'/></q:commandline></domain>",
		).Replace(s)
	}
	doc := "<domainsnapshot>" + graphics(one, "hunter2", "harmless") +
		strings.NewReplacer("<domain ", "<inactiveDomain ", "</domain>", "</inactiveDomain>").Replace(graphics(one, "hunter3", "secret4")) + "</domainsnapshot>"
	doc = strings.Replace(doc, "value='-name'/><q:arg value='secret4'", "value='secret4'/><q:arg value='x'", 1)
	domains, err := domxml.LoadAll("f.xml", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	rule := &audit.Rule{ID: "a-b", Check: func(p *audit.Pass) {
		for _, at := range []string{"", "devices/graphics", "qemu:commandline/qemu:arg[1]", "qemu:commandline/qemu:arg[2]"} {
			p.Reportf(domxml.At(at), "x")
		}
	}}
	for _, d := range domains {
		if !d.SecretsShown() {
			t.Error("a document with a password counts as one without")
		}
		for _, f := range audit.Run(d, &audit.Settings{Rules: []*audit.Rule{rule}}).Findings {
			for _, secret := range []string{"hunter2", "hunter3", "secret4"} {
				if strings.Contains(f.Excerpt.Line, secret) {
					t.Errorf("%s is shown: %s", secret, f.Excerpt.Line)
				}
			}
		}
	}
}
