// Package relaxng reads RELAX NG schemas in XML form, as libvirt installs them, for the tools that
// make tables of them.
package relaxng

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Pattern is a node of a schema. XMLName.Local is its kind: "element", "ref", "choice".
type Pattern struct {
	XMLName xml.Name
	Name    string    `xml:"name,attr"`
	Type    string    `xml:"type,attr"`
	NS      *string   `xml:"ns,attr"`
	Href    string    `xml:"href,attr"`
	Text    string    `xml:",chardata"`
	Sub     []Pattern `xml:",any"`
}

// Grammar has the definitions of a schema and of those that it includes, by name. A name can have
// several: all of them apply. "start" is the schema itself.
type Grammar map[string][]*Pattern

// Load reads a schema of a directory.
func Load(dir, file string) (Grammar, error) {
	r := reader{dir: dir, grammar: Grammar{}, read: map[string]bool{}}
	if err := r.load(file); err != nil {
		return nil, err
	}
	return r.grammar, nil
}

type reader struct {
	dir     string
	grammar Grammar
	read    map[string]bool
}

func (r *reader) load(file string) error {
	if r.read[file] {
		return nil
	}
	r.read[file] = true
	data, err := os.ReadFile(filepath.Join(r.dir, file))
	if err != nil {
		return err
	}
	root := new(Pattern)
	if err := xml.Unmarshal(data, root); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return r.collect(root)
}

func (r *reader) collect(p *Pattern) error {
	for i := range p.Sub {
		var err error
		switch sub := &p.Sub[i]; sub.XMLName.Local {
		case "include":
			if err = r.load(sub.Href); err == nil {
				err = r.collect(sub)
			}
		case "define":
			r.grammar[sub.Name] = append(r.grammar[sub.Name], sub)
		case "start":
			r.grammar["start"] = append(r.grammar["start"], sub)
		case "div":
			err = r.collect(sub)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Names returns the possible names of an element or attribute: an attribute of the pattern, or a
// first child that is a name or a choice of names.
func (p *Pattern) Names() (out []string) {
	if p.Name != "" {
		return []string{p.Name}
	}
	if len(p.Sub) == 0 {
		return nil
	}
	switch first := &p.Sub[0]; first.XMLName.Local {
	case "name":
		out = append(out, strings.TrimSpace(first.Text))
	case "choice":
		for _, s := range first.Sub {
			if s.XMLName.Local == "name" {
				out = append(out, strings.TrimSpace(s.Text))
			}
		}
	}
	return out
}
