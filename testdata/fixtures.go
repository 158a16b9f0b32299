// Package testdata gives the documentation the XML that the tests prove it with.
package testdata

import (
	"embed"
	"regexp"
	"strings"
)

//go:embed rules
var rules embed.FS

var want = regexp.MustCompile(`\s*<!-- (want|needs libvirt|not valid:|allow) .*?-->`)

// Rule returns a rule's bad and good document, without the comments that carry the tests'
// expectations; both are "" for a rule that has none.
func Rule(id string) (bad, good string) {
	return read("rules/" + id + "/bad.xml"), read("rules/" + id + "/good.xml")
}

func read(name string) string {
	data, err := rules.ReadFile(name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(want.ReplaceAllString(string(data), "")) + "\n"
}
