package yamldoc

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/virt-audit/virt-audit/audit/source"
)

// check checks the bytes of the file and returns the text for the YAML parser. It refuses what the parser
// would read in another way than YAML's specification: the parser drops tabs inside words, the dots of a
// line that begins with three of them, and a document that follows an empty one.
func (d *Document) check(data []byte) string {
	if len(data) > d.format.MaxBytes {
		d.lines = []string{""}
		d.Errorf(source.Position{Line: 1, Column: 1}, "", "the file is larger than %d bytes", d.format.MaxBytes)
		return ""
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	d.lines = strings.Split(text, "\n")
	begun := false
	for i, line := range d.lines {
		word := strings.TrimLeft(line, " ")
		comment := strings.HasPrefix(word, "#")
		if d.checkLine(i+1, line, comment, begun); len(d.errs) > 0 {
			return ""
		}
		begun = begun || word != "" && !comment
	}
	return text + "\n" // without it the parser folds the last lines of a string wrongly
}

// checkLine checks one line. Begun reports whether something other than a comment came before.
func (d *Document) checkLine(number int, line string, comment, begun bool) {
	column, problem := invalidCharacter(line, comment)
	switch at := (source.Position{Line: number, Column: 1}); {
	case len(line) > maxLine:
		d.Errorf(at, "split it over several lines", "the line is longer than %d bytes", maxLine)
	case problem != "":
		at.Column = column
		d.Errorf(at, "", "%s", problem)
	case begun && strings.HasPrefix(line, "---"):
		d.Errorf(at, "", "a second document: a file holds %s", d.format.Holds)
	case strings.HasPrefix(line, "..."):
		d.Errorf(at, "", "YAML's end-of-document marker: a file holds %s", d.format.Holds)
	case strings.HasPrefix(line, "%"):
		d.Errorf(at, "", "YAML directives are not supported")
	}
}

// invalidCharacter returns the column of the first character that is not allowed in a line, and a message.
func invalidCharacter(line string, comment bool) (column int, problem string) {
	for i, c := range line {
		column++
		switch {
		case c == utf8.RuneError && !strings.HasPrefix(line[i:], string(c)):
			return column, "the file is not UTF-8"
		case c == '\t' && !comment:
			return column, "a tab; use spaces"
		case c == '\t' || unicode.IsPrint(c) || unicode.In(c, unicode.Zs, unicode.Cf): // strings allow fewer
		default:
			return column, fmt.Sprintf("the character %U is not allowed", c)
		}
	}
	return 0, ""
}
