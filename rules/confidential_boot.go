package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

const unmeasured = "the firmware keeps its variables in a file of the host, which is not measured"

// confidentialBoot is about what a confidential guest starts from: machine, firmware, kernel, processor.
var confidentialBoot = []*audit.Rule{
	{
		// The kernel may also come with <qemu:commandline>: hashes are then taken as well.
		ID:       "confidential-kernel-hashes",
		Title:    "Directly booted kernel is not measured",
		Severity: audit.High,
		Profiles: whenConfidential,
		Doc: `Kernel, initrd and command line are files and text on the host, which the guest's measurement leaves out
unless kernelHashes='yes': the host can put others in, and attestation shows nothing. With it the firmware compares
them with hashes that are part of the measurement. A guest that boots from its own disk has no kernel here; asking
for hashes then does nothing, which is only told. TDX and IBM Secure Execution measure the kernel by other means.`,
		Fix: `<launchSecurity type='sev' kernelHashes='yes'>, with firmware that checks them (OVMF's AmdSev build)
$ virt-xml DOMAIN --edit --launchSecurity kernelHashes=yes`,
		Refs: []string{launchSecurity, qemuSEV},
		Check: func(p *audit.Pass) {
			var hashes string
			switch {
			case because(p, "not-qemu"):
				return
			case isSEV(p):
				hashes = p.LaunchSecurity.SEV.KernelHashes
			case isSNP(p):
				hashes = p.LaunchSecurity.SEVSNP.KernelHashes
			default:
				return
			}
			at := audit.At("launchSecurity@kernelHashes")
			switch direct := given(p.OS.Kernel) || len(p.Command.Named("kernel")) > 0; {
			case direct && hashes != "yes":
				p.Key("unmeasured").Reportf(at, "kernel, initrd and command line come from the host and are not measured: kernelHashes is not 'yes'")
			case !direct && hashes == "yes":
				p.Key("useless").ReportAs(audit.Info, at, "kernelHashes='yes' does nothing: the guest has no <kernel>")
			}
		},
	},
	{
		// firmware='efi' without stateless='yes' makes libvirt pass over flash images that have no NVRAM
		// (source: src/qemu/qemu_firmware.c, qemuFirmwareMatchDomain). TDX cannot have flash at all
		// (source: qemuTDX), so nothing is concluded from firmware='efi' there or for SEV-SNP.
		// Where nothing is attested, nothing is undermined: that case is low.
		ID:       "confidential-firmware-stateful",
		Title:    "Confidential guest whose firmware keeps variables on the host",
		Severity: audit.Medium,
		Profiles: whenConfidential,
		Doc: `UEFI variables in an NVRAM file are not measured, and the host can change them: what boots, and with
which keys secure boot verifies it, while attestation still succeeds. Firmware without such a file has nothing to
change. It is only low where the guest is SEV without session data, since nobody attests that one.`,
		Fix: `<os firmware='efi'><loader stateless='yes'/>, and no <nvram>
$ virt-xml DOMAIN --edit --boot firmware=efi,xpath0.delete=./loader,xpath1.delete=./nvram,xpath2.delete=./varstore,xpath3.set=./loader/@stateless=yes`,
		Refs: []string{launchSEV, qemuSEV, domainBoot},
		Check: func(p *audit.Pass) {
			if !isSEV(p) && !isSNP(p) && !isTDX(p) || because(p, "not-qemu") {
				return
			}
			severity := audit.Medium
			if isSEV(p) && (!given(p.LaunchSecurity.SEV.DHCert) || !given(p.LaunchSecurity.SEV.Session)) {
				severity = audit.Low
			}
			loader, kind, stateless := p.OS.Loader, "", ""
			if loader != nil {
				kind, stateless = loader.Type, loader.Stateless
			}
			switch {
			case stateless == "yes":
			case p.OS.NVRam != nil:
				p.ReportAs(severity, audit.At("os/nvram"), unmeasured)
			case p.OS.VarStore != nil:
				p.ReportAs(severity, audit.At("os/varstore"), unmeasured)
			case kind == "pflash":
				p.ReportAs(severity, audit.At("os/loader"), "a pflash loader without stateless='yes' gets a file for its variables, which is not measured")
			case p.OS.Firmware == "efi" && kind == "" && isSEV(p):
				p.ReportAs(severity, audit.At("os@firmware"), "firmware='efi' without <loader stateless='yes'/> takes firmware that keeps its variables in a file of the host")
			}
		},
	},
	{
		// <memoryBacking><locked/> is not asked for, although SEV's memory is pinned: QEMU does that by itself,
		// and <locked/> takes the limit away that keeps QEMU from the host's memory (source: launchSEV).
		ID:       "confidential-machine",
		Title:    "Confidential guest on an unsuitable board or without UEFI",
		Severity: audit.Medium,
		Profiles: whenConfidential,
		Doc: `SEV and TDX work with UEFI alone: only OVMF starts a guest in encrypted memory and takes part in its
measurement, SeaBIOS does not. libvirt strongly discourages the i440fx board, which cannot carry every build of
OVMF and makes virtio devices fall back to a version that such guests cannot use. A guest that lacks either will
usually not start.`,
		Fix: `<os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type><loader stateless='yes'/>
$ virt-xml DOMAIN --edit --boot machine=q35,firmware=efi,xpath0.set=./loader/@stateless=yes`,
		Refs: []string{launchSEV, qemuTDX},
		Check: func(p *audit.Pass) {
			if !isSEV(p) && !isSNP(p) && !isTDX(p) || because(p, "not-qemu") {
				return
			}
			machine := p.Target.Machine
			switch {
			case p.Machine().Family == "q35":
			case p.Boundary.Target == "" && strings.Contains(machine, "q35"): // no architecture: no family can be told
			case machine == "":
				p.Reportf(audit.At("os/type"), "no machine type is stated: libvirt's default is i440fx, which is not fit for confidential guests")
			default:
				p.Reportf(audit.At("os/type@machine"), "machine '%s' is not fit for confidential guests, 'q35' is", machine)
			}
			hasLoader := p.OS.Loader != nil && given(p.OS.Loader.Path)
			if p.OS.Firmware != "efi" && !hasLoader && len(p.Command.Named("bios")) == 0 {
				p.Reportf(audit.At("os@firmware"), "no UEFI firmware is asked for, and SeaBIOS cannot start a confidential guest")
			}
		},
	},
	{
		// Plain SEV measures no registers, and TDX wants host-passthrough: both are left alone.
		ID:       "confidential-cpu-model",
		Title:    "Processor model changes the launch measurement from host to host",
		Severity: audit.Low,
		Profiles: whenConfidential,
		Doc: `SEV-ES and SEV-SNP measure the processors' first registers, one of which holds the processor's family,
model and stepping. With host-passthrough that differs between hosts, so the verifier has to accept many values or
to guess which host it is. A named model gives the same value everywhere. It does not matter where all hosts are
alike.`,
		Fix: `<cpu mode='custom' match='exact'><model>EPYC-Milan</model></cpu>
$ virt-xml DOMAIN --edit --cpu EPYC-Milan`,
		Refs: []string{qemuSEV, "https://libvirt.org/manpages/virt-qemu-sev-validate.html"},
		Check: func(p *audit.Pass) {
			if p.CPU == nil || p.CPU.Mode != "host-passthrough" && p.CPU.Mode != "maximum" {
				return
			}
			if isSEV(p) {
				if _, es := hasBit(p, sevES); !es {
					return
				}
			} else if !isSNP(p) {
				return
			}
			p.Reportf(audit.At("cpu@mode"), "mode '%s' makes the measured processor state depend on the host", p.CPU.Mode)
		},
	},
	{
		// Ballooning is fenced by QEMU, so a balloon is only untidy. Without <launchSecurity> a guest with
		// some iommu='on' may be one of the older kind, or simply have an IOMMU: it is left alone.
		ID:       "confidential-s390-incomplete",
		Title:    "IBM Secure Execution guest that is set up incompletely",
		Severity: audit.Medium,
		Profiles: whenConfidential,
		Doc: `A device with iommu='off' expects to reach the guest's memory directly, which Secure Execution forbids:
the guest refuses the device, or has to be told to trust it. <launchSecurity> switches the setting on for every
virtio device that does not say otherwise. A memory balloon does not work in such a guest, and libvirt adds one
where none is ruled out; that is low.`,
		Fix: `<memballoon model='none'/>, and no iommu='off' in any <driver>
$ virt-xml DOMAIN --edit --memballoon model=none`,
		Refs: []string{launchS390, qemuS390},
		Check: func(p *audit.Pass) {
			if !isS390(p) {
				return
			}
			if b := p.Devices.MemBalloon; b == nil {
				p.ReportAs(audit.Low, audit.At("devices"), "libvirt adds a memory balloon, which does not work under Secure Execution, unless its model is 'none'")
			} else if b.Model != "none" {
				p.ReportAs(audit.Low, audit.At("devices/memballoon@model"), "a memory balloon does not work under Secure Execution")
			}
			for at := range virtioDrivers(p) {
				if v, _ := p.Attr(at.Attr("iommu")); v == "off" {
					p.Reportf(at.Attr("iommu"), "iommu='off': the device cannot reach the memory that the guest shares")
				}
			}
		},
	},
}
