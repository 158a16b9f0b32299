package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// writer writes a configuration in YAML, with comments on where its values are from.
type writer struct{ strings.Builder }

const (
	longLine  = 100  // bytes of a list that is still written on one line
	longestOf = 4000 // bytes of a text on one line: a configuration has none above 4096
)

// line writes a value that is YAML already, or says that there is none.
func (w *writer) line(indent, key, value, from string) {
	text := indent + key + ": " + value
	if value == "" {
		text = indent + "# " + key + ": not set"
	}
	fmt.Fprintf(w, "%-40s # %s\n", text, from)
}

// note writes what is in force and has no place in a configuration.
func (w *writer) note(key string, values []string, from string) {
	if len(values) > 0 {
		fmt.Fprintf(w, "# %-38s # %s\n", key+": "+flow(values), from)
	}
}

func (w *writer) list(indent, key string, values []string, from string) {
	switch text := flow(values); {
	case len(values) == 0:
		w.line(indent, key, "", from)
	case len(text) <= longLine:
		w.line(indent, key, text, from)
	default:
		fmt.Fprintf(w, "%-40s # %s\n", indent+key+":", from)
		for _, v := range values {
			fmt.Fprintf(w, "%s  - %s\n", indent, scalar(v))
		}
	}
}

// text writes a text of an entry, unless it is empty: as a block where it has several lines, so that it can
// be read.
func (w *writer) text(key, text string) {
	if text == "" {
		return
	}
	const indent = "    "
	if !strings.Contains(text, "\n") || strings.IndexAny(text, " \n") == 0 || slices.ContainsFunc(strings.Split(text, "\n"), noBlock) {
		fmt.Fprintf(w, "%s%s: %s\n", indent, key, wrapped(text, indent+"  "))
		return
	}
	fmt.Fprintf(w, "%s%s: |\n", indent, key)
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" {
			line = indent + "  " + line
		}
		w.WriteString(line + "\n")
	}
}

// noBlock reports whether a line cannot stand in a block: it is too long, or of white space alone.
func noBlock(line string) bool {
	return len(line) > longestOf || line != "" && strings.TrimSpace(line) == ""
}

// wrapped writes a text as scalar does, over several lines where it is too long for one. The last line is
// the longest: an expression may end in a comment, which is to stay in one piece.
func wrapped(text, indent string) string {
	out := scalar(text)
	if len(out) <= longestOf {
		return out
	}
	var parts []string
	var part []string // the characters of a line, as they are written, the last one first
	size := 0
	characters := []rune(text)
	for i, c := range slices.Backward(characters) {
		written := strconv.Quote(string(c))
		written = written[1 : len(written)-1]
		part = append(part, written)
		// White space at the begin of a line is lost.
		if size += len(written); size > longestOf-64 && c != ' ' || i == 0 {
			slices.Reverse(part)
			parts = append(parts, strings.Join(part, ""))
			part, size = nil, 0
		}
	}
	slices.Reverse(parts)
	return `"` + strings.Join(parts, "\\\n"+indent) + `"`
}

// scalar writes a text as YAML, in quotes unless it is a plain word.
func scalar(text string) string {
	if plainWord.MatchString(text) && !slices.Contains(yamlWords, strings.ToLower(text)) {
		return text
	}
	return strconv.Quote(text)
}

var plainWord = regexp.MustCompile(`^[A-Za-z/][A-Za-z_/-]*$`)

// yamlWords are no texts to some readers of YAML.
var yamlWords = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

// flow writes a list on one line.
func flow(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = scalar(v)
	}
	return "[" + strings.Join(out, ", ") + "]"
}
