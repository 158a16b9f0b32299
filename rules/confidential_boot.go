package rules

import (
	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/rules/internal/refs"
)

const unmeasuredVariables = "the firmware stores its variables in a file on the host, which is not measured"

// confidentialBoot is about what a confidential guest boots with: machine type, firmware, kernel,
// CPU.
var confidentialBoot = []*audit.Rule{
	{
		// <qemu:commandline> may also set the kernel: it is then hashed as well.
		ID:       "confidential-kernel-hashes",
		Title:    "Directly booted kernel is not measured",
		Severity: audit.High,
		Profiles: confidentialProfiles,
		Doc: `Kernel, initrd and command line come from the host, and the guest's measurement does
not include them unless kernelHashes='yes'. The host can replace them, and attestation does not show
it. With kernelHashes='yes' the firmware compares them with hashes that are part of the measurement.
For a guest that boots from its own disk the setting has no effect, and the finding is info. TDX and
IBM Secure Execution measure the kernel by other means.`,
		Fix:  `Use <launchSecurity type='sev' kernelHashes='yes'>, with firmware that checks the hashes (OVMF's AmdSev build)`,
		Refs: []string{launchSecurity, qemuSEV},
		Check: func(p *audit.Pass) {
			var hashes string
			switch {
			case p.VerdictIs("not-qemu"):
				return
			case isSEV(p):
				hashes = p.LaunchSecurity.SEV.KernelHashes
			case isSNP(p):
				hashes = p.LaunchSecurity.SEVSNP.KernelHashes
			default:
				return
			}
			at := audit.At("launchSecurity@kernelHashes")
			switch direct := hasText(p.OS.Kernel) || len(p.Command.Named("kernel")) > 0; {
			case direct && hashes != "yes":
				p.Key("unmeasured").Reportf(at, "kernel, initrd and command line are not measured: kernelHashes is not 'yes'")
			case !direct && hashes == "yes":
				p.Key("useless").ReportAs(audit.Info, at, "kernelHashes='yes' has no effect: the guest has no <kernel>")
			}
		},
		Fixes: fixKernelHashes,
	},
	{
		// With firmware='efi' and without stateless='yes' libvirt skips flash images that have no
		// NVRAM (source: src/qemu/qemu_firmware.c, qemuFirmwareMatchDomain). TDX does not support
		// flash (source: qemuTDX), so firmware='efi' alone is not reported there or for SEV-SNP.
		// Without attestation the variables undermine nothing: that case is low.
		ID:       "confidential-firmware-stateful",
		Title:    "Firmware of a confidential guest stores its variables on the host",
		Severity: audit.Medium,
		Profiles: confidentialProfiles,
		Doc: `UEFI variables in an NVRAM file are not measured, so the host can change what boots,
and with which keys secure boot verifies it, while attestation still succeeds. Stateless firmware
has no such file. The finding is low for an SEV guest without session data, since that guest is not
attested.`,
		Fix:  `Use <os firmware='efi'><loader stateless='yes'/>, and delete <nvram>`,
		Refs: []string{launchSEV, qemuSEV, refs.DomainBoot},
		Check: func(p *audit.Pass) {
			if !isSEV(p) && !isSNP(p) && !isTDX(p) || p.VerdictIs("not-qemu") {
				return
			}
			severity := audit.Medium
			if isSEV(p) && (!hasText(p.LaunchSecurity.SEV.DHCert) || !hasText(p.LaunchSecurity.SEV.Session)) {
				severity = audit.Low
			}
			loader, kind, stateless := p.OS.Loader, "", ""
			if loader != nil {
				kind, stateless = loader.Type, loader.Stateless
			}
			switch {
			case stateless == "yes":
			case p.OS.NVRam != nil:
				p.ReportAs(severity, audit.At("os/nvram"), unmeasuredVariables)
			case p.OS.VarStore != nil:
				p.ReportAs(severity, audit.At("os/varstore"), unmeasuredVariables)
			case kind == "pflash":
				p.ReportAs(severity, audit.At("os/loader"), "a pflash loader without stateless='yes' stores its variables in a file, which is not measured")
			case p.OS.Firmware == "efi" && kind == "" && isSEV(p):
				p.ReportAs(severity, audit.At("os@firmware"), "firmware='efi' without <loader stateless='yes'/> stores UEFI variables in a file on the host")
			}
		},
		Fixes: fixStatefulFirmware,
		NoFix: notX86,
	},
	{
		// <memoryBacking><locked/> is not required, although SEV's memory is pinned: QEMU pins it
		// without the element, and <locked/> removes the limit on the host memory that QEMU may
		// lock (source: launchSEV).
		ID:       "confidential-machine",
		Title:    "Confidential guest with an unsuitable machine type or without UEFI",
		Severity: audit.Medium,
		Profiles: confidentialProfiles,
		Doc: `SEV and TDX require UEFI: only OVMF starts a guest in encrypted memory and supports
its measurement; SeaBIOS does not. libvirt strongly discourages the i440fx machine type, which does
not support every build of OVMF and makes virtio devices fall back to a version that confidential
guests cannot use. A guest without UEFI or with another machine type usually does not start.`,
		Fix:  `Use <os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type><loader stateless='yes'/>`,
		Refs: []string{launchSEV, qemuTDX},
		Check: func(p *audit.Pass) {
			if !isSEV(p) && !isSNP(p) && !isTDX(p) || p.VerdictIs("not-qemu") {
				return
			}
			machine := p.Target.Machine
			switch {
			case p.Machine().Family == "q35":
			case machine == "":
				p.Reportf(audit.At("os/type"), "the document states no machine type: libvirt's default, i440fx, is unfit for confidential guests")
			default:
				p.Reportf(audit.At("os/type@machine"), "machine type '%s' is unfit for confidential guests, unlike 'q35'", machine)
			}
			hasLoader := p.OS.Loader != nil && hasText(p.OS.Loader.Path)
			if p.OS.Firmware != "efi" && !hasLoader && len(p.Command.Named("bios")) == 0 {
				p.Reportf(audit.At("os@firmware"), "the document requests no UEFI firmware: SeaBIOS cannot start a confidential guest")
			}
		},
		Fixes: fixConfidentialMachine,
		NoFix: notX86,
	},
	{
		// Plain SEV measures no registers, and TDX requires host-passthrough: neither is reported.
		ID:       "confidential-cpu-model",
		Title:    "CPU model makes the launch measurement depend on the host",
		Severity: audit.Low,
		Profiles: confidentialProfiles,
		Doc: `SEV-ES and SEV-SNP measure the initial registers of the CPUs, one of which contains
the CPU's family, model and stepping. With host-passthrough that differs between hosts, so the
verifier must accept several values or know the host. A named model has the same value on every
host. It does not matter if all hosts are identical.`,
		Fix:  `Use <cpu mode='custom' match='exact'><model>EPYC-Milan</model></cpu>`,
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
			p.Reportf(audit.At("cpu@mode"), "mode '%s' makes the measured CPU state depend on the host", p.CPU.Mode)
		},
		Fixes: fixConfidentialCPU,
		NoFix: notX86,
	},
	{
		// QEMU prevents ballooning, so a balloon device is useless but harmless. A guest without
		// <launchSecurity> but with iommu='on' may have an older configuration for Secure
		// Execution, or just an IOMMU: it is not reported.
		ID:       "confidential-s390-incomplete",
		Title:    "Configuration for IBM Secure Execution is incomplete",
		Severity: audit.Medium,
		Profiles: confidentialProfiles,
		Doc: `A device with iommu='off' expects direct access to the guest's memory, which Secure
Execution forbids. The guest rejects the device, or must be configured to trust it. <launchSecurity>
enables the setting for every virtio device that does not set it. A memory balloon does not work in
such a guest, and libvirt adds one unless the document sets its model to 'none'; that is low.`,
		Fix:  `Set <memballoon model='none'/>, and delete iommu='off' from every <driver>`,
		Refs: []string{launchS390, qemuS390},
		Check: func(p *audit.Pass) {
			if !isS390(p) {
				return
			}
			if b := p.Devices.MemBalloon; b == nil {
				p.ReportAs(audit.Low, audit.At("devices"), "libvirt adds a memory balloon by default, which does not work under Secure Execution")
			} else if b.Model != "none" {
				p.ReportAs(audit.Low, audit.At("devices/memballoon@model"), "a memory balloon does not work under Secure Execution")
			}
			for at := range virtioDrivers(p) {
				if v, _ := p.Attr(at.Attr("iommu")); v == "off" {
					p.Reportf(at.Attr("iommu"), "iommu='off': the device cannot access the memory that the guest shares")
				}
			}
		},
		Fixes: fixSecureExecution,
	},
}
