package main

import (
	"bytes"
	"go/scanner"
	"go/token"
	"path"
	"regexp"
	"strings"
)

// A kind is a way to find the text of a file.
type kind int

const (
	kindNone     kind = iota
	kindText          // all of it: templates, manual pages, schemas
	kindGo            // comments and string literals
	kindMarkdown      // all of it; prose is what is not code
	kindHash          // all of it; prose is the comments: YAML, shell, txtar, units, Makefile
	kindXML           // comments
)

var kinds = map[string]kind{
	".go":         kindGo,
	".md":         kindMarkdown,
	".xml":        kindXML,
	".yml":        kindHash,
	".yaml":       kindHash,
	".sh":         kindHash,
	".bash":       kindHash,
	".fish":       kindHash,
	".txtar":      kindHash,
	".service":    kindHash,
	".timer":      kindHash,
	".conf":       kindHash,
	".html":       kindText,
	".js":         kindText,
	".css":        kindText,
	".1":          kindText,
	".txt":        kindText,
	".json":       kindText,
	"Makefile":    kindHash,
	".ci/run":     kindHash,
	"_virt-audit": kindHash,
}

func kindOf(name string) kind {
	for _, key := range []string{name, path.Base(name), path.Ext(name)} {
		if k, ok := kinds[key]; ok {
			return k
		}
	}
	return kindNone
}

// hidden replaces a byte that is not text: no word and no white space.
const hidden = 0

// mask returns two copies of data in which everything but text is hidden. Offsets and lines stay.
// Marks of comments at the start of lines become blanks, so that phrases match across lines.
func mask(k kind, data []byte) (all, prose []byte) {
	switch k {
	case kindGo:
		return maskGo(data)
	case kindMarkdown:
		return keep(data), maskMarkdown(data)
	case kindHash:
		return unmark(data, hashMark), maskExcept(data, hashComment)
	case kindXML:
		text := maskExcept(data, xmlComment)
		return text, text
	default:
		return keep(data), keep(data)
	}
}

var (
	hashMark    = regexp.MustCompile(`(?m)^[ \t]*#+`)
	hashComment = regexp.MustCompile(`(?m)(?:^|\s)#.*$`)
	xmlComment  = regexp.MustCompile(`(?s)<!--.*?-->`)
	fixtureWant = regexp.MustCompile(`<!-- (want|allow|mode|needs libvirt|not valid)\b`)
	fence       = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```[ \t]*$")
	codeSpan    = regexp.MustCompile("`[^`\n]*`")
	indented    = regexp.MustCompile(`(?m)^(?: {4}|\t).*$`)
)

func keep(data []byte) []byte { return bytes.Clone(data) }

func unmark(data []byte, mark *regexp.Regexp) []byte {
	out := keep(data)
	for _, at := range mark.FindAllIndex(out, -1) {
		fill(out, at, ' ')
	}
	return out
}

// maskExcept keeps what pattern matches; the word that introduces the expectation of a fixture is
// hidden.
func maskExcept(data []byte, pattern *regexp.Regexp) []byte {
	out := bytes.Repeat([]byte{hidden}, len(data))
	for _, at := range pattern.FindAllIndex(data, -1) {
		copy(out[at[0]:at[1]], data[at[0]:at[1]])
	}
	for i, c := range data {
		if c == '\n' || c == ' ' || c == '\t' {
			out[i] = c
		}
	}
	for _, at := range fixtureWant.FindAllIndex(out, -1) {
		fill(out, at, hidden)
	}
	return unmark(out, hashMark)
}

func maskMarkdown(data []byte) []byte {
	out := keep(data)
	for _, code := range []*regexp.Regexp{fence, indented, codeSpan} {
		for _, at := range code.FindAllIndex(out, -1) {
			fill(out, at, hidden)
		}
	}
	return out
}

// maskGo keeps comments and the contents of string literals. Literals joined by + are one text.
func maskGo(data []byte) (all, prose []byte) {
	all = bytes.Repeat([]byte{hidden}, len(data))
	prose = bytes.Clone(all)
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(data))
	var s scanner.Scanner
	s.Init(file, data, nil, scanner.ScanComments)
	lastString, plus, lastComment := -1, false, -1
	for {
		pos, tok, literal := s.Scan()
		if tok == token.EOF {
			return all, prose
		}
		from := file.Offset(pos)
		switch tok {
		case token.COMMENT:
			text, start := comment(literal, from)
			for _, out := range [][]byte{all, prose} {
				copy(out[start:], text)
				bridge(out, data, lastComment, start)
			}
			lastComment = from + len(literal)
		case token.STRING:
			copy(all[from+1:], literal[1:len(literal)-1])
			if plus {
				fill(all, []int{lastString, from + 1}, ' ')
			}
			lastString, plus = from+len(literal)-1, false
		case token.ADD:
			plus = lastString >= 0
		case token.SEMICOLON:
			if literal == ";" {
				lastString, plus = -1, false
			}
		default:
			lastString, plus = -1, false
		}
	}
}

// comment returns the text of a comment without its mark, and the offset of that text.
func comment(literal string, from int) (string, int) {
	if text, ok := strings.CutPrefix(literal, "//"); ok {
		return text, from + 2
	}
	return strings.TrimSuffix(literal[2:], "*/"), from + 2
}

// bridge makes blanks of what is between two comments on adjacent lines.
func bridge(out, data []byte, from, to int) {
	if from < 0 {
		return
	}
	between := string(data[from:to])
	if strings.Count(between, "\n") == 1 && strings.TrimSpace(strings.TrimSuffix(between, "//")) == "" {
		fill(out, []int{from, to}, ' ')
	}
}

func fill(out []byte, at []int, with byte) {
	for i := at[0]; i < at[1]; i++ {
		if out[i] != '\n' {
			out[i] = with
		}
	}
}
