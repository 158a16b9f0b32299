package domxml

import (
	"encoding/hex"
	"slices"
	"strings"
)

// identifying lists, by element, the attributes below a device's element that identify the device:
// how it appears to the guest, and which resource of the host it uses.
var identifying = map[string]map[string]bool{
	"target": set("dev", "dir", "name"),
	"mac":    set("address"),
	"source": set("file", "dev", "dir", "name", "protocol", "pool", "volume", "network", "bridge", "path", "socket", "host", "service", "mode", "type", "namespace"),
}

// identifyingParts lists the elements inside a device's <source> that also identify the device,
// with all their attributes.
var identifyingParts = set("address", "vendor", "product", "host", "adapter", "block", "char", "interface")

// identity returns a text that distinguishes the device at a node from others, independent of its
// position and of an alias that libvirt assigned.
func (x *index) identity(at int32) string {
	if text, ok := x.identities[at]; ok {
		return text
	}
	var b strings.Builder
	device := &x.nodes[at]
	b.WriteString(device.name)
	for _, attr := range []string{"type", "model", "device", "mode"} {
		if a, ok := x.attribute(at, attr); ok {
			b.WriteString(" " + attr + "=" + unescape(a.value, true))
		}
	}
	for i := device.first; i != 0; i = x.nodes[i].next {
		switch n := &x.nodes[i]; n.name {
		case "alias":
			// Aliases chosen by the user begin with this prefix
			// (https://libvirt.org/formatdomain.html#devices); libvirt assigns the others.
			if a, ok := x.attribute(i, "name"); ok && strings.HasPrefix(string(a.value), "ua-") {
				b.WriteString(" alias=" + string(a.value))
			}
		case "target", "mac", "source":
			x.writeIdentity(&b, device, i)
		}
	}
	if x.identities == nil {
		x.identities = map[int32]string{}
	}
	text := b.String()
	if len(text) > longIdentity {
		c := Digest(text)
		text = hex.EncodeToString(c[:])
	}
	x.identities[at] = text
	return text
}

// longIdentity is the length, in bytes, from which a digest replaces the text: the text is part of
// the digest of everything that is found in the device.
const longIdentity = 1000

func (x *index) writeIdentity(b *strings.Builder, device *node, at int32) {
	n := &x.nodes[at]
	attributes := x.shownAttributes(n.name, int(n.start), int(n.tagEnd))
	_, networked := x.attribute(at, "network")
	attributes = slices.DeleteFunc(attributes, func(a string) bool {
		name, v, _ := strings.Cut(a, "=")
		v = strings.Trim(v, `"`)
		switch {
		case !identifying[n.name][name]:
			return true
		case n.name == "target" && device.name == "interface":
			return name == "dev" && (strings.HasPrefix(v, "vnet") || strings.HasPrefix(v, "macvtap") || strings.HasPrefix(v, "macvlan"))
		case n.name == "source" && name == "bridge":
			return networked // libvirt adds it to a running guest, from the network's definition
		case n.name == "source" && name == "path":
			return strings.HasPrefix(v, "/dev/pts/") || strings.Contains(v, "/libvirt/qemu/channel/") || strings.Contains(v, "/run/libvirt/qemu/")
		}
		return false
	})
	if len(attributes) > 0 {
		b.WriteString(" <" + n.name + " " + strings.Join(attributes, " ") + ">")
	}
	if n.name != "source" {
		return
	}
	usb := x.child(at, "vendor", 1) != 0
	for i := n.first; i != 0; i = x.nodes[i].next {
		inner := &x.nodes[i]
		// libvirt adds the address at the start
		if !identifyingParts[inner.name] || usb && inner.name == "address" {
			continue
		}
		x.writeTag(b, inner.name, int(inner.start), int(inner.tagEnd))
		if inner.first == 0 && inner.close > inner.tagEnd {
			b.WriteString(x.shownText(i))
		}
	}
}
