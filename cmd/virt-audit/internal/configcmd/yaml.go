package configcmd

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/config"
)

// writer writes a configuration in YAML, with comments on the origin of its values.
type writer struct{ strings.Builder }

const (
	longLine  = 100  // bytes of a list that is still written on one line
	longestOf = 4000 // bytes of a text on one line: a configuration has none above 4096
)

// line writes a value that is YAML already, or a comment that it is not set.
func (w *writer) line(indent, key, value, from string) {
	text := indent + key + ": " + value
	if value == "" {
		text = indent + "# " + key + ": not set"
	}
	fmt.Fprintf(w, "%-40s # %s\n", text, from)
}

// value writes a value of a configuration, at its depth.
func (w *writer) value(v config.Value, from string) {
	indent := strings.Repeat("  ", v.Depth)
	switch value := v.Value.(type) {
	case nil:
		fmt.Fprintf(w, "%s%s:\n", indent, v.Name)
	case []string:
		w.list(indent, v.Name, value, from)
	case bool:
		w.line(indent, v.Name, strconv.FormatBool(value), from)
	case audit.Severity:
		w.severity(v, value, from)
	case time.Time:
		fmt.Fprintf(w, "    %s: %s\n", v.Name, value.Format(time.DateOnly))
	case string:
		switch {
		case v.First:
			w.line(indent, "- "+v.Name, value, from)
		case v.Depth == 0:
			w.line(indent, v.Name, value, from)
		default:
			w.text(v.Name, value)
		}
	}
}

// severity writes the severity of a rule, with its place unless it is one of several keys of an
// entry.
func (w *writer) severity(v config.Value, s audit.Severity, from string) {
	if v.Key.Kind == config.Severities {
		w.line("  ", v.Name, s.String(), from)
		return
	}
	w.text(v.Name, s.String())
}

// note writes a comment with values that a configuration cannot have.
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

// text writes a text of an entry, unless it is empty: as a block if it has several lines, so that
// it is easy to read.
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

// noBlock reports whether a line cannot be part of a block: it is too long, or only white space.
func noBlock(line string) bool {
	return len(line) > longestOf || line != "" && strings.TrimSpace(line) == ""
}

// wrapped writes a text as scalar does, on several lines if it is too long for one. The last line
// is the longest: an expression may end in a comment, which must stay in one piece.
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
		// White space at the beginning of a line is lost.
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

// yamlWords are not strings to some readers of YAML.
var yamlWords = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

// flow writes a list on one line.
func flow(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = scalar(v)
	}
	return "[" + strings.Join(out, ", ") + "]"
}
