package rules

import (
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
)

// dropped returns the edits that remove those of some attributes and elements that exist.
func dropped(p *audit.Pass, places ...audit.Path) (edits []edit.Edit) {
	for _, at := range places {
		if p.Has(at) {
			edits = append(edits, edit.Remove(at))
		}
	}
	return edits
}

// withItems returns an option's argument with each of its parts as edit returns it, or without it
// if keep is false. The argument must not be JSON.
func withItems(argument string, edit func(item string) (out string, keep bool)) string {
	var items []string
	for _, part := range rawParts(argument) {
		if item, keep := edit(part); keep {
			items = append(items, item)
		}
	}
	return strings.Join(items, ",")
}

// rawParts splits an argument at its single commas. A doubled comma is a part of a value, and stays
// doubled.
func rawParts(value string) (parts []string) {
	start := 0
	for i := 0; i < len(value); i++ {
		switch {
		case value[i] != ',':
		case i+1 < len(value) && value[i+1] == ',':
			i++
		default:
			parts = append(parts, value[start:i])
			start = i + 1
		}
	}
	return append(parts, value[start:])
}

// isJSON reports whether the argument of an option is an object of JSON.
func isJSON(o audit.Option) bool {
	return strings.HasPrefix(strings.TrimLeft(o.Value, " \t\r\n"), "{")
}
