package config

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// rule checks the ID of a rule.
func (r *reader) rule(at place, id string) bool {
	switch {
	case r.ids[id]:
		return true
	case isPattern(id):
		r.fail(at, "", "%q is a pattern, where one rule is wanted", id)
	default:
		hint := didYouMean(nearest(id, r.rules))
		if hint == "" {
			hint = "'virt-audit rules' lists them"
		}
		r.fail(at, hint, "unknown rule %q", id)
	}
	return false
}

// pattern checks the ID of a rule or a pattern of IDs.
func (r *reader) pattern(at place, text string) bool {
	if !isPattern(text) {
		return r.rule(at, text)
	}
	if !r.glob(at, text) {
		return false
	}
	if !slices.ContainsFunc(r.rules, func(id string) bool { return match(text, id) }) {
		r.fail(at, "'virt-audit rules' lists them", "no rule matches %q", text)
		return false
	}
	return true
}

// match reports whether a pattern that has been checked means the ID.
func match(pattern, id string) bool {
	ok, _ := path.Match(pattern, id)
	return ok
}

// glob checks the form of a pattern.
func (r *reader) glob(at place, text string) bool {
	if _, err := path.Match(text, ""); err != nil {
		r.fail(at, "", "%q is not a pattern: a bracket is not closed, or nothing follows a backslash", text)
		return false
	}
	return true
}

func isPattern(text string) bool { return strings.ContainsAny(text, `*?[\`) }

// oneOf checks a word against those that are known.
func (r *reader) oneOf(at place, what, word string, words []string) bool {
	if slices.Contains(words, word) {
		return true
	}
	hint := didYouMean(nearest(word, words))
	if hint == "" {
		hint = "one of " + strings.Join(words, ", ")
	}
	r.fail(at, hint, "unknown %s %q", what, word)
	return false
}

func indexed(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

func texts[T fmt.Stringer](list []T) []string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = w.String()
	}
	return out
}

func didYouMean(word string) string {
	if word == "" {
		return ""
	}
	return "did you mean " + word + "?"
}

// nearest returns the word at the smallest edit distance, or "" where none is near.
func nearest(word string, words []string) string {
	best, least := "", 3
	for _, w := range words {
		if len(word) > len(w)+2 || len(w) > len(word)+2 {
			continue
		}
		if d := distance(word, w); d < least && 2*d < len(word) {
			best, least = w, d
		}
	}
	return best
}

// distance counts the bytes to insert, delete, replace or swap with their neighbour.
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			switch {
			case i == 0 || j == 0:
				d[i][j] = i + j
				continue
			case a[i-1] == b[j-1]:
				d[i][j] = d[i-1][j-1]
			default:
				d[i][j] = 1 + min(d[i-1][j-1], d[i-1][j], d[i][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
