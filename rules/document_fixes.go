package rules

import (
	"maps"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
	"github.com/virt-audit/virt-audit/audit/suggest"
)

// fixUnknownElement leaves the correction of a name to a person, since what it names takes effect
// then. Deletion is not safe either: a newer libvirt may know the name, or a person reads it.
func fixUnknownElement(p *audit.Pass, f *audit.Finding) []audit.Fix {
	at := f.Path.Attr("")
	remove := func(edits ...edit.Edit) audit.Fix {
		return audit.UnsafeFix(
			"Delete it, which changes nothing for libvirt "+vocabularyVersion+" and older", edits...)
	}
	if f.Path.Attribute() == "" {
		steps := strings.Split(at.Unnumbered(), "/")
		last := len(steps) - 1
		_, children := namesAt(steps[:last]).known()
		return []audit.Fix{
			correctName("element", "<"+steps[last]+">", nearest(steps[last], children)),
			remove(edit.Remove(at)),
		}
	}
	known, _ := namesAt(strings.Split(at.Unnumbered(), "/")).known()
	e, _ := p.Find(at)
	var edits []edit.Edit
	for name := range e.Attributes {
		if !known[string(name)] {
			edits = append(edits, edit.Remove(at.Attr(string(name))))
		}
	}
	name := f.Path.Attribute()
	return []audit.Fix{correctName("attribute", "'"+name+"'", nearest(name, known)), remove(edits...)}
}

// correctName returns the fix for a misspelt or misplaced name.
func correctName(kind, name, near string) audit.Fix {
	if near == "" {
		return audit.ManualFix(
			"Decide what was meant: correct the name or place of " + kind + " " + name +
				", or move a note to <metadata>")
	}
	return audit.ManualFix("Decide whether " + kind + " " + name + " is meant to be '" + near +
		"', which then takes effect")
}

// namesAt returns what libvirt knows of the element that some steps from the root lead to. It is an
// element without names if libvirt does not know it.
func namesAt(steps []string) *elementNames {
	w := vocabulary()
	for _, step := range steps {
		if step == "." {
			continue
		}
		_, children := w.known()
		if w = children[step]; w == nil {
			return &elementNames{}
		}
	}
	return w
}

// nearest returns the known name that is nearest to an unknown one, or "".
func nearest[T any](unknown string, known map[string]T) string {
	return suggest.Nearest(unknown, slices.Sorted(maps.Keys(known)))
}
