package rules

import (
	_ "embed"
	"strings"
	"sync"
)

//go:generate go run ./vocabulary

// vocabularyText lists, by "parent/element", the attributes (with "@") and children that libvirt knows
// there: all versions up to vocabularyVersion, all drivers.
//
//go:embed vocabulary.txt
var vocabularyText string

const vocabularyVersion = "12.7"

// word is an element in a place.
type word struct {
	attributes map[string]bool
	children   map[string]*word
}

// vocabulary returns the word of the root element.
var vocabulary = sync.OnceValue(parseVocabulary)

func parseVocabulary() *word {
	words := map[string]*word{}
	get := func(key string) *word {
		w := words[key]
		if w == nil {
			w = &word{map[string]bool{}, map[string]*word{}}
			words[key] = w
		}
		return w
	}
	for line := range strings.Lines(vocabularyText) {
		key, names, _ := strings.Cut(strings.TrimSpace(line), ":")
		w := get(key)
		_, element, _ := strings.Cut(key, "/")
		for name := range strings.FieldsSeq(names) {
			if attribute, ok := strings.CutPrefix(name, "@"); ok {
				w.attributes[attribute] = true
			} else {
				w.children[name] = get(element + "/" + name)
			}
		}
	}
	return get("/domain")
}

// nearest returns the name among the known ones that somebody who wrote another may have meant, or "".
func nearest[T any](known map[string]T, written string) string {
	if len(written) > 40 {
		return "" // longer than any name of libvirt's
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

// edits returns how many letters have to be put in, taken out or replaced to make one word the other.
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
