// Package cpumodel knows the CPU models of QEMU for x86, and which of them show a guest the
// features that mitigations of speculative execution require.
package cpumodel

import (
	_ "embed"
	"strconv"
	"strings"
	"sync"
)

// table has a line for each model: its name, its vendor in QEMU, and those of the features of
// Features that it has. TestModels compares it with the installed QEMU; -update writes it.
//
//go:embed models.txt
var table string

// Features are the features that the table records.
var Features = strings.Fields(`spec-ctrl ssbd ssb-no md-clear mds-no arch-capabilities
	ibpb virt-ssbd amd-ssbd amd-no-ssb stibp amd-stibp`)

// Model is a CPU model. With an accelerator its features are those that it has in QEMU, but its
// vendor is the host's (source: kvm_cpu_instance_init in target/i386/kvm/kvm-cpu.c).
type Model struct {
	Name     string
	vendor   string
	features []string
}

// others are models that the table lacks and that have none of the features: those of Red Hat's
// builds, and one that only libvirt names (source: src/cpu_map/x86_*.xml of libvirt 9.0).
var others = strings.Fields("cpu64-rhel5 cpu64-rhel6 pentiumpro")

var models = sync.OnceValue(func() map[string]Model {
	out := map[string]Model{}
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) > 1 && f[0] != "#" {
			out[f[0]] = Model{f[0], f[1], f[2:]}
		}
	}
	for _, name := range others {
		out[name] = Model{Name: name}
	}
	return out
})

// Find returns the model with a name of <model> or of -cpu. A version that is newer than the table
// counts as the newest known one, since versions only add to what protects a guest. ok is false if
// the name is unknown.
func Find(name string) (m Model, ok bool) {
	if m, ok = models()[name]; ok {
		return m, true
	}
	base, version, n := cutVersion(name)
	newest, ok := Newest(base)
	if _, _, last := cutVersion(newest.Name); !ok || !version || n <= last {
		return Model{}, false
	}
	newest.Name = name
	return newest, true
}

// Newest returns the newest version of the model with a name without a version. A microvm has it,
// where other machine types have the first version (source: x86_cpu_set_default_version; -v1 and -vN
// in the answers of QEMU 5.2 to 11.1 to query-cpu-definitions).
func Newest(name string) (m Model, ok bool) {
	for n := 1; ; n++ {
		next, more := models()[name+"-v"+strconv.Itoa(n)]
		if !more {
			return m, ok
		}
		m, ok = next, true
	}
}

func cutVersion(name string) (base string, ok bool, version int) {
	i := strings.LastIndex(name, "-v")
	if i < 0 {
		return name, false, 0
	}
	digits := name[i+len("-v"):]
	version, _ = strconv.Atoi(digits)
	return name[:i], strconv.Itoa(version) == digits, version
}
