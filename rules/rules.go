// Package rules holds what virt-audit checks: one table of rule literals for each topic.
//
// To add a rule, append a literal to the table of its topic, write testdata/rules/ID/bad.xml, with a
// comment <!-- want "regexp" --> on the line that must be flagged, and good.xml, and run "make docs".
// Rules see a domain through their audit.Pass alone: they read no file, print nothing and keep no state.
package rules

import (
	"slices"

	"github.com/virt-audit/virt-audit/audit"
)

// All returns every rule, in the order in which the rules page lists them.
func All() []*audit.Rule {
	return slices.Concat(
		boundary,
		machine,
		confinement,
		hostdevs,
		sharing,
		devices,
		interfaces,
		network,
		storage,
		processors,
		firmware,
		secrets,
		hygiene,
		documentText,
		waivers,
		confidential,
		domains,
		hostFacts,
	)
}

// Groups names the topics, by the first word of the rules' IDs, in the order of All.
func Groups() []Group {
	return []Group{
		{"boundary", "Boundary", "Whether QEMU treats an escape from this guest as a security bug."},
		{"machine", "Machine type", "Where the machine type is in its life."},
		{"confinement", "Confinement", "Who QEMU runs as, and what keeps it from the rest of the host."},
		{"passthrough", "Passthrough", "Hardware of the host in the guest's hands."},
		{"sharing", "Sharing", "Files and memory that guest and host share."},
		{"device", "Devices", "Emulated devices with a history."},
		{"endpoint", "Endpoints", "Consoles, displays and sockets that others can reach."},
		{"network", "Network", "What the guest can do to the network."},
		{"storage", "Storage", "Disks, their formats and where they come from."},
		{"resource", "Resources", "What guests may take from the host and from each other."},
		{"cpu", "Processor", "What the guest sees of the processor, and protection from its neighbours."},
		{"firmware", "Firmware", "How the guest boots."},
		{"secret", "Secrets", "Passwords and keys in the document."},
		{"document", "Document", "What the document itself is like."},
		{"waiver", "Waivers", "Decisions to live with a finding, and whether they hold."},
		{"confidential", "Confidential guests", "Guests with <launchSecurity>; the rules switch themselves on."},
		{"fleet", "Fleet", "What several guests have in common and should not; on with two guests or more."},
	}
}

// Group is a topic of rules: the first word of their IDs, a heading, and what they are about.
type Group struct{ ID, Title, About string }

// every puts a rule into all profiles.
var every = audit.Profiles()

// Documents that several rules refer to.
const (
	qemuSecurity    = "https://www.qemu.org/docs/master/system/security.html"
	qemuDeprecated  = "https://www.qemu.org/docs/master/about/deprecated.html"
	qemuRemoved     = "https://www.qemu.org/docs/master/about/removed-features.html"
	domainOverview  = "https://libvirt.org/formatdomain.html#element-and-attribute-overview"
	domainBoot      = "https://libvirt.org/formatdomain.html#bios-bootloader"
	qemuPassthrough = "https://libvirt.org/kbase/qemu-passthrough-security.html"
)

// withoutPassthrough mends whatever <qemu:commandline> does.
const withoutPassthrough = `Delete the arguments from <qemu:commandline>; say in the domain's own elements what they were for.
$ virt-xml DOMAIN --edit --xml xpath.delete=./qemu:commandline`

// Indexers note, over all domains of a run, what the rules across guests compare.
func Indexers() []audit.Indexer { return indexers }
