package domxml_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// define passes a document to libvirt's own reader, that of the built-in test driver, and returns
// what libvirt kept of it.
func define(t *testing.T, doc string) (kept string, err error) {
	t.Helper()
	need.Programs(t, "virsh")
	file := filepath.Join(t.TempDir(), "vm.xml")
	if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("virsh", "-q", "-c", "test:///default", "define "+file+"; dumpxml --inactive --security-info web")
	cmd.Env = append(os.Environ(), "LC_ALL=C", "HOME="+t.TempDir())
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", &exec.Error{Name: "virsh", Err: err}
	}
	i := strings.Index(string(out), "<domain")
	if i < 0 {
		t.Fatalf("virsh printed no domain: %s%s", out, stderr.String())
	}
	return string(out)[i:], nil
}

// testDomain returns the ordinary document for libvirt's test driver, which accepts no other domain
// type.
func testDomain(t *testing.T, old, changed string) string {
	t.Helper()
	doc := strings.NewReplacer("type='kvm'", "type='test'", " machine='pc-q35-9.2'", "", "x86_64", "i686").Replace(body)
	old = strings.NewReplacer("'kvm'", "'test'", "x86_64", "i686").Replace(old)
	if !strings.Contains(doc, old) {
		t.Fatalf("the document holds no %q", old)
	}
	return strings.Replace(doc, old, changed, 1)
}

// TestKept passes the same bytes to libvirt and to Load, and compares the results.
func TestKept(t *testing.T) {
	graphics := "<graphics type='vnc' port='5901' listen='127.0.0.1'/>"
	for name, c := range map[string]struct{ old, new string }{
		"plain":                           {"<os>", "<os>"},
		"two os":                          {"</os>", "</os><os><type arch='x86_64'>xen</type></os>"},
		"kernel in a second os":           {"</os>", "</os><os><kernel>/k</kernel></os>"},
		"two types":                       {"</type>", "</type><type arch='x86_64'>xen</type>"},
		"two emulators":                   {"</emulator>", "</emulator><emulator>/bin/sh</emulator>"},
		"two loaders":                     {"</os>", "<loader>/a</loader><loader>/b</loader></os>"},
		"two memories":                    {"</memory>", "</memory><memory unit='KiB'>131072</memory>"},
		"two sources of a disk":           {"<source file='/ok.img'/>", "<source file='/etc/shadow'/><source file='/ok.img'/>"},
		"two targets of a disk":           {"bus='virtio'/>", "bus='virtio'/><target dev='sdx' bus='scsi'/>"},
		"two drivers of a disk":           {"<source file", "<driver name='qemu' type='qcow2'/><driver name='qemu' type='raw'/><source file"},
		"two sources of an interface":     {"</devices>", "<interface type='network'><mac address='52:54:00:00:00:01'/><source network='default'/><source network='other'/></interface></devices>"},
		"two macs":                        {"</devices>", "<interface type='network'><mac address='52:54:00:00:00:01'/><mac address='52:54:00:00:00:02'/><source network='default'/></interface></devices>"},
		"two devices":                     {"<name>", "<devices><disk type='file'><source file='/a.img'/><target dev='vdz' bus='virtio'/></disk></devices><name>"},
		"two features":                    {"<devices>", "<features><acpi/></features><features><apic/></features><devices>"},
		"foreign element":                 {"</os>", "</os><f:os xmlns:f='urn:f'><type>xen</type></f:os>"},
		"foreign device":                  {"</devices>", "<f:graphics xmlns:f='urn:f' type='vnc'/></devices>"},
		"element under a default space":   {"<devices>", "<on_crash xmlns='urn:x'>preserve</on_crash><devices>"},
		"undeclared prefix of an element": {"<devices>", "<f:on_crash>preserve</f:on_crash><devices>"},
		"hypervisor's space elsewhere":    {"<os>", "<os><q:kernel xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>/k</q:kernel>"},
		"interface without a type":        {"</devices>", "<interface><mac address='52:54:00:00:00:01'/></interface></devices>"},
		"hostdev without a mode":          {"</devices>", "<hostdev type='usb'><source><vendor id='0x1234'/><product id='0xbeef'/></source></hostdev></devices>"},
		"controller without a type":       {"</devices>", "<controller index='3'/></devices>"},
		"hexadecimal numbers":             {"</devices>", "<controller type='pci' index='1' model='pcie-expander-bus'><target busNr='0x10'/></controller></devices>"},
		"octal numbers":                   {"</devices>", "<controller type='pci' index='1' model='pcie-expander-bus'><target busNr='010'/></controller></devices>"},
		"id that is not a number":         {"type='kvm'", "type='test' id='abc'"},
		"empty machine":                   {"arch='x86_64'", "arch='i686' machine=''"},
		"white space in an attribute":     {"/ok.img", "/a\n\tb\r\nc"},
		"text in pieces":                  {">/usr/bin", ">/usr<!-- x --><![CDATA[/]]>bin"},
		"byte order mark":                 {"<domain", "\xef\xbb\xbf<domain"},
		"metadata":                        {"<os>", "<metadata><a:x xmlns:a='urn:a' b='1'><a:y/></a:x></metadata><os>"},
		"blank before a comment":          {">/usr/bin", "> \n<!-- x -->/usr/bin"},
		"blank as a reference":            {"ok.img", "ok&#32;.img"},
		"blank in CDATA":                  {">/usr/bin", "><!-- x --><![CDATA[ ]]>/usr/bin"},
		"OS type after a blank":           {"hvm", " <!-- x -->hvm"},
		"text between elements":           {"<disk type", "// the disk\n<disk type"},
		"text before elements":            {"<target dev", "x<target dev"},
		"commandline by a default space":  {"</os>", "</os><commandline xmlns='http://libvirt.org/schemas/domain/qemu/1.0'/>"},
		"the xml prefix declared":         {"<os>", "<os xmlns:xml='http://www.w3.org/XML/1998/namespace'>"},
		"attribute of metadata":           {"<os>", "<metadata f:x='1' xmlns:f='urn:f' xml:lang='de'/><os>"},
		"graphics":                        {"</devices>", graphics + "</devices>"},
	} {
		t.Run(name, func(t *testing.T) {
			doc := testDomain(t, c.old, c.new)
			loaded, err := domxml.Load("vm.xml", []byte(doc))
			if err != nil {
				t.Fatal(err)
			}
			kept, err := define(t, doc)
			if err != nil {
				t.Fatalf("libvirt refuses it: %v", err)
			}
			reloaded, err := domxml.Load("dumpxml", []byte(kept))
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range reloaded.Dropped {
				t.Errorf("a part of libvirt's own output is dropped: <%s>", d.Name)
			}
			if a, b := summary(loaded), summary(reloaded); a != b {
				t.Errorf("Load reads\n%s\nlibvirt keeps\n%s", a, b)
			}
		})
	}
}

// summary lists what the cases of TestKept change, without what libvirt adds by itself.
func summary(d *domxml.Domain) string {
	var out []string
	add := func(parts ...string) { out = append(out, strings.Join(parts, " ")) }
	add(d.Type, d.OS.Type.Type, d.OS.Type.Arch, "kernel", d.OS.Kernel)
	if d.OS.Loader != nil {
		add("loader", d.OS.Loader.Path)
	}
	add("emulator", d.Devices.Emulator, "on_crash", orDefault(d.OnCrash, "destroy"))
	if d.Memory.Value != 65536 {
		add("memory is another")
	}
	if d.Features.ACPI != nil || d.Features.APIC != nil {
		add("features", has(d.Features.ACPI != nil), has(d.Features.APIC != nil))
	}
	for _, disk := range d.Devices.Disks {
		format := "raw"
		if disk.Driver != nil && disk.Driver.Type != "" {
			format = disk.Driver.Type
		}
		target := ""
		if disk.Target != nil {
			target = disk.Target.Dev + " " + disk.Target.Bus
		}
		add("disk", disk.Source.File.File, format, target)
	}
	for _, i := range d.Devices.Interfaces {
		if i.Source.User != nil {
			add("interface user")
		}
		if i.Source.Network != nil {
			add("interface network", i.Source.Network.Network)
		}
		if i.MAC != nil {
			add("mac", i.MAC.Address)
		}
	}
	for _, c := range d.Devices.Controllers {
		if c.Type == "usb" || c.Type == "pci" && c.Model == "pcie-root" || c.Type == "virtio-serial" {
			continue // libvirt adds these
		}
		number := ""
		if c.PCI != nil && c.PCI.Target != nil && c.PCI.Target.BusNr != nil {
			number = strconv.FormatUint(uint64(*c.PCI.Target.BusNr), 10)
		}
		add("controller", c.Type, number)
	}
	for _, h := range d.Devices.Hostdevs {
		add("hostdev", has(h.SubsysUSB != nil))
	}
	for _, g := range d.Devices.Graphics {
		add("graphics", has(g.VNC != nil))
	}
	if d.Metadata != nil {
		add("metadata", strings.ReplaceAll(strings.Join(strings.Fields(d.Metadata.XML), ""), `"`, "'"))
	}
	slices.Sort(out) // libvirt sorts disks by their target
	return strings.Join(out, "\n")
}

func has(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// TestBothRefuse passes to libvirt what Load refuses. If libvirt accepts the document, the case
// states why Load does not.
func TestBothRefuse(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("<x>", n) + strings.Repeat("</x>", n) }
	for name, c := range map[string]struct {
		old, new string
		stricter string // why Load is stricter than libvirt
	}{
		"type in capitals":          {old: "'kvm'", new: "'TEST'"},
		"type with blanks":          {old: "'kvm'", new: "' test '"},
		"unknown type":              {old: "'kvm'", new: "'quantum'"},
		"no type":                   {old: " type='kvm'", new: ""},
		"os type with blanks":       {old: "hvm", new: " hvm "},
		"os type in capitals":       {old: "hvm", new: "HVM"},
		"arch of another tool":      {old: "x86_64", new: "amd64"},
		"arch in capitals":          {old: "x86_64", new: "I686"},
		"attribute twice":           {old: "type='kvm'", new: "type='test' type='kvm'"},
		"attributes without space":  {old: "<memory unit='KiB'", new: "<memory unit='KiB'dumpCore='on'"},
		"text after the root":       {old: "</domain>", new: "</domain>x"},
		"text before the root":      {old: "<domain", new: "x<domain"},
		"CDATA before the root":     {old: "<domain", new: "<![CDATA[ ]]><domain"},
		"second root":               {old: "</domain>", new: "</domain><domain/>"},
		"default namespace":         {old: "type='kvm'", new: "type='test' xmlns='urn:x'"},
		"undeclared entity":         {old: "hvm", new: "&h;"},
		"late declaration":          {old: "<domain", new: "\n<?xml version='1.0'?><domain"},
		"wrong latin-1":             {old: "web", new: "w\xe9b"},
		"control character":         {old: "web", new: "w\x01b"},
		"control character by name": {old: "web", new: "w&#1;b"},
		"crossed tags":              {old: "</os>", new: "</type>"},
		"depth of 258":              {old: "</domain>", new: deep(257) + "</domain>"},
		"two dashes in a comment":   {old: "<os>", new: "<!-- a -- b --><os>"},
		"not a number":              {old: "65536", new: "many"},
		"two balloons":              {old: "</devices>", new: "<memballoon model='none'/><memballoon model='virtio'/></devices>"},
		"two feature switches":      {old: "<devices>", new: "<features><pmu state='on'/><pmu state='off'/></features><devices>", stricter: "libvirt takes the last here, and the first elsewhere"},
		"machine in a second os":    {old: "</os>", new: "</os><os><type machine='x'>hvm</type></os>", stricter: "libvirt takes the machine of the second, and all else of the first"},
		"element inside text":       {old: "/usr/bin/", new: "/usr/<x>bin</x>/", stricter: "libvirt reads the text of the inner element as part of the path"},
		"foreign feature":           {old: "<devices>", new: "<features><f:pmu xmlns:f='urn:f' state='on'/></features><devices>", stricter: "libvirt reads features of any namespace"},
		"DOCTYPE":                   {old: "<domain", new: "<!DOCTYPE domain [<!ENTITY h 'hvm'>]><domain", stricter: "entities are expanded by some readers only"},
		"XML 1.1":                   {old: "<domain", new: "<?xml version='1.1'?><domain", stricter: "XML 1.1 has other rules for characters and ends of lines"},
		"empty prefix":              {old: "<os>", new: "<os xmlns:f=''>", stricter: "libvirt ignores the declaration, others obey it"},
		"xml as the default":        {old: "<os>", new: "<os xmlns='http://www.w3.org/XML/1998/namespace'>", stricter: "libvirt ignores the declaration, others obey it"},
		"attribute in a namespace":  {old: "type='kvm'", new: "type='test' f:type='kvm' xmlns:f='urn:f'", stricter: "stricter or ignored, depending on the attribute"},
	} {
		t.Run(name, func(t *testing.T) {
			doc := testDomain(t, c.old, c.new)
			if _, err := domxml.Load("vm.xml", []byte(doc)); err == nil {
				t.Error("Load accepts it")
			}
			switch _, err := define(t, doc); {
			case err == nil && c.stricter == "":
				t.Error("libvirt accepts it")
			case err != nil && c.stricter != "":
				t.Errorf("libvirt refuses it too, although: %s", c.stricter)
			}
		})
	}
	t.Run("depth of 257", func(t *testing.T) {
		doc := testDomain(t, "</domain>", deep(256)+"</domain>")
		if _, err := define(t, doc); err != nil {
			t.Error("libvirt refuses it")
		}
		if _, err := domxml.Load("vm.xml", []byte(doc)); err != nil {
			t.Error(err)
		}
	})
}

// TestBlanks generates patterns of text, white space, comments and the like, and compares what
// libvirt and Load keep of them.
func TestBlanks(t *testing.T) {
	pieces := []string{" ", "x", "<!--c-->", "<?p?>", "<![CDATA[y]]>", "<![CDATA[ ]]>", "&#32;", "&amp;", "\n\tz ", "\r\n", "\r"}
	patterns := []string{""}
	for i := 0; len(patterns) < 1+11+121+1331; i++ {
		for _, p := range pieces {
			patterns = append(patterns, patterns[i]+p)
		}
	}
	var script strings.Builder
	dir := t.TempDir()
	docs := make([]string, len(patterns))
	for i, p := range patterns {
		docs[i] = strings.Replace(testDomain(t, "web", "web"+strconv.Itoa(i)), "<memory", "<description>"+p+"</description><memory", 1)
		file := filepath.Join(dir, strconv.Itoa(i)+".xml")
		if err := os.WriteFile(file, []byte(docs[i]), 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&script, "define %s\ndumpxml web%d\n", file, i)
	}
	cmd := exec.Command("virsh", "-q", "-c", "test:///default")
	cmd.Env = append(os.Environ(), "LC_ALL=C", "HOME="+dir)
	cmd.Stdin = strings.NewReader(script.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	kept := strings.Split(string(out), "<domain type")[1:]
	if len(kept) != len(docs) {
		t.Fatalf("libvirt kept %d of %d documents", len(kept), len(docs))
	}
	refused := 0
	for i, doc := range docs {
		dump, _, _ := strings.Cut(kept[i], "</domain>")
		reloaded := load(t, "<domain type"+dump+"</domain>")
		loaded, err := domxml.Load("vm.xml", []byte(doc))
		if err != nil {
			refused++ // the versions of libvirt differ
			continue
		}
		if loaded.Description != reloaded.Description {
			t.Errorf("%q: Load reads %q, libvirt keeps %q", patterns[i], loaded.Description, reloaded.Description)
		}
		if text, _ := loaded.Text(domxml.At("description")); text != loaded.Description {
			t.Errorf("%q: the index reads %q, the decoder %q", patterns[i], text, loaded.Description)
		}
	}
	if refused > len(docs)/20 {
		t.Errorf("%d of %d documents are refused", refused, len(docs))
	}
}
