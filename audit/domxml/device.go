package domxml

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit/secret"
)

// deviceNames lists the attributes, below the device's element, that distinguish a device from
// others of its kind and stay the same when other devices are added or removed. The name that a
// person would use comes first. libvirt assigns an alias and an address to every device; an alias
// chosen by the user begins with "ua-".
var deviceNames = []Path{
	At("target@dev"), At("mac@address"), At("target@name"), At("alias@name"), At("source@dir"), At("target@dir"),
}

// DeviceNames returns the names by which users can refer to the device that contains the path: the
// target name of a disk, the MAC address of an interface, for a host device the name that lspci or
// lsusb shows, else alias, address and so on. A device without such a name is named by its type.
// The result is empty for a path outside <devices>.
func (x *index) DeviceNames(p Path) []string { return x.namedDevice(p).names }

// DeviceLabel returns the first of the device's names, bounded and with secrets masked, or "" if it
// has none.
func (x *index) DeviceLabel(p Path) string { return x.namedDevice(p).shown }

func (x *index) namedDevice(p Path) namedDevice {
	at, ok := x.deviceNode(p)
	if !ok {
		return namedDevice{}
	}
	d, ok := x.deviceNames[at]
	if ok {
		return d
	}
	device, _ := p.Device()
	if d.names = slices.Clip(x.namesOfDevice(device)); len(d.names) > 0 {
		d.shown = ShortName(secret.Mask(d.names[0]))
	}
	if x.deviceNames == nil {
		x.deviceNames = map[int32]namedDevice{}
	}
	x.deviceNames[at] = d
	return d
}

// deviceNode returns the node of the device that contains the path. ok is false if there is none.
func (x *index) deviceNode(p Path) (int32, bool) {
	device, ok := p.Device()
	if !ok {
		return 0, false
	}
	at, exact := x.find(device)
	if !exact {
		return 0, false
	}
	return at, true
}

func (x *index) namesOfDevice(device Path) []string {
	var names []string
	hosts := x.hostNames(device.Elem("source"))
	for _, at := range deviceNames {
		if at == At("alias@name") {
			names = append(names, hosts...)
		}
		if v, ok := x.Attr(device.Elem(at.base).Attr(at.attr)); ok && v != "" {
			names = append(names, v)
		}
	}
	// The guest address of one host device can be the host address of another.
	if a := x.address(device.Elem("address")); a != "" && len(hosts) == 0 {
		names = append(names, a)
	}
	for _, attr := range []string{"type", "model"} {
		if v, ok := x.Attr(device.Attr(attr)); ok && v != "" {
			return append(names, v)
		}
	}
	return names
}

// Device returns the path of the device that contains p: "devices/disk[2]". ok is false outside
// <devices>.
func (p Path) Device() (device Path, ok bool) {
	rest, ok := strings.CutPrefix(p.element(), "devices/")
	if !ok {
		return Path{}, false
	}
	name, _, _ := strings.Cut(rest, "/")
	return At("devices/" + name), true
}

// hostNames returns the host's names of the device that a <source> refers to: "0000:06:02.0" for
// PCI; "1d6b:0002" (vendor and product) and "1.4" (bus and device) for USB; the UUID of a mediated
// device.
func (x *index) hostNames(source Path) []string {
	if !x.Has(source) {
		return nil
	}
	number := func(at Path, digits int) string {
		v, ok := x.Attr(at)
		if !ok {
			return ""
		}
		n, err := strconv.ParseUint(v, 0, 32)
		if err != nil {
			return ""
		}
		return fmt.Sprintf("%0*x", digits, n)
	}
	var names []string
	address := source.Elem("address")
	if bus, slot, function := number(address.Attr("bus"), 2), number(address.Attr("slot"), 2), number(address.Attr("function"), 1); bus != "" && slot != "" && function != "" {
		names = append(names, cmp.Or(number(address.Attr("domain"), 4), "0000")+":"+bus+":"+slot+"."+function)
	}
	if vendor, product := number(source.Elem("vendor").Attr("id"), 4), number(source.Elem("product").Attr("id"), 4); vendor != "" && product != "" {
		names = append(names, vendor+":"+product)
	}
	bus, _ := x.Attr(address.Attr("bus"))
	if device, ok := x.Attr(address.Attr("device")); ok && bus != "" {
		names = append(names, bus+"."+device)
	}
	if uuid, ok := x.Attr(address.Attr("uuid")); ok && uuid != "" {
		names = append(names, uuid)
	}
	return names
}

// DeviceKind returns the name of the device element that contains p, or "".
func (p Path) DeviceKind() string {
	device, ok := p.Device()
	if !ok {
		return ""
	}
	kind, _, _ := strings.Cut(strings.TrimPrefix(device.base, "devices/"), "[")
	return kind
}

// KindsOf returns the kinds of the devices that have a name. It is empty if there is no such
// device.
func (x *index) KindsOf(name string) []string {
	if x.kindsByName == nil {
		x.kindsByName = map[string][]string{}
		at, ok := x.find(At("devices"))
		if !ok {
			return nil
		}
		nth := map[string]int{}
		for i := x.nodes[at].first; i != 0; i = x.nodes[i].next {
			kind := x.nodes[i].name
			nth[kind]++
			for _, n := range x.DeviceNames(Path{base: "devices/" + kind, index: nth[kind]}) {
				if !slices.Contains(x.kindsByName[n], kind) {
					x.kindsByName[n] = append(x.kindsByName[n], kind)
				}
			}
		}
	}
	return x.kindsByName[name]
}

// address returns a device's address in the form of lspci and lsusb: "0000:00:02.0", "1:3".
func (x *index) address(at Path) string {
	get := func(name string) string { v, _ := x.Attr(at.Attr(name)); return v }
	hex := func(name string) string { return strings.TrimPrefix(get(name), "0x") }
	switch get("type") {
	case "pci":
		if hex("domain") == "" || hex("bus") == "" || hex("slot") == "" {
			return ""
		}
		return hex("domain") + ":" + hex("bus") + ":" + hex("slot") + "." + hex("function")
	case "usb":
		return get("bus") + ":" + get("port")
	}
	return ""
}
