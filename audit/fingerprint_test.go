package audit

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// TestFingerprint changes what must not affect the fingerprint, and what must.
func TestFingerprint(t *testing.T) {
	fingerprints := func(text string) map[string]bool {
		d, err := domxml.Load("x.xml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		res := Run(d, &Settings{Rules: []*Rule{onDisks}})
		out := map[string]bool{}
		for i := range res.Findings {
			out[res.Fingerprint(&res.Findings[i])] = true
		}
		return out
	}
	first, second := "<disk><target dev='vda'/></disk>", "<disk type='file'><target dev='vdb'/></disk>"
	doc := func(disks ...string) string {
		return "<domain type='kvm'><name>a</name><devices>" + strings.Join(disks, "") + "</devices></domain>"
	}
	was := fingerprints(doc(first, second))
	if len(was) != 2 {
		t.Fatalf("%d fingerprints of 2 findings", len(was))
	}
	for name, text := range map[string]string{
		"order":       doc(second, first),
		"lines":       "\n\n" + strings.ReplaceAll(doc(first, second), "><", ">\n<"),
		"white space": strings.ReplaceAll(doc(first, second), "<disk type", "<disk  type"),
	} {
		for f := range fingerprints(text) {
			if !was[f] {
				t.Errorf("%s: a fingerprint changed", name)
			}
		}
	}
	for name, text := range map[string]string{
		"guest":   strings.Replace(doc(first), ">a<", ">b<", 1),
		"device":  doc(strings.Replace(first, "vda", "vdc", 1)),
		"content": doc(strings.Replace(second, "file", "block", 1)),
	} {
		for f := range fingerprints(text) {
			if was[f] {
				t.Errorf("%s: the fingerprint is the same", name)
			}
		}
	}
}

// atPaths reports a finding at each path.
func atPaths(paths ...string) *Rule {
	return &Rule{ID: "at-paths", Check: func(p *Pass) {
		for _, path := range paths {
			p.Reportf(At(path), "something")
		}
	}}
}

// TestFingerprintContent changes one part of what a finding is about.
func TestFingerprintContent(t *testing.T) {
	const head, tail = "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>a</name>", "</domain>"
	disk := func(source string) string {
		return "<devices><disk type='file' device='disk'><driver name='qemu'/>" + source + "<target dev='vda'/><shareable/></disk></devices>"
	}
	hostdev := func(source string) string {
		return "<devices><hostdev mode='subsystem' type='pci'><source>" + source + "</source></hostdev></devices>"
	}
	command := func(inside string) string { return "<qemu:commandline>" + inside + "</qemu:commandline>" }
	const device, netdev = "<qemu:arg value='-device'/><qemu:arg value='e1000,netdev=n'/>", "<qemu:arg value='-netdev'/><qemu:arg value='tap,id=n'/>"
	const shareable, bus, all, env = "devices/disk/shareable", "devices/hostdev", "qemu:commandline", "qemu:commandline/qemu:env[1]@name"
	for name, test := range map[string]struct {
		path, was, is string
		same          bool
	}{
		"another image":              {path: shareable, was: disk("<source file='/a'/>"), is: disk("<source file='/b'/>")},
		"another volume":             {path: shareable, was: disk("<source pool='p' volume='a'/>"), is: disk("<source pool='p' volume='b'/>")},
		"another host of an image":   {path: shareable, was: disk("<source protocol='nbd'><host name='a'/></source>"), is: disk("<source protocol='nbd'><host name='b'/></source>")},
		"the number of a source":     {path: shareable, was: disk("<source file='/a'/>"), is: disk("<source file='/a' index='1'/>"), same: true},
		"another PCI device":         {path: bus, was: hostdev("<address domain='0x0000' bus='0x06' slot='0x02' function='0x0'/>"), is: hostdev("<address domain='0x0000' bus='0x06' slot='0x03' function='0x0'/>")},
		"another USB device":         {path: bus, was: hostdev("<vendor id='0x1234'/><product id='0x1'/>"), is: hostdev("<vendor id='0x1234'/><product id='0x2'/>")},
		"where a USB device is":      {path: bus, was: hostdev("<vendor id='0x1234'/><product id='0x1'/>"), is: hostdev("<vendor id='0x1234'/><product id='0x1'/><address bus='1' device='4'/>"), same: true},
		"another argument":           {path: all, was: command(device), is: command(device + netdev)},
		"another value":              {path: all, was: command(netdev), is: command(strings.Replace(netdev, "tap,", "tap,script=/x,", 1))},
		"an argument's value":        {path: all + "/qemu:arg[2]@value", was: command(device), is: command(strings.Replace(device, "e1000", "nvme", 1))},
		"elsewhere on the line":      {path: all + "/qemu:arg[2]@value", was: command(device), is: command(device + netdev), same: true},
		"another place on the line":  {path: all, was: command(device), is: command("\n\n<!-- -->" + device), same: true},
		"another preloaded library":  {path: env, was: command("<qemu:env name='LD_PRELOAD' value='/a.so'/>"), is: command("<qemu:env name='LD_PRELOAD' value='/b.so'/>")},
		"a variable":                 {path: all, was: command("<qemu:env name='LD_PRELOAD' value='/a.so'/>"), is: command("<qemu:env value='/b.so' name='LD_PRELOAD'/>")},
		"a variable's secret":        {path: env, was: command("<qemu:env name='VNC_PASSWORD' value='a'/>"), is: command("<qemu:env name='VNC_PASSWORD' value='b'/>"), same: true},
		"an argument's secret":       {path: all, was: command(`<qemu:arg value='-object'/><qemu:arg value='secret,id=s,data=a'/>`), is: command(`<qemu:arg value='-object'/><qemu:arg value='secret,id=s,data=b'/>`), same: true},
		"an argument's text":         {path: all, was: command(`<qemu:arg value='-append'/><qemu:arg value='luks=a'/>`), is: command(`<qemu:arg value='-append'/><qemu:arg value='luks=b'/>`), same: true},
		"a secret in JSON":           {path: all, was: command(`<qemu:arg value='-blockdev'/><qemu:arg value='{"a":[{"password":"a"}]}'/>`), is: command(`<qemu:arg value='-blockdev'/><qemu:arg value='{"a":[{"password":"b"}]}'/>`), same: true},
		"a password":                 {path: "devices/graphics", was: "<devices><graphics type='vnc' passwd='a'/></devices>", is: "<devices><graphics type='vnc' passwd='b'/></devices>", same: true},
		"on the second line":         {path: "devices/graphics", was: "<devices><graphics type='vnc'/></devices>", is: "<devices><graphics type='vnc'\n  listen='0.0.0.0'/></devices>"},
		"a port of libvirt's":        {path: "devices/graphics", was: "<devices><graphics type='vnc' port='-1' autoport='yes'/></devices>", is: "<devices><graphics type='vnc' port='5901' autoport='yes'/></devices>", same: true},
		"a port":                     {path: "devices/graphics", was: "<devices><graphics type='vnc' port='5900' autoport='no'/></devices>", is: "<devices><graphics type='vnc' port='5901' autoport='no'/></devices>"},
		"quotes, order, white space": {path: "devices/graphics", was: "<devices><graphics type='vnc' listen='::'/></devices>", is: "<devices><graphics\n\tlisten = \"::\"   type=\"vnc\"\n></graphics></devices>", same: true},
		"a text":                     {path: "devices/emulator", was: "<devices><emulator>/a</emulator></devices>", is: "<devices><emulator>/b</emulator></devices>"},
		"lines around a text":        {path: "devices/emulator", was: "<devices><emulator>/a</emulator></devices>", is: "<devices>\n<!-- x --><sound model='ich9'/><emulator>\n/a</emulator></devices>", same: true},
		"a network's bridge":         {path: "devices/interface/model", was: "<devices><interface type='network'><source network='n'/><model type='x'/></interface></devices>", is: "<devices><interface type='network'><source network='n' bridge='virbr0' portid='1'/><target dev='vnet3'/><model type='x'/><alias name='net0'/></interface></devices>", same: true},
		"a card's defaults":          {path: "devices/video/model", was: "<devices><video><model type='qxl'/></video></devices>", is: "<devices><video><model type='qxl' ram='65536' vram='65536' vram64='0' vgamem='16384' heads='1' primary='yes'/></video></devices>", same: true},
		"another card":               {path: "devices/video/model", was: "<devices><video><model type='qxl'/></video></devices>", is: "<devices><video><model type='cirrus'/></video></devices>"},
		"the case of a MAC address":  {path: "devices/interface/model", was: "<devices><interface type='user'><mac address='52:54:00:AB:CD:EF'/><model type='x'/></interface></devices>", is: "<devices><interface type='user'><mac address='52:54:00:ab:cd:ef'/><model type='x'/></interface></devices>", same: true},
		"another MAC address":        {path: "devices/interface/mac", was: "<devices><interface type='user'><mac address='52:54:00:AB:CD:EF'/></interface></devices>", is: "<devices><interface type='user'><mac address='52:54:00:ab:cd:ee'/></interface></devices>"},
		"another bridge":             {path: "devices/interface/model", was: "<devices><interface type='bridge'><source bridge='a'/><model type='x'/></interface></devices>", is: "<devices><interface type='bridge'><source bridge='b'/><model type='x'/></interface></devices>"},
	} {
		one := func(text string) string {
			d, err := domxml.Load("x.xml", []byte(head+text+tail))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			res := Run(d, &Settings{Rules: []*Rule{atPaths(test.path)}})
			return res.Fingerprint(&res.Findings[0])
		}
		if was := one(test.was); was != one(test.was) || (was == one(test.is)) != test.same {
			t.Errorf("%s: the same fingerprint: %t", name, !test.same)
		}
	}
}

// TestFingerprintRunning changes the id of a running guest, which is different at each start.
func TestFingerprintRunning(t *testing.T) {
	found := map[string]bool{}
	for _, id := range []string{"", " id='1'", " id='2'"} {
		d, err := domxml.Load("x.xml", []byte("<domain type='kvm'"+id+"><name>a</name></domain>"))
		if err != nil {
			t.Fatal(err)
		}
		res := Run(d, &Settings{Rules: []*Rule{onBoundary}})
		found[res.Fingerprint(&res.Findings[0])] = true
	}
	if len(found) != 1 {
		t.Errorf("%d fingerprints", len(found))
	}
}

// TestFingerprintKey compares findings at one place: key and data are part of the identity, the
// message is not.
func TestFingerprintKey(t *testing.T) {
	report := func(f func(p *Pass)) string {
		d, err := domxml.Load("x.xml", []byte("<domain type='kvm'><name>a</name><devices><disk/></devices></domain>"))
		if err != nil {
			t.Fatal(err)
		}
		res := Run(d, &Settings{Rules: []*Rule{{ID: "keyed", Check: f}}})
		return res.Fingerprint(&res.Findings[0])
	}
	at := At("devices/disk")
	one := report(func(p *Pass) { p.Key("one", "a", "b").Reportf(at, "words") })
	for name, test := range map[string]struct {
		same   bool
		report func(p *Pass)
	}{
		"other words":    {true, func(p *Pass) { p.Key("one", "a", "b").Reportf(at, "others, %d of them", 2) }},
		"other severity": {true, func(p *Pass) { p.Key("one", "a", "b").ReportAs(Critical, at, "words") }},
		"other key":      {false, func(p *Pass) { p.Key("two", "a", "b").Reportf(at, "words") }},
		"no key":         {false, func(p *Pass) { p.Reportf(at, "words") }},
		"other data":     {false, func(p *Pass) { p.Key("one", "a", "c").Reportf(at, "words") }},
		"joined data":    {false, func(p *Pass) { p.Key("one", "ab").Reportf(at, "words") }},
		"no data":        {false, func(p *Pass) { p.Key("one").Reportf(at, "words") }},
	} {
		if same := report(test.report) == one; same != test.same {
			t.Errorf("%s: the same fingerprint: %t", name, same)
		}
	}
	secret := func(word string) string {
		return report(func(p *Pass) { p.Key("one", "https://user:"+word+"@host/").Reportf(at, "words") })
	}
	if secret("example-1") != secret("example-2") {
		t.Error("a secret is in a fingerprint")
	}
}
