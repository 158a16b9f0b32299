package domxml

import "bytes"

// childText tracks the children of an element as far as they decide how libxml2 treats white space.
// libvirt has libxml2 drop "ignorable" white space (xmlKeepBlanksDefault(0) in virXMLParseHelper),
// and libxml2 guesses which white space that is (areBlanks in its parser.c).
type childText struct {
	hasChild    bool // the element has a child node of any kind
	textFirst   bool // the first child node is text
	literalSeen bool // a literal run of text, or of white space that libxml2 keeps, was seen
}

// add records a child node.
func (c *childText) add(text bool) {
	if !c.hasChild {
		c.hasChild, c.textFirst = true, text
	}
}

// keepsBlanks reports whether libxml2 keeps a literal run of white space between two of tag,
// comment, processing instruction and CDATA, and whether its versions differ there. All versions
// keep white space next to other text or to a reference; callers do not ask about that.
//
// Checked on 3,069 patterns with libxml2 2.9.14 (libvirt 9.0) and 2.15.4 (libvirt 12.8): the newer
// version also keeps it wherever literal text came before.
func (c *childText) keepsBlanks(beforeEnd bool) (keeps, versions bool) {
	keeps = !c.hasChild && beforeEnd || c.hasChild && c.textFirst
	return keeps, !keeps && c.literalSeen
}

// literalText returns the part that libxml2 keeps of a run of text between two of tag, comment,
// processing instruction and CDATA, references included: all of it, or the rest after the white
// space at its beginning. libxml2 decides for each piece up to a carriage return
// (xmlParseCharData). Once it keeps a piece, it keeps all that follow, because they are next to
// text.
func (c *childText) literalText(raw []byte, beforeEnd bool) (kept []byte, versions bool) {
	for {
		n := len(raw) - len(bytes.TrimLeft(raw, " \t\n"))
		switch {
		case n == len(raw): // the end of the run
			keeps, differ := c.keepsBlanks(beforeEnd)
			if !keeps {
				return nil, versions || differ
			}
		case raw[n] == '\r':
			if n > 0 {
				keeps, differ := c.keepsBlanks(false)
				versions = versions || differ
				if keeps {
					break
				}
			}
			if n+1 < len(raw) && raw[n+1] == '\n' {
				if raw = raw[n+1:]; len(raw) == 1 || raw[1] != '\r' {
					continue
				}
			} else {
				raw = raw[n:]
			}
			// After a lone carriage return, or two line ends in a row, the rest is one piece.
			if len(bytes.TrimLeft(raw, " \t\r\n")) > 0 {
				break
			}
			keeps, differ := c.keepsBlanks(beforeEnd)
			if versions = versions || differ || len(raw) >= pieceSize; !keeps {
				return nil, versions
			}
		}
		c.add(true)
		c.literalSeen = true
		return raw, versions
	}
}

// pieceSize is XML_PARSER_BIG_BUFFER_SIZE: the size, in bytes, of the pieces in which libxml2 reads
// after a carriage return.
const pieceSize = 300
