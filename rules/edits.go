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

// withItems returns an option's argument with each of its parts, between commas, as edit returns
// it, or without it if keep is false. Two commas are one comma of a value. The argument must not be
// JSON.
func withItems(argument string, edit func(item string) (out string, keep bool)) string {
	var items []string
	for start, i := 0, 0; i <= len(argument); i++ {
		switch {
		case i < len(argument) && argument[i] != ',':
			continue
		case strings.HasPrefix(argument[i:], ",,"):
			i++
			continue
		}
		if item, keep := edit(argument[start:i]); keep {
			items = append(items, item)
		}
		start = i + 1
	}
	return strings.Join(items, ",")
}
