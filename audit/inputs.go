package audit

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit/host"
)

// Inputs is a set of inputs that a rule requires. A rule whose inputs are missing is reported as not
// evaluated, never as passed.
type Inputs uint

// The inputs. Each has a row in the table below.
const (
	NeedSecrets      Inputs = 1 << iota // a document that still contains its passwords
	NeedQEMUConf                        // the host's qemu.conf
	NeedCapabilities                    // the host's capabilities, or its architecture
	NeedDomains                         // at least two domains among the inputs
	NeedHostFiles                       // the host's file system
	NeedHostNetwork                     // which bridges the host itself uses
	NeedMAC                             // whether the host confines guests with SELinux or AppArmor
	NeedHost                            // anything about the host
	NeedOneHost                         // that the documents are known to be of one host
)

// input describes one input of rules.
type input struct {
	need    Inputs
	missing string // for users: what is missing, and the option that supplies it
	word    string // for machine-readable reports; "" if they do not print it

	// known reports whether the facts of a host, or the architecture that the user set for it,
	// supply the input; nil if it is not about a host.
	known func(f *host.Facts, arch string) bool
}

// inputs lists all inputs. A new fact of a host needs one row here, besides its field in host.Facts
// and the code that finds it.
var inputs = []input{
	{need: NeedSecrets, missing: "passwords are not in this document (use virsh dumpxml --security-info, or the file in /etc/libvirt)"},
	{
		need: NeedQEMUConf, word: "qemu-conf", missing: "the host's qemu.conf is not known (give --qemu-conf, --host-root or --facts)",
		known: func(f *host.Facts, _ string) bool { return f.KnowsConf() },
	},
	{
		need: NeedCapabilities, word: "capabilities", missing: "the host's capabilities are not known (give --capabilities, --host-root or --facts)",
		known: func(f *host.Facts, arch string) bool { return f.KnowsCapabilities() || arch != "" },
	},
	{need: NeedDomains, missing: "fewer than two domains were given"},
	{
		need: NeedHostFiles, word: "files", missing: "the host's files are not known (run virt-audit there, or give --host-root)",
		known: func(f *host.Facts, _ string) bool { return f.KnowsFiles() },
	},
	{
		need: NeedHostNetwork, word: "network", missing: "the host's network is not known (run virt-audit there, or give --facts that were collected there)",
		known: func(f *host.Facts, _ string) bool { return f.KnowsBridges() },
	},
	{
		need: NeedMAC, word: "mac", missing: "it is not known whether the host has SELinux or AppArmor for guests (give --capabilities, --host-root or --facts)",
		known: func(f *host.Facts, _ string) bool {
			_, known := f.MAC()
			return known || f.KnowsConf() // qemu.conf can disable both
		},
	},
	{
		need: NeedHost, missing: "nothing is known of the host (run virt-audit there, or give --host-root or --facts)",
		known: func(f *host.Facts, _ string) bool { return f != nil },
	},
	{need: NeedOneHost, missing: "the documents are not known to be of one host (audit a connection or /etc/libvirt/qemu, or give --one-host, --host-root or --facts)"},
}

// hostNeeds are the inputs that only facts of the host can supply.
var hostNeeds = func() (out Inputs) {
	for _, i := range inputs {
		if i.known != nil {
			out |= i.need
		}
	}
	return out
}()

// String returns, for users, what is missing and what would supply it.
func (n Inputs) String() string {
	var out []string
	for _, i := range inputs {
		if n&i.need != 0 {
			out = append(out, i.missing)
		}
	}
	return strings.Join(out, "; ")
}

// HostWords returns, for machine-readable reports, the words of the inputs in the set that are
// about the host.
func (n Inputs) HostWords() []string {
	out := []string{}
	for _, i := range inputs {
		if n&i.need != 0 && i.word != "" {
			out = append(out, i.word)
		}
	}
	return out
}

// hostInputs returns the inputs that the facts of a host supply. Arch is its architecture, or "".
func hostInputs(f *host.Facts, arch string) (out Inputs) {
	for _, i := range inputs {
		if i.known != nil && i.known(f, arch) {
			out |= i.need
		}
	}
	return out
}
