package rules

import (
	"fmt"
	"slices"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

// fixes is what a rule has in Fixes.
type fixes = func(*audit.Pass, *audit.Finding) []audit.Fix

// setPolicy returns the fix that sets the policy, with its effect. It replaces the whole element:
// comments can divide the number.
func setPolicy(p *audit.Pass, number, effect string) []audit.Fix {
	return onlyUnsafe("Set the policy to "+number+": "+effect+"; the verifier of the guest must "+
		"expect it", p.Put(audit.At("launchSecurity"), "policy", "<policy>"+number+"</policy>"))
}

// fixSEV returns a function that sets one bit of an SEV policy.
func fixSEV(bit uint, effect string) fixes {
	return func(p *audit.Pass, _ *audit.Finding) []audit.Fix {
		policy, _ := guestPolicy(p)
		number := fmt.Sprintf("0x%04x", policy|1<<bit)
		if sev := p.LaunchSecurity.SEV; hasText(sev.Session) || hasText(sev.DHCert) {
			return onlyManual("Set the policy to " + number + " and create <dhCert> and " +
				"<session> again, which are valid for one policy only")
		}
		return setPolicy(p, number, effect)
	}
}

// fixSNP returns a function that changes an SEV-SNP policy.
func fixSNP(change func(policy uint64) uint64, effect string) fixes {
	return func(p *audit.Pass, _ *audit.Finding) []audit.Fix {
		policy, ok := guestPolicy(p)
		if policy = change(policy); !ok {
			policy = snpDefault
		}
		number := fmt.Sprintf("%#x", policy)
		if hasText(p.LaunchSecurity.SEVSNP.IDBlock) {
			return onlyManual("Set the policy to " + number + " and sign the <idBlock> again, " +
				"which contains the policy")
		}
		return setPolicy(p, number, effect)
	}
}

// usualBits makes the reserved bit of an SEV-SNP policy one. A number that only has bits of SEV's
// policy was meant as one, so nothing of it stays.
func usualBits(policy uint64) uint64 {
	if policy < 1<<(sevOnly+1) {
		return snpDefault
	}
	return policy | 1<<snpReserved
}

// fixTDX returns a function that changes a TDX policy.
func fixTDX(change func(policy uint64) uint64, effect string) fixes {
	return func(p *audit.Pass, _ *audit.Finding) []audit.Fix {
		policy, ok := guestPolicy(p)
		if policy = change(policy); !ok {
			policy = 1 << tdxSeptVEDisable
		}
		number := fmt.Sprintf("%#x", policy)
		return setPolicy(p, number, effect)
	}
}

func fixQuotes(_ *audit.Pass, f *audit.Finding) []audit.Fix {
	if f.Severity == audit.Info {
		return nil
	}
	// Without a path libvirt uses the service's usual socket.
	return onlyUnsafe("Forward the guest's requests for quotes to the host's service "+
		"at its usual socket, which must run",
		edit.Insert(audit.At("launchSecurity"), "<quoteGenerationService/>"))
}

func fixKernelHashes(_ *audit.Pass, f *audit.Finding) []audit.Fix {
	if f.Key == "useless" {
		return onlySafe("Delete the attribute, which has no effect", edit.Remove(f.Path))
	}
	return onlyUnsafe(
		"Measure kernel, initrd and command line; the guest does not start "+
			"unless its firmware compares them, such as OVMF's AmdSev build", edit.Set(f.Path, "yes"))
}

// statelessEFI returns the edits after which libvirt selects UEFI firmware without variables. It
// refuses a path beside firmware='efi' that is not such a firmware, so the path goes, and UEFI
// without ACPI.
func statelessEFI(p *audit.Pass) []edit.Edit {
	loader := "<loader stateless='yes'/>"
	if l := p.OS.Loader; l != nil && l.Secure == "yes" {
		loader = "<loader secure='yes' stateless='yes'/>"
	}
	edits := slices.Concat([]edit.Edit{
		edit.Set(audit.At("os@firmware"), "efi"),
		p.Put(audit.At("os"), "loader", loader),
	}, dropped(p, audit.At("os/nvram"), audit.At("os/varstore")))
	if !p.Has(audit.At("features/acpi")) {
		edits = append(edits, edit.Insert(audit.At("features"), "<acpi/>"))
	}
	return edits
}

func fixStatefulFirmware(p *audit.Pass, _ *audit.Finding) []audit.Fix {
	if !onX86(p) {
		return nil
	}
	return onlyUnsafe("Let libvirt select stateless firmware; the guest loses its UEFI "+
		"variables, such as boot entries and keys, and has another measurement", statelessEFI(p)...)
}

func fixConfidentialMachine(p *audit.Pass, f *audit.Finding) []audit.Fix {
	switch {
	case !onX86(p):
		return nil
	case f.Path == audit.At("os@firmware"):
		return onlyUnsafe("Let libvirt select stateless UEFI firmware; the guest's system "+
			"must be installed for UEFI", statelessEFI(p)...)
	case p.Boundary.Machine != "" || !fitsQ35(p):
		return onlyManual(
			"Move the guest to machine type q35: delete the PCI addresses and " +
				"controllers, which libvirt assigns again, and connect IDE disks otherwise")
	}
	return onlyUnsafe(
		"Use machine type q35; the guest finds its devices at other PCI addresses",
		edit.Set(audit.At("os/type@machine"), "q35"))
}

// fitsQ35 reports whether the document has nothing that belongs to the PCI bus of i440fx: addresses
// on it, its controllers, and IDE disks, which q35 does not have.
func fitsQ35(p *audit.Pass) bool {
	for bus := range diskBuses(p) {
		if bus.model == "ide" {
			return false
		}
	}
	for e := range p.Elements() {
		switch kind, _ := e.Attr("type"); {
		case e.Name == "address" && kind == "pci",
			e.Name == "controller" && (kind == "pci" || kind == "ide"):
			return false
		}
	}
	return true
}

// fixConfidentialCPU names the oldest model that the kind of guest can have at all, so that every
// host for it can start it.
func fixConfidentialCPU(p *audit.Pass, _ *audit.Finding) []audit.Fix {
	model := "EPYC-Rome"
	if isSNP(p) {
		model = "EPYC-Milan"
	}
	if !onX86(p) {
		return nil
	}
	return []audit.Fix{
		audit.UnsafeFix(
			"Use "+model+", the oldest model with this protection; the guest loses the features "+
				"of newer CPUs", useCPU(p, "custom", model)...),
		audit.ManualFix("Use the model of the oldest host that the guest may run on"),
	}
}

func fixSecureExecution(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if f.Path.Attribute() == "iommu" {
		return onlyUnsafe(
			"Delete iommu='off', so that the device uses memory that the guest shares",
			edit.Remove(f.Path))
	}
	return onlyUnsafe("Delete the memory balloon, which does not work in this guest",
		p.Put(audit.At("devices"), "memballoon", "<memballoon model='none'/>"))
}
