package config

import (
	"fmt"
	"strings"
)

// Table returns the table of the keys of the file, or of a section or of entries, for the reference page.
// A column without a value is omitted.
func Table(keys []*Key) string {
	rows := [][]string{{"key", "value", "option", "default"}}
	used := make([]bool, len(rows[0]))
	for _, k := range keys {
		cells := k.cells()
		for i, cell := range cells {
			used[i] = used[i] || cell != ""
		}
		rows = append(rows, cells)
	}
	var b strings.Builder
	for i, cells := range rows {
		columns := 0
		for column, cell := range cells {
			if used[column] {
				b.WriteString(strings.TrimRight("| "+cell, " ") + " ")
				columns++
			}
		}
		b.WriteString("|\n")
		if i == 0 {
			b.WriteString(strings.Repeat("|---", columns) + "|\n")
		}
	}
	return b.String()
}

func (k *Key) cells() []string {
	doc, option := k.Doc, ""
	if k.Required {
		doc += "; required"
	}
	if k.value == nil {
		option = "`--" + k.Option + "`"
	}
	return []string{"`" + k.Name + "`", doc, option, k.Default}
}

// Page returns the reference page with its tables replaced. A table is between the lines "<!-- keys -->", or
// "<!-- keys of waivers -->", and "<!-- end -->".
func Page(page string) (string, error) {
	const end = "<!-- end -->"
	replace := func(name string, keys []*Key) error {
		before, rest, ok := strings.Cut(page, name+"\n")
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			return fmt.Errorf("the page has no table %s", name)
		}
		page = before + name + "\n" + Table(keys) + end + after
		return nil
	}
	if err := replace("<!-- keys -->", table); err != nil {
		return "", err
	}
	for _, k := range table {
		if len(k.Keys) == 0 {
			continue
		}
		if err := replace("<!-- keys of "+k.Name+" -->", k.Keys); err != nil {
			return "", err
		}
	}
	return page, nil
}

const exampleHead = `# yaml-language-server: $schema=` + schemaURL + `
#
# A complete configuration of virt-audit, to copy from. Save it as .virt-audit.yaml in the root of the
# repository that contains the definitions of the guests, or as /etc/virt-audit.yaml on a host. Every key
# is optional; README.md, in this directory, explains each of them.

`

// Example returns the example with every key, example.yaml.
func Example() string {
	var b strings.Builder
	b.WriteString(exampleHead)
	for _, k := range table {
		if k.comment != "" {
			b.WriteString("\n# " + k.comment + "\n")
		}
		if len(k.Keys) == 0 {
			b.WriteString(k.Name + ": " + k.Example + "\n")
			continue
		}
		b.WriteString(k.Name + ":\n")
		for i, field := range k.Keys {
			indent := "  "
			switch {
			case k.Kind == Entries && i == 0:
				indent = "  - "
			case k.Kind == Entries:
				indent = "    "
			}
			b.WriteString(indent + field.Name + ": " + field.indented("      ") + "\n")
		}
	}
	return b.String()
}

// indented returns the example of a key, with the lines of a block indented.
func (k *Key) indented(indent string) string {
	lines := strings.Split(k.Example, "\n")
	for i, line := range lines[1:] {
		if line != "" {
			lines[i+1] = indent + line
		}
	}
	return strings.Join(lines, "\n")
}
