package reach

import "strings"

// Kind is the sort of a resource.
type Kind uint8

// The kinds of resources. Name holds, in normal form: a path for those that are files; "bus:device"
// or "vendor:product" and the like for devices; "pool/volume" for a volume; the name for everything
// else.
const (
	Unknown     Kind = iota // an argument whose meaning is not known
	File                    // also a device or socket if the host has one at that path
	Directory               // with everything below it
	BlockDevice             // "/dev/sda"
	CharDevice              // "/dev/tty1"
	Socket                  // a UNIX socket; "@name" in the abstract namespace
	Network                 // an address: Endpoint has it; Name is a URL
	Remote                  // an image or share on another machine: "rbd:pool/image", "nbd://host:10809/export"
	Executable              // a program that is started, or a library that is loaded
	PCI                     // "0000:01:00.0"
	USB                     // "001:002" for bus and device, "usb-port 1-2", or "1234:abcd" for vendor and product
	SCSI                    // "scsi_host0:0:0:0", or the WWPN of a vhost-scsi target
	Mediated                // UUID of a mediated device
	VDPA                    // path of a vDPA device
	Interface               // a network interface of the host
	Bridge                  // a bridge of the host
	Pool                    // libvirt's storage pool
	Volume                  // "pool/volume" of libvirt's storage
	LibvirtNet              // libvirt's network
	Secret                  // libvirt's secret: its UUID, or "usage NAME"
	Filter                  // libvirt's network filter
	DBus                    // a D-Bus address
	Variable                // an environment variable of QEMU or of a container: "NAME=value"
	Descriptor              // a file descriptor that the caller hands over
	Namespace               // a namespace that a container joins: "net:name", "pid:1"
	Setting                 // a property of the host that is read or set: "kernel module vfio-pci", "CAP_SYS_RAWIO"
	Guest                   // another domain of the host that serves this one

	kinds
)

var kindNames = [kinds]string{
	Unknown: "unknown", File: "file", Directory: "directory", BlockDevice: "block device", CharDevice: "character device",
	Socket: "UNIX socket", Network: "network endpoint", Remote: "network storage", Executable: "executable", PCI: "PCI device",
	USB: "USB device", SCSI: "SCSI device", Mediated: "mediated device", VDPA: "vDPA device", Interface: "host interface",
	Bridge: "bridge", Pool: "storage pool", Volume: "storage volume", LibvirtNet: "libvirt network", Secret: "libvirt secret",
	Filter: "network filter", DBus: "D-Bus", Variable: "environment variable", Descriptor: "file descriptor",
	Namespace: "namespace", Setting: "host setting", Guest: "other guest",
}

// String returns the kind in words: "block device".
func (k Kind) String() string { return kindNames[k] }

// OnDisk reports whether Name is a path of the host's file system.
func (k Kind) OnDisk() bool {
	switch k {
	case File, Directory, BlockDevice, CharDevice, Socket, Executable, VDPA:
		return true
	default:
		return false
	}
}

// Access is a set of ways in which a resource is used.
type Access uint8

// The ways of access.
const (
	Read    Access = 1 << iota
	Write          // content can be changed
	Create         // it is created, and often truncated or removed before
	Execute        // it is run, or loaded into a process
	Connect        // data is exchanged with the listener
	Listen         // data is exchanged with those that connect
	Whole          // a device as a whole, its commands included
)

var accessNames = []string{"read", "write", "create", "execute", "connect", "listen", "whole device"}

// String returns the ways in words: "read, write".
func (a Access) String() string {
	var out []string
	for i, name := range accessNames {
		if a&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}

// Opener is the set of processes that open a resource.
type Opener uint8

// The openers of resources.
const (
	Libvirt    Opener = 1 << iota // libvirtd or virtqemud, virtlogd, virtlockd, as root
	QEMU                          // QEMU after it has dropped its privileges
	Helper                        // a program that libvirt starts as root: virtiofsd, scripts
	HelperUser                    // a program that libvirt starts as QEMU's user: passt, nbdkit
	Toolstack                     // the other hypervisors and container managers, as root
	GuestAlone                    // the guest's own driver
)

var openerNames = []string{"libvirt (root)", "QEMU", "helper (root)", "helper (QEMU's user)", "toolstack (root)", "guest"}

// String returns the openers in words: "libvirt (root), QEMU".
func (o Opener) String() string {
	var out []string
	for i, name := range openerNames {
		if o&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}

// Root reports whether one of the openers has the privileges of root.
func (o Opener) Root() bool { return o&(Libvirt|Helper|Toolstack) != 0 }
