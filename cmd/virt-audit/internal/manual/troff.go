package manual

import (
	"bytes"
	"io"
	"regexp"
	"strings"

	"github.com/cpuguy83/go-md2man/v2/md2man"
	"github.com/russross/blackfriday/v2"
)

// troff makes a man page of Markdown.
func troff(markdown []byte) []byte {
	base := md2man.NewRoffRenderer()
	page := string(blackfriday.Run(markdown, blackfriday.WithRenderer(verbatim{base}), blackfriday.WithExtensions(base.GetExtensions())))
	// Neither break words nor stretch lines, nor sentences: the macro at the head of the page would
	// undo it.
	page = regexp.MustCompile(`(?s)^\.nh\n(\.TH [^\n]*\n)`).ReplaceAllString(page, "$1.nh\n.ad l\n.ss 12 0\n")
	page = regexp.MustCompile(`(?m) +$`).ReplaceAllString(page, "")
	return []byte(regexp.MustCompile(`\n{2,}`).ReplaceAllString(page, "\n"))
}

// verbatim sets text that may be typed so that it can be copied: troff would set a typographic "-".
// Blocks of it are indented.
type verbatim struct{ blackfriday.Renderer }

func (v verbatim) RenderNode(w io.Writer, n *blackfriday.Node, entering bool) blackfriday.WalkStatus {
	var b bytes.Buffer
	status := v.Renderer.RenderNode(&b, n, entering)
	text := b.String()
	if n.Type == blackfriday.Text && n.Parent.Type != blackfriday.Heading {
		text = strings.NewReplacer(`\-`, `\-`, "-", `\-`).Replace(text)
	}
	if n.Type == blackfriday.Code || n.Type == blackfriday.CodeBlock {
		text = strings.NewReplacer("-", `\-`, "'", `\(aq`, "`", "\\(ga", "^", `\(ha`, "~", `\(ti`).Replace(text)
	}
	if n.Type == blackfriday.CodeBlock {
		text = "\n.PP\n.RS 4" + text + ".nh\n.RE\n" // .EE breaks words again
	}
	_, _ = io.WriteString(w, text)
	return status
}
