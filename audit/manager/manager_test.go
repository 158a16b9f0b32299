package manager_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/manager"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// TestOf reads a document of each manager that leaves a mark. The documents are in the form that
// the manager writes, and cut to what matters.
func TestOf(t *testing.T) {
	t.Parallel()
	files := map[manager.Manager]string{
		manager.Nova:     "../../testdata/noise/nova.xml",
		manager.KubeVirt: "../../testdata/noise/kubevirt.xml",
	}
	unmarked := []manager.Manager{manager.Terraform, manager.NixVirt, manager.VirtManager}
	for _, m := range manager.All() {
		if slices.Contains(unmarked, m) {
			continue
		}
		file, ok := files[m]
		if !ok {
			file = filepath.Join("testdata", string(m)+".xml")
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := manager.Of(load(t, string(data))); got != m {
			t.Errorf("%s: %q, want %q", file, got, m)
		}
	}
}

// TestOfUnmarked reads documents of tools that leave no mark of an owner.
func TestOfUnmarked(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"virt-install", "libvirt-stored", "libvirt-live", "windows11", "proxmox-like"} {
		data, err := os.ReadFile("../../testdata/noise/" + name + ".xml")
		if err != nil {
			t.Fatal(err)
		}
		if got := manager.Of(load(t, string(data))); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

const (
	novaInstance = `<n:instance xmlns:n="http://openstack.org/xmlns/libvirt/nova/1.1"/>`
	cockpitData  = `<c:data xmlns:c="https://github.com/cockpit-project/cockpit-machines"/>`
)

// TestOfMark varies the marks: what libvirt does not keep as metadata is not one.
func TestOfMark(t *testing.T) {
	t.Parallel()
	metadata := func(content string) string { return "<metadata>" + content + "</metadata>" }
	system := func(entries string) string {
		return "<sysinfo type='smbios'><system>" + entries + "</system></sysinfo>"
	}
	const (
		foundation = "<entry name='manufacturer'>Apache Software Foundation</entry>"
		product    = "<entry name='product'>CloudStack KVM Hypervisor</entry>"
	)
	disk := func(alias string) string {
		return "<devices><disk type='file'><source file='/a'/><target dev='vda'/><alias name='" + alias + "'/></disk></devices>"
	}
	for _, test := range []struct {
		name, content string
		want          manager.Manager
	}{
		{"another prefix", metadata(novaInstance), manager.Nova},
		{"the old namespace", metadata(strings.Replace(novaInstance, "1.1", "1.0", 1)), manager.Nova},
		{"a later namespace", metadata(strings.Replace(novaInstance, "1.1", "1.10", 1)), ""},
		{"another element", metadata(strings.Replace(novaInstance, "n:instance", "n:flavor", 1)), ""},
		{"with a slash", metadata(strings.Replace(novaInstance, `1.1"`, `1.1/"`, 1)), ""},
		{"a comment", metadata("<!-- " + novaInstance + " -->"), ""},
		{"text", metadata("http://openstack.org/xmlns/libvirt/nova/1.1 instance"), ""},
		{"no namespace", metadata("<instance/>"), ""},
		{"an undeclared prefix", metadata("<nova:instance/>"), ""},
		{"a declaration without an element", "<metadata xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'/>", ""},
		{"inside another element", metadata("<x:y xmlns:x='u:x'>" + novaInstance + "</x:y>"), ""},
		{"outside of metadata", novaInstance, ""},
		{"second element of its namespace", metadata(strings.Replace(novaInstance, "n:instance", "n:flavor", 1) + novaInstance), ""},
		{"title and description", "<title>OpenStack Nova</title><description>http://kubevirt.io</description>", ""},
		{"name", "<name>instance-0000002a</name>", ""},
		{"sysinfo of Nova", system("<entry name='product'>OpenStack Nova</entry>"), ""},
		{"only the tune of oVirt", metadata(`<ovirt-tune:qos xmlns:ovirt-tune="http://ovirt.org/vm/tune/1.0"/>`), manager.OVirt},
		{"libosinfo", metadata(`<l:libosinfo xmlns:l="http://libosinfo.org/xmlns/libvirt/domain/1.0"/>`), ""},
		{"owner before creator", metadata(cockpitData + novaInstance), manager.Nova},
		{"CloudStack", system(foundation + product), manager.CloudStack},
		{"only the manufacturer", system(foundation), ""},
		{"only the product", system(product), ""},
		{"the manufacturer twice", system(foundation + foundation), ""},
		{"of the board", "<sysinfo type='smbios'><baseBoard>" + foundation + product + "</baseBoard></sysinfo>", ""},
		{"Vagrant", disk("ua-box-volume-0"), manager.Vagrant},
		{"a later disk of Vagrant", disk("ua-box-volume-12"), manager.Vagrant},
		{"without a number", disk("ua-box-volume-"), ""},
		{"a longer alias", disk("ua-box-volume-0-copy"), ""},
		{"an alias of libvirt", disk("virtio-disk0"), ""},
		{"description of Vagrant", "<description>Source: /p/Vagrantfile</description>", ""},
	} {
		if got := manager.Of(load(t, "<domain type='kvm'>"+test.content+"</domain>")); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// TestAt names a manager for a site.
func TestAt(t *testing.T) {
	t.Parallel()
	const plain = "<domain type='kvm'/>"
	nova := "<domain type='kvm'><metadata>" + novaInstance + "</metadata></domain>"
	cockpit := "<domain type='kvm'><metadata>" + cockpitData + "</metadata></domain>"
	for _, test := range []struct {
		site     manager.Manager
		document string
		want     manager.Manager
	}{
		{"", plain, ""},
		{"", nova, manager.Nova},
		{"", cockpit, manager.Cockpit},
		{manager.Terraform, plain, manager.Terraform},
		{manager.Terraform, nova, manager.Nova},
		{manager.Terraform, cockpit, manager.Terraform},
		{manager.VirtManager, plain, manager.VirtManager},
		{manager.None, plain, ""},
		{manager.None, nova, ""},
		{manager.None, cockpit, ""},
	} {
		if got := manager.At(test.site, load(t, test.document)); got != test.want {
			t.Errorf("%q, %s: %q, want %q", test.site, test.document, got, test.want)
		}
	}
}

// TestCorpus reads real documents. Those of libvirt's tests have no owner, and those of virtinst's
// only one, of a Nova guest.
func TestCorpus(t *testing.T) {
	t.Parallel()
	valid := need.ValidDocuments(t)
	if valid == nil {
		t.SkipNow()
	}
	count := map[string]map[manager.Manager]int{}
	for _, file := range valid {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source := filepath.Base(filepath.Dir(file))
		if count[source] == nil {
			count[source] = map[manager.Manager]int{}
		}
		m := manager.Of(load(t, string(data)))
		count[source][m]++
		if m != "" && strings.HasPrefix(source, "libvirt-") {
			t.Errorf("%s: %q", file, m)
		}
	}
	t.Log(count)
	for source, m := range map[string]manager.Manager{
		"kubevirt": manager.KubeVirt, "vdsm": manager.OVirt, "virt-manager": manager.Nova,
	} {
		for got := range count[source] {
			if got != "" && got != m {
				t.Errorf("%s: a document of %q", source, got)
			}
		}
	}
	if count["vdsm"][manager.OVirt] == 0 {
		t.Error("no document of VDSM was recognised")
	}
}

func load(t *testing.T, document string) *domxml.Domain {
	t.Helper()
	d, err := domxml.Load("guest", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return d
}
