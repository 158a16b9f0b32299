package main

import (
	"bytes"
	"cmp"
	"slices"
)

// A finding is one word in a file. Lines and columns count from 1; columns count bytes.
type finding struct {
	Line, Column int
	Word         string
	Write        string
}

// scan returns what the rows find in one file, in the order of the text.
func scan(name string, data []byte, rows []row) []finding {
	all, prose := mask(kindOf(name), data)
	var found []finding
	for _, r := range rows {
		text := all
		if r.Prose {
			text = prose
		}
		for _, at := range r.Pattern.FindAllIndex(text, -1) {
			if r.allows(text, at) {
				continue
			}
			line := 1 + bytes.Count(data[:at[0]], []byte("\n"))
			column := at[0] - bytes.LastIndexByte(data[:at[0]], '\n')
			word := string(bytes.Join(bytes.Fields(text[at[0]:at[1]]), []byte(" ")))
			found = append(found, finding{Line: line, Column: column, Word: word, Write: r.Write})
		}
	}
	slices.SortFunc(found, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return found
}

// context is how many bytes around a match an allowed phrase may cover.
const context = 60

// allows reports whether the match is inside of an allowed phrase.
func (r row) allows(text []byte, at []int) bool {
	from, to := max(0, at[0]-context), min(len(text), at[1]+context)
	for _, phrase := range r.Allowed {
		for _, in := range phrase.FindAllIndex(text[from:to], -1) {
			if from+in[0] <= at[0] && at[1] <= from+in[1] {
				return true
			}
		}
	}
	return false
}
