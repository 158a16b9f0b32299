// Package refs names the documents that several rules refer to.
package refs

// Pages of QEMU and libvirt.
const (
	QEMUSecurity    = "https://www.qemu.org/docs/master/system/security.html"
	QEMUDeprecated  = "https://www.qemu.org/docs/master/about/deprecated.html"
	QEMURemoved     = "https://www.qemu.org/docs/master/about/removed-features.html"
	DomainOverview  = "https://libvirt.org/formatdomain.html#element-and-attribute-overview"
	DomainBoot      = "https://libvirt.org/formatdomain.html#bios-bootloader"
	QEMUPassthrough = "https://libvirt.org/kbase/qemu-passthrough-security.html"
)
