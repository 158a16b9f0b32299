package rules

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
	"github.com/virt-audit/virt-audit/audit/identity"
)

// A label of the guest is replaced together with those of its files that rely on it: libvirt does
// not label a file with relabel='no', and QEMU with a generated label could not open it.

// confine returns the fix that lets libvirt generate the label of the guest. at is in a <seclabel>.
func confine(p *audit.Pass, f *audit.Finding) []audit.Fix {
	at, ok := seclabelOf(p, f.Path)
	if !ok {
		return nil
	}
	model, _ := p.Attr(at.Attr("model"))
	if known, ok := p.Host.MAC(); model == "" && ok && known != "none" {
		model = known
	}
	edits := labelFiles(p)
	if model == "none" || p.Conf().Bool("security_default_confined").Value {
		return unlabelled(p, onlySafe("Delete the element, so that libvirt generates a label for the guest",
			append(edits, edit.Remove(at))...))
	}
	if model == "" {
		return nil // qemu.conf decides, and the document does not show which driver the host has
	}
	return unlabelled(p, onlySafe("Let libvirt generate a label for the guest",
		append(edits, edit.Replace(at, dynamicLabel(model)))...))
}

// unlabelled makes fixes that confine the guest, or that take root's rights from it, unsafe if it
// uses files that libvirt does not label: those of the command line, those whose label excludes it, and
// those in a directory that 9p shares.
func unlabelled(p *audit.Pass, fixes []audit.Fix) []audit.Fix {
	uses := slices.ContainsFunc(p.Reach(), func(r audit.Resource) bool {
		return r.Kind.OnDisk() && isPassed(&r)
	}) || slices.ContainsFunc(identity.Labels(p.Domain), func(l identity.Label) bool {
		return l.Use == identity.File && l.Keep
	})
	for range directoriesBy9p(p) {
		uses = true
		break
	}
	for i := range fixes {
		if uses && fixes[i].Safety == audit.Safe {
			fixes[i].Safety = audit.Unsafe
			fixes[i].Text += "; it then needs access to the files that libvirt does not label"
		}
	}
	return fixes
}

// replaceLabel returns the edits that replace a static label with one that libvirt generates.
func replaceLabel(p *audit.Pass, at audit.Path) []edit.Edit {
	at, ok := seclabelOf(p, at)
	model, _ := p.Attr(at.Attr("model"))
	if !ok || model == "" {
		return nil
	}
	return append(labelFiles(p), edit.Replace(at, dynamicLabel(model)))
}

// requestLabel returns the fix of a guest on a host that confines guests only if they request it.
func requestLabel(p *audit.Pass, f *audit.Finding) []audit.Fix {
	model, known := p.Host.MAC()
	if f.Key != "on-request" || !known || model == "none" {
		return nil
	}
	return onlySafe("Request a label that libvirt generates",
		edit.Insert(audit.Path{}, dynamicLabel(model)))
}

func dynamicLabel(model string) string {
	return "<seclabel type='dynamic' model='" + model + "' relabel='yes'/>"
}

// labelFiles returns the edits that delete the labels of files which only a static label of the
// guest, or none, made right.
func labelFiles(p *audit.Pass) (edits []edit.Edit) {
	if p.VerdictIs("not-qemu") || !hasFixedLabel(p) {
		return nil
	}
	for l := range sharedLabels(p) {
		edits = append(edits, edit.Remove(l.at.Attr("")))
	}
	return edits
}

// seclabelOf returns the <seclabel> of the guest that a path is in.
func seclabelOf(p *audit.Pass, at audit.Path) (audit.Path, bool) {
	e, missing := p.Find(at.Attr(""))
	for ok := len(missing) == 0; ok; e, ok = e.Parent() {
		if e.Name == "seclabel" && e.Depth == 1 {
			return e.Path(), true
		}
	}
	return audit.Path{}, false
}

// runAsUser returns the fix of a guest that runs as root by its own label. If its document is that
// of a running guest, a generated label shows what qemu.conf sets.
func runAsUser(p *audit.Pass, f *audit.Finding) []audit.Fix {
	at, ok := seclabelOf(p, f.Path)
	if kind, _ := p.Attr(at.Attr("type")); !ok || kind != "static" {
		return nil
	}
	return unlabelled(p, onlySafe("Delete the label, so that QEMU runs as the user that qemu.conf sets",
		edit.Remove(at)))
}

// fixSandbox returns the fixes of an argument, or of a capability, about the sandbox.
func fixSandbox(p *audit.Pass, f *audit.Finding) []audit.Fix {
	if f.Key == "capability" {
		e, missing := p.Find(f.Path.Attr(""))
		if len(missing) > 0 {
			return nil
		}
		return onlySafe("Delete the element, so that libvirt starts QEMU with its sandbox",
			edit.Remove(onlyChild(e).Path()))
	}
	o, _ := p.OptionAt(f.Path)
	const text = "Delete the setting from the argument: libvirt's own settings decide"
	switch {
	case f.Key == "allow":
		allows := func(_, value string) bool { return value == "allow" }
		return onlySafe(text, dropParts(p, f.Path, allows)...)
	case o.Name == "run-with":
		return onlySafe(text, dropParts(p, f.Path, isKey("user"))...)
	}
	return onlySafe("Delete the argument: libvirt's own settings decide", p.RemoveOption(f.Path)...)
}

// deleteVariable returns the fix of an environment variable. One that loads code may be there for
// what that code does.
func deleteVariable(_ *audit.Pass, f *audit.Finding) []audit.Fix {
	remove := edit.Remove(f.Path.Attr(""))
	if f.Severity < f.Rule.Severity {
		return onlySafe("Delete the variable", remove)
	}
	return onlyUnsafe("Delete the variable; QEMU loses the code that it loads, and may lose a "+
		"device with it", remove)
}

// fixPassed returns the fixes of an argument that no rule can judge, or that creates a file.
func fixPassed(p *audit.Pass, f *audit.Finding) []audit.Fix {
	o, ok := p.OptionAt(f.Path)
	switch {
	case !ok || f.Key == "":
		return nil
	case slices.ContainsFunc(p.Command.Effects, func(e audit.Effect) bool {
		return e.Kind == audit.EffectStops && e.Option.Path == o.Path
	}):
		return fixStops(p, f)
	case f.Key == "creates" && (o.Name == "D" || o.Name == "trace" || o.Name == "pidfile"):
		return onlySafe("Delete the argument: the guest does not notice what QEMU logs",
			p.RemoveOption(f.Path)...)
	}
	return onlyUnsafe(losesAdded, deleteArgument(p, f.Path)...)
}

// fixHelper returns the fixes of a program that runs for the guest.
func fixHelper(p *audit.Pass, f *audit.Finding) []audit.Fix {
	o, passed := p.OptionAt(f.Path)
	const others = "Delete the path, so that QEMU uses the helper of its own package"
	switch {
	case !passed && f.Path.Attribute() == "path":
		return onlySafe("Delete the path, so that libvirt uses the executable of the host's "+
			"package", edit.Remove(f.Path))
	case !passed:
		return nil
	case f.Key == "plugin":
		return onlySafe("Delete the argument: the guest does not notice the plug-in",
			p.RemoveOption(f.Path)...)
	case f.Key == "command":
		return onlyUnsafe("Delete the command; the guest can no longer connect "+
			"to it",
			dropParts(p, f.Path, func(key, value string) bool {
				return key == "guestfwd" && strings.Contains(value, "-cmd:")
			})...)
	case o.First("type") == "bridge":
		return onlySafe(others, dropParts(p, f.Path, isKey("helper"))...)
	case o.First("type") == "passt":
		return onlySafe(others, dropParts(p, f.Path, isKey("path"))...)
	}
	return onlyUnsafe(losesAdded, deleteArgument(p, f.Path)...)
}

// fixSharedNamespace returns the fixes of what a container shares with its host.
func fixSharedNamespace(p *audit.Pass, f *audit.Finding) []audit.Fix {
	privateNetwork := edit.Insert(audit.At("features"), "<privnet/>")
	place := f.Path.String()
	switch {
	case f.Key == "network":
		return []audit.Fix{
			audit.ManualFix("Add an interface on a network that the container should have"),
			audit.UnsafeFix("Add <privnet/>, which gives the container a network of its own; it "+
				"loses its connection", privateNetwork),
		}
	case strings.HasPrefix(place, "features/capabilities/"):
		return onlyUnsafe("Drop the capability; what requires it in the container fails",
			edit.Set(f.Path, "off"))
	case strings.HasPrefix(place, "features/capabilities@"):
		return onlyUnsafe("Use policy 'default'; what requires the capabilities that it drops "+
			"fails", edit.Set(f.Path, "default"))
	case strings.HasPrefix(place, "lxc:namespace/"):
		e, missing := p.Find(f.Path.Attr(""))
		if len(missing) > 0 {
			return nil
		}
		edits := []edit.Edit{edit.Remove(onlyChild(e).Path())}
		if e.Name == "lxc:sharenet" && !newNetwork(p) {
			return onlyUnsafe("Give the container a network of its own; it loses its connection",
				append(edits, privateNetwork)...)
		}
		return onlyUnsafe("Give the container a namespace of its own; it no longer shares what "+
			"the other one has", edits...)
	}
	return nil
}
