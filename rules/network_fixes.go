package rules

import (
	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

const (
	chooseNetwork = "Choose a network or bridge of the host, and attach the interface to it; " +
		"the guest's address may change"
	losesCard = "Delete the argument, and those that refer to it; the guest loses the network card"
)

// leaveSLIRP returns the fixes of an interface that uses SLIRP.
func leaveSLIRP(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if _, passed := p.OptionAt(f.Path); passed {
		return onlyUnsafe(losesCard, deleteArgument(p, f.Path)...)
	}
	return []audit.Fix{
		audit.UnsafeFix("Use passt, which must be installed on the host, with libvirt 9.0 or "+
			"newer; the guest gets the addresses of the host instead of 10.0.2.15",
			edit.Set(f.Path.Elem("backend").Attr("type"), "passt")),
		audit.ManualFix(chooseNetwork),
	}
}

// leaveTunnel returns the fixes of an interface on an open socket.
func leaveTunnel(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if _, passed := p.OptionAt(f.Path); passed {
		return onlyUnsafe(losesCard, deleteArgument(p, f.Path)...)
	}
	fixes := onlyManual(chooseNetwork)
	device, _ := f.Path.Device()
	if kind, _ := p.Attr(device.Attr("type")); kind == "server" {
		fixes = append(fixes, audit.UnsafeFix("Listen on 127.0.0.1; guests on other hosts lose "+
			"the connection", edit.Set(f.Path.Attr("address"), loopback)))
	}
	return fixes
}

// removeScript returns the fix of a script that configures a network card. In QEMU's arguments it
// is disabled, since QEMU has a default; Xen's default is its own script for bridges.
func removeScript(p *audit.Pass, f *audit.Finding) []audit.Fix {
	o, passed := p.OptionAt(f.Path)
	switch {
	case passed && !isRewritable(o):
		return onlyUnsafe(losesCard, deleteArgument(p, f.Path)...)
	case passed:
		return onlyUnsafe("Run no script; the guest has no network unless another program "+
			"configures its tap device", changeParts(p, f.Path, func(key, value string) string {
			if key == f.Key {
				value = "no"
			}
			return writePart(key, value)
		})...)
	case p.Type == "xen":
		return onlyUnsafe("Delete the script, so that Xen uses its default for bridges; the guest "+
			"may lose its network", edit.Remove(f.Path.Attr("")))
	}
	return onlyUnsafe("Delete the script; the guest has no network unless another program "+
		"configures its tap device", edit.Remove(f.Path.Attr("")))
}
