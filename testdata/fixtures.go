// Package testdata embeds the rules' fixtures, for the documentation.
package testdata

import (
	"embed"
	"regexp"
	"strings"
)

//go:embed rules
var rules embed.FS

var want = regexp.MustCompile(`\s*<!-- (want|needs libvirt|not valid:|allow|mode) .*?-->`)

// Rule returns a rule's bad and good document, without the comments that contain the tests'
// expectations; both are "" for a rule without fixtures. A comment before a document has the lines of
// qemu.conf that it requires.
func Rule(id string) (bad, good string) {
	return read("rules/" + id + "/bad"), read("rules/" + id + "/good")
}

func read(name string) string {
	data, err := rules.ReadFile(name + ".xml")
	if err != nil {
		return ""
	}
	text := strings.TrimSpace(want.ReplaceAllString(string(data), "")) + "\n"
	if conf, err := rules.ReadFile(name + ".qemu.conf"); err == nil {
		text = "<!-- qemu.conf:\n" + string(conf) + "-->\n" + text
	}
	return text
}
