package rules

import (
	"iter"
	"strings"
)

// Vocabulary walks the elements that libvirt knows, sorted: each by its parent's name and its own, such
// as "devices/disk" and, for the root, "/domain", with the names of its attributes, "@" before them, and children.
// Those of a hypervisor's namespace are not among them. Elements of one name below parents of one name
// are taken for the same, wherever the parents stand.
func Vocabulary() iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		for line := range strings.Lines(vocabularyText) {
			key, names, _ := strings.Cut(strings.TrimSpace(line), ":")
			if !yield(key, strings.Fields(names)) {
				return
			}
		}
	}
}
