package domxml

import (
	"fmt"
	"strings"
	"unicode"
)

// references are the references to characters that XML itself defines.
var references = map[rune]string{
	'&': "&amp;", '<': "&lt;", '>': "&gt;", '"': "&quot;", '\'': "&apos;",
}

// Escape writes a value as XML text. quotes are the quotes to write as references, for the value of
// an attribute. Characters that are not printable are references too, line ends included: XML and
// libxml2 change white space that is literal.
func Escape(s, quotes string) string {
	var b strings.Builder
	for _, c := range s {
		switch name := references[c]; {
		case name != "" && (c != '"' && c != '\'' || strings.ContainsRune(quotes, c)):
			b.WriteString(name)
		case unicode.IsPrint(c):
			b.WriteRune(c)
		default:
			fmt.Fprintf(&b, "&#x%x;", c)
		}
	}
	return b.String()
}
