package local

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/source"
)

// FuzzCompile compiles arbitrary expressions and evaluates those that are rules: neither may panic,
// an error always has the same type, and no evaluation takes longer than its cost allows.
func FuzzCompile(f *testing.F) {
	for _, seed := range []struct{ of, expression string }{
		{"", `domain.devices.tpm.exists(t, t.backend.type == 'emulator')`},
		{"devices/disk", `this.source.file.startsWith('/a') || this.type in ['block'] && !has(this.readonly)`},
		{"qemu:commandline/qemu:arg", `this.value.matches('^-[a-z]+$')`},
		{"", `kibibytes(domain.memory.text, domain.memory.unit) <= 16 * 1024 * 1024 ? int(domain.vcpu.text) <= 8 : false`},
		{"", "domain.features.`nested-hv`.state == '' && domain.os.firmware_element.feature.map(f, f.name)[0] == 'x'"},
		{"", `host.qemu_conf.vnc_tls && host.libvirt_version > 9000000 && boundary.verdict == 'inside'`},
		{"", `domain.devices.disk.all(a, domain.devices.disk.all(b, a == b || a.source.file.split('/')[1] != b.target.dev))`},
		{"", `{'a': [1, 2]}[name].filter(x, x > 1).size() == 1 / 0`},
	} {
		f.Add(seed.of, seed.expression)
	}
	var domains []*audit.Domain
	files, _ := filepath.Glob("testdata/*/*.xml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		d, err := domxml.Load(file, data)
		if err != nil {
			f.Fatal(err)
		}
		domains = append(domains, d)
	}
	d, err := domxml.Load("guest.xml", []byte(guest))
	if err != nil {
		f.Fatal(err)
	}
	domains = append(domains, d)
	f.Fuzz(func(t *testing.T, of, expression string) {
		rule, err := Compile(Spec{ID: "site-x", For: of, Expression: expression, Message: "m"})
		if err != nil {
			if _, ok := errors.AsType[*source.Error](err); !ok {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		for _, d := range domains {
			audit.Run(d, &audit.Settings{Rules: []*audit.Rule{rule}})
		}
	})
}
