package rules

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

// A fix of the passthrough command line changes the one argument that was found. It must leave a
// command line that QEMU accepts: QEMU exits if an argument refers to a device or back end that no
// longer exists.

// deleteArgument returns the edits that remove the option that a path is in, and those that refer
// to what it creates.
func deleteArgument(p *audit.Pass, at audit.Path) (edits []edit.Edit) {
	o, ok := p.OptionAt(at)
	if !ok {
		return nil
	}
	gone := []audit.Option{o}
	for i := 0; i < len(gone); i++ {
		edits = append(edits, p.RemoveOption(gone[i].Path)...)
		id := createdID(gone[i])
		for _, o := range p.Command.Options {
			same := func(g audit.Option) bool { return g.Path == o.Path }
			if id != "" && refersTo(o, id) && !slices.ContainsFunc(gone, same) {
				gone = append(gone, o)
			}
		}
	}
	return edits
}

// createdID returns the name of what an option creates; "" if it has none.
func createdID(o audit.Option) string {
	if id, ok := o.Get("id"); ok {
		return id
	}
	id, _ := o.Get("node-name")
	return id
}

// notReferences are keys whose value is never the name of another object.
var notReferences = strings.Fields("id node-name type driver qom-type if format name media backend")

// refersTo reports whether an option uses what another one created: drive=ID, bus=ID.0, or
// -set device.ID.property=value.
func refersTo(o audit.Option, id string) bool {
	if o.Name == "set" {
		parts := strings.SplitN(o.Value, ".", 3)
		return len(parts) == 3 && parts[1] == id
	}
	return slices.ContainsFunc(o.Args, func(a audit.KeyValue) bool {
		switch {
		case a.Key == "" && o.Name != "mon" || slices.Contains(notReferences, a.Key):
			return a.Value == "chardev:"+id
		case a.Value == id:
			return true
		}
		return strings.HasSuffix(a.Key, "bus") && strings.HasPrefix(a.Value, id+".")
	})
}

// changeParts returns the edits that change the parts of the argument that a path is in, such as
// "spawn=allow". keep returns the new text of a part; a part that it empties is dropped. The whole
// option is removed if nothing of it remains, if it is JSON, or if its first part would be another
// one without a key, which QEMU reads differently there.
func changeParts(p *audit.Pass, at audit.Path, keep func(key, value string) string) []edit.Edit {
	o, ok := p.OptionAt(at)
	if !ok {
		return nil
	}
	var parts []string
	for i, part := range rawParts(o.Value) {
		key, value, stated := strings.Cut(part, "=")
		if !stated {
			key, value = "", part
		}
		next := keep(key, value)
		switch {
		case next == "":
			continue
		case len(parts) == 0 && i > 0 && !strings.Contains(next, "="):
			return deleteArgument(p, at)
		}
		parts = append(parts, next)
	}
	text := strings.Join(parts, ",")
	if text == "" || text == o.Value || isJSON(o) {
		return deleteArgument(p, at)
	}
	return []edit.Edit{edit.Set(o.At, text)}
}

// dropParts returns the edits that delete parts of the argument that a path is in.
func dropParts(p *audit.Pass, at audit.Path, drop func(key, value string) bool) []edit.Edit {
	return changeParts(p, at, func(key, value string) string {
		if drop(key, value) {
			return ""
		}
		return writePart(key, value)
	})
}

// isKey returns a function for dropParts that drops the parts with a key.
func isKey(name string) func(key, value string) bool {
	return func(key, _ string) bool { return key == name }
}

func writePart(key, value string) string {
	if key == "" {
		return value
	}
	return key + "=" + value
}

// losesAdded is the text of a fix by deleteArgument.
const losesAdded = "Delete the argument, and those that refer to it; the guest loses what they add"

// noArgumentFix is for arguments whose purpose only their author knows.
const noArgumentFix = "Decide which element of libvirt can replace each argument; only their " +
	"author knows what the guest needs them for"
