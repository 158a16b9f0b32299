// Package suggest finds the known word that a user may have meant by an unknown one. Keys, values, rule
// IDs, options, commands and the names in expressions all use it, with one algorithm and one threshold.
package suggest

import "strings"

// maxEdits is the largest number of edits between a word and a suggestion.
const maxEdits = 3

// Hint returns "did you mean 'X'?" for the known word that Nearest returns, or "" if there is none.
func Hint(word string, words []string) string {
	if meant := Nearest(word, words); meant != "" {
		return "did you mean '" + meant + "'?"
	}
	return ""
}

// Nearest returns the known word with the fewest edits, the first of several, or "" if none is near. One
// edit inserts, deletes or replaces a byte, or swaps two neighbours; the case of letters does not count.
// A word is near if at most a third of the longer word is edited, if it continues a known word ("disk[1]")
// or if it abbreviates one ("base" for "baseline"). The time is proportional to the length of the known
// words, however long the word is.
func Nearest(word string, words []string) string {
	best, least := "", maxEdits+1
	lower := strings.ToLower(word[:min(len(word), maxWord)])
	for _, candidate := range words {
		if candidate == word {
			return word
		}
		limit := min(max(len(word), len(candidate))/3, least-1)
		known := strings.ToLower(candidate)
		edits := distance(lower, known, limit)
		if edits > limit && least > maxEdits && (continues(lower, known) || abbreviates(lower, known)) {
			edits, limit = maxEdits, maxEdits
		}
		if edits <= limit {
			best, least = candidate, edits
		}
	}
	return best
}

// maxWord is the length in bytes to which a word is compared: no known word is that long.
const maxWord = 256

// abbreviates reports whether a word is at least half of a known one, and not only a few letters.
func abbreviates(word, known string) bool {
	return len(word) > maxEdits && 2*len(word) >= len(known) && strings.HasPrefix(known, word)
}

// continues reports whether a word continues a known one with something else than a letter or digit.
func continues(word, known string) bool {
	rest, ok := strings.CutPrefix(word, known)
	return ok && known != "" && rest != "" && !strings.ContainsAny(rest[:1], "abcdefghijklmnopqrstuvwxyz0123456789")
}

// distance returns the Damerau-Levenshtein distance of two words (optimal string alignment), or a number
// above the limit if the distance is above it. Cells further from the diagonal than the limit are not
// computed.
func distance(a, b string, limit int) int {
	if max(len(a)-len(b), len(b)-len(a)) > limit {
		return limit + 1
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		for j := range rows[i] {
			rows[i][j] = limit + 1 // outside the band
		}
		for j := max(0, i-limit); j <= min(len(b), i+limit); j++ {
			switch {
			case i == 0 || j == 0:
				rows[i][j] = i + j
				continue
			case a[i-1] == b[j-1]:
				rows[i][j] = rows[i-1][j-1]
			default:
				rows[i][j] = 1 + min(rows[i-1][j-1], rows[i-1][j], rows[i][j-1])
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
