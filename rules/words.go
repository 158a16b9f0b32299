package rules

import (
	"iter"
	"strings"
)

// Vocabulary walks the elements that libvirt knows, sorted. The key is the parent's name and the
// element's, such as "devices/disk" and, for the root, "/domain"; the value lists the names of its
// attributes, with a leading "@", and of its children. Elements in a hypervisor's namespace are not
// included. Elements with the same name and the same parent's name count as the same, wherever the
// parents are.
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
