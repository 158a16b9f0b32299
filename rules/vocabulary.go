package rules

import (
	_ "embed"
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

// word is an element at a place. Its attributes and children are parsed on first use: a document
// uses few of all elements, and parsing all of them would slow down each start.
type word struct {
	element, names string
	apart          sync.Once
	attributes     map[string]bool
	children       map[string]*word
}

// allWords are all elements, by the name of their parent and their own: "os/type".
var allWords = sync.OnceValue(func() map[string]*word {
	out := make(map[string]*word, 1024)
	for line := range strings.Lines(vocabularyText) {
		key, names, _ := strings.Cut(strings.TrimSpace(line), ":")
		_, element, _ := strings.Cut(key, "/")
		out[key] = &word{element: element, names: names}
	}
	return out
})

// vocabulary returns the word of the root element.
func vocabulary() *word { return allWords()["/domain"] }

// known returns the attributes that the element may have, and the elements that it may contain.
func (w *word) known() (attributes map[string]bool, children map[string]*word) {
	w.apart.Do(func() {
		w.attributes, w.children = map[string]bool{}, map[string]*word{}
		for name := range strings.FieldsSeq(w.names) {
			if attribute, ok := strings.CutPrefix(name, "@"); ok {
				w.attributes[attribute] = true
				continue
			}
			child := allWords()[w.element+"/"+name]
			if child == nil {
				child = &word{element: name}
			}
			w.children[name] = child
		}
	})
	return w.attributes, w.children
}

// nearest returns the known name that is most similar to an unknown one, or "" if none is similar.
func nearest[T any](known map[string]T, written string) string {
	if len(written) > 40 {
		return "" // longer than any name of libvirt
	}
	best, distance := "", len(written)/4+2
	for name := range known {
		d := edits(strings.ToLower(name), strings.ToLower(written))
		if d < distance || d == distance && best != "" && name < best {
			best, distance = name, d
		}
	}
	return best
}

// edits returns the Levenshtein distance of two words.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
