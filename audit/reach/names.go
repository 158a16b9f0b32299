package reach

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/hostpath"
)

// diskPath is hostpath.Opened for what may be a block device.
func diskPath(name string) string { return hostpath.LogicalVolume(hostpath.Opened(name)) }

// deviceUUID is the UUID of a device in lower case with dashes; libvirt reads it without them too.
func deviceUUID(text string) string {
	digits := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), "-", ""))
	if len(digits) != 32 || strings.Trim(digits, "0123456789abcdef") != "" {
		return text
	}
	return digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
}

// standardPort is the port of a storage protocol where none is given.
var standardPort = map[string]string{
	"nbd": "10809", "rbd": "6789", "iscsi": "3260", "iser": "3260", "gluster": "24007", "http": "80", "https": "443", "ftp": "21",
	"ftps": "990", "tftp": "69", "ssh": "22", "nfs": "2049", "sheepdog": "7000", "vxhs": "9999",
}

// remoteServer is one server of an image: "mon1:6789", "[::1]:10809"; a UNIX socket is "[/run/s]".
// It is "" if none is named.
func remoteServer(protocol, host, port string) string {
	switch {
	case host == "" || strings.HasPrefix(host, "[/") || strings.HasPrefix(host, "[@"):
		return host
	case strings.Contains(host, ":") && !strings.HasPrefix(host, "["):
		host = "[" + host + "]"
	}
	if port == "" {
		port = standardPort[protocol]
	}
	if port == "" {
		return host
	}
	return host + ":" + port
}

// remoteName is a URL, the same for what is certainly the same image: the servers of a cluster can
// be listed in any order.
func remoteName(protocol, name, query string, servers ...string) string {
	if protocol == "" {
		protocol = "unknown"
	}
	if (protocol == "iscsi" || protocol == "iser") && name != "" && !strings.Contains(name, "/") {
		name += "/0" // the default of qemuBlockStorageSourceGetISCSIProps and of QEMU's driver
	}
	slices.Sort(servers)
	out := protocol + "://" + strings.Join(slices.Compact(servers), ",")
	if name != "" {
		out += "/" + strings.TrimPrefix(name, "/")
	}
	if query != "" {
		out += "?" + query
	}
	return out
}
