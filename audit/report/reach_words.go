package report

import (
	"strings"

	"github.com/rivo/uniseg"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/reach"
)

// The lists for people have short words, so that a row fits a terminal. The machine formats have
// those of package reach.

// accessWords returns how a thing is used, in short: what is created is written too, and a whole
// device is read and written.
func accessWords(kind reach.Kind, a reach.Access, relabel bool) string {
	switch {
	case a&reach.Whole != 0:
		a &^= reach.Read | reach.Write | reach.Create
	case a&reach.Listen != 0 && kind == reach.Socket:
		a &^= reach.Create
	case a&reach.Create != 0:
		a &^= reach.Write
	}
	text := a.String()
	if text == "" {
		text = "set limits" // of a device that is not opened
	}
	if kind == reach.Unknown {
		text = "not known"
	}
	if relabel {
		text += ", chown"
	}
	return text
}

// openers are the processes that open things, with the words of the lists.
var openers = []struct {
	bit  reach.Opener
	word string
}{
	{reach.Libvirt, "libvirt"},
	{reach.QEMU, "QEMU"},
	{reach.Helper, "root helper"},
	{reach.HelperUser, "user helper"},
	{reach.Toolstack, "toolstack"},
	{reach.GuestAlone, "guest"},
}

func openerWords(o reach.Opener) string {
	var words []string
	for _, p := range openers {
		if o&p.bit != 0 {
			words = append(words, p.word)
		}
	}
	return strings.Join(words, ", ")
}

// kindHeading returns the heading of the things of a kind.
func kindHeading(k reach.Kind) string {
	if k == reach.Unknown {
		return "argument whose meaning is not known"
	}
	return k.String()
}

// originWord returns the kind of a document and its label; "" for a plain file.
func originWord(o audit.Origin) string {
	if !showsOrigin(o) {
		return ""
	}
	return strings.TrimSpace(string(o.Kind) + " " + o.Label)
}

// elided returns a text in at most n columns, without its middle: the beginning and the end of a
// path are what people recognize.
func elided(text string, n int) string {
	if uniseg.StringWidth(text) <= n || n < 8 {
		return text
	}
	runes := []rune(text)
	head, tail := 0, len(runes)
	for room := (n - 1) * 2 / 5; head < len(runes); head++ {
		if room -= uniseg.StringWidth(string(runes[head])); room < 0 {
			break
		}
	}
	for room := n - 1 - (n-1)*2/5; tail > head; tail-- {
		if room -= uniseg.StringWidth(string(runes[tail-1])); room < 0 {
			break
		}
	}
	return string(runes[:head]) + "…" + string(runes[tail:])
}
