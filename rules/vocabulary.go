package rules

import (
	_ "embed"
	"iter"
	"strings"
	"sync"
)

//go:generate go run ./vocabulary

// vocabularyText lists, by "parent/element", the attributes (with "@") and children that libvirt
// knows there: all versions up to vocabularyVersion, all drivers.
//
//go:embed vocabulary.txt
var vocabularyText string

const vocabularyVersion = "12.8"

// elementNames is an element at a place. Its attributes and children are parsed on first use: a
// document uses few of all elements, and parsing all of them would slow down each start.
type elementNames struct {
	element, names string
	parse          sync.Once
	attributes     map[string]bool
	children       map[string]*elementNames
}

// allElements are all elements, by the name of their parent and their own: "os/type".
var allElements = sync.OnceValue(func() map[string]*elementNames {
	out := make(map[string]*elementNames, 1024)
	for line := range strings.Lines(vocabularyText) {
		key, names, _ := strings.Cut(strings.TrimSpace(line), ":")
		_, element, _ := strings.Cut(key, "/")
		out[key] = &elementNames{element: element, names: names}
	}
	return out
})

// vocabulary returns the root element.
func vocabulary() *elementNames { return allElements()["/domain"] }

// known returns the attributes that the element may have, and the elements that it may contain.
func (e *elementNames) known() (attributes map[string]bool, children map[string]*elementNames) {
	e.parse.Do(func() {
		e.attributes, e.children = map[string]bool{}, map[string]*elementNames{}
		for name := range strings.FieldsSeq(e.names) {
			if attribute, ok := strings.CutPrefix(name, "@"); ok {
				e.attributes[attribute] = true
				continue
			}
			child := allElements()[e.element+"/"+name]
			if child == nil {
				child = &elementNames{element: name}
			}
			e.children[name] = child
		}
	})
	return e.attributes, e.children
}

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
