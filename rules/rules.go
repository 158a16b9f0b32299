// Package rules contains the rules of virt-audit: one table of rule literals for each topic.
//
// To add a rule, append a literal to the table of its topic, write testdata/rules/ID/bad.xml, with
// a comment <!-- want "regexp" --> on the line that the rule must report, and good.xml, and run
// "make docs". Rules access a domain only through their audit.Pass: they read no files, print
// nothing and keep no state.
package rules

import (
	"slices"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/rules/fleet"
)

// All returns every rule, in the order in which the rules page lists them.
func All() []*audit.Rule {
	return slices.Concat(
		boundary,
		machine,
		confinementLabels,
		confinementCommand,
		confinementExecutables,
		confinementContainers,
		hostdevs,
		passthrough,
		sharing,
		devices,
		interfaces,
		network,
		storage,
		processors,
		firmware,
		secrets,
		documents,
		documentText,
		waivers,
		confidential,
		fleet.Rules(),
		hostFacts,
	)
}

// Groups names the topics, by the first word of the rules' IDs, in the order of All.
func Groups() []Group {
	return []Group{
		{"boundary", "Boundary", "Whether QEMU treats an escape from this guest as a security bug."},
		{"machine", "Machine type", "Whether QEMU still supports the machine type."},
		{"confinement", "Confinement", "Which user QEMU runs as, and how the host confines it."},
		{"passthrough", "Passthrough", "Hardware of the host that is assigned to the guest."},
		{"sharing", "Sharing", "Files and memory that guest and host share."},
		{"device", "Devices", "Emulated devices with a history of vulnerabilities."},
		{"endpoint", "Endpoints", "Consoles, displays and sockets that others can reach."},
		{"network", "Network", "What the guest can do to the network."},
		{"storage", "Storage", "Disks, their formats and their sources."},
		{"resource", "Resources", "Resources of the host that guests share."},
		{"cpu", "CPU", "CPU models and features, and mitigations that guests can use."},
		{"firmware", "Firmware", "How the guest boots."},
		{"secret", "Secrets", "Passwords and keys in the document."},
		{"document", "Document", "Whether libvirt reads the whole document."},
		{"waiver", "Waivers", "Whether waivers and baseline entries are valid and have an effect."},
		{"confidential", "Confidential guests", "Guests with <launchSecurity>; these rules skip other guests."},
		{"fleet", "Fleet", "What guests share but should not; these rules require at least two guests."},
	}
}

// Group is a topic of rules: the first word of their IDs, a heading, and a description.
type Group struct{ ID, Title, About string }

// allProfiles includes a rule in all profiles.
var allProfiles = audit.Profiles()

// removePassthrough is the advice about anything that <qemu:commandline> does.
const removePassthrough = `Delete the argument from <qemu:commandline>, and use the element of libvirt for the same purpose.`

// Indexers returns the functions that index, for all domains of a run, what the fleet rules
// compare.
func Indexers() []audit.Indexer { return fleet.Indexers() }
