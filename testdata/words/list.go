package main

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// A row is one pattern of the list.
type row struct {
	Pattern *regexp.Regexp
	Write   string // what to write in its place
	Prose   bool   // applies to running text only
	Allowed []*regexp.Regexp
}

type wordList struct {
	Rows   []row
	NotYet []string // paths that are not clean yet
}

// parseList parses words.txt; its head describes the format.
func parseList(text string) (wordList, error) {
	var list wordList
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if p, ok := strings.CutPrefix(line, "not yet: "); ok {
			list.NotYet = append(list.NotYet, strings.TrimSpace(p))
			continue
		}
		r, err := parseRow(line)
		if err != nil {
			return wordList{}, fmt.Errorf("%s:%d: %w", listName, number, err)
		}
		list.Rows = append(list.Rows, r)
	}
	return list, nil
}

func parseRow(line string) (row, error) {
	fields := strings.Split(line, " | ")
	if len(fields) < 3 || len(fields) > 4 {
		return row{}, fmt.Errorf("%d fields; expected 3 or 4, separated by \" | \"", len(fields))
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	r := row{Write: fields[1], Prose: fields[2] == "prose"}
	if !r.Prose && fields[2] != "all" {
		return row{}, fmt.Errorf("%q: expected all or prose", fields[2])
	}
	var err error
	if r.Pattern, err = compile(`\b(?:`+fields[0]+`)\b`, fields[0]); err != nil {
		return row{}, err
	}
	if len(fields) == 4 {
		for phrase := range strings.SplitSeq(fields[3], " ; ") {
			allowed, err := compile(phrase, strings.ToLower(phrase))
			if err != nil {
				return row{}, err
			}
			r.Allowed = append(r.Allowed, allowed)
		}
	}
	return r, nil
}

// compile lets a blank match any white space. Case counts only where sample has a capital letter.
func compile(pattern, sample string) (*regexp.Regexp, error) {
	pattern = strings.ReplaceAll(strings.TrimSpace(pattern), " ", `\s+`)
	if strings.IndexFunc(sample, unicode.IsUpper) < 0 {
		pattern = "(?i)" + pattern
	}
	return regexp.Compile(pattern)
}
