// Command schema writes testdata/schema.txt: every attribute and every text that libvirt's schema
// of a domain allows, each with its datatype. The test of the inventory's completeness reads it.
//
// A datatype is what the schema's definition is called if it constrains a string ("absFilePath"),
// "number", "text", "string" where a pattern has no name, and "=word" for each fixed word.
package main

import (
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/testdata/relaxng"
)

func main() {
	log.SetFlags(0)
	schemas := flag.String("schemas", "/usr/share/libvirt/schemas", "directory of libvirt's schemas")
	version := flag.String("version", "", "version of libvirt that the schemas are of")
	out := flag.String("out", "testdata/schema.txt", "file to write")
	flag.Parse()
	if *version == "" {
		log.Fatal("-version: missing")
	}
	schema, err := relaxng.Load(*schemas, "domain.rng")
	if err != nil {
		log.Fatal(err)
	}
	g := grammar{defines: schema, found: map[string]map[string]bool{}}
	for _, p := range g.defines["start"] {
		g.walk(place{}, p)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Positions of libvirt %s's schema of a domain and their datatypes; written by audit/reach/schema.\n", *version)
	for _, at := range slices.Sorted(maps.Keys(g.found)) {
		fmt.Fprintf(&b, "%s %s\n", at, strings.Join(slices.Sorted(maps.Keys(g.found[at])), "|"))
	}
	if err := os.WriteFile(*out, []byte(b.String()), 0o644); err != nil {
		log.Fatal(err)
	}
}

// place is an element of a document, with what led there.
type place struct {
	path     string
	space    string             // prefix of its namespace, which the elements inside inherit: "qemu:"
	elements []*relaxng.Pattern // those around it: a schema may contain itself
	refs     []string           // since the last element
}

type grammar struct {
	defines relaxng.Grammar
	found   map[string]map[string]bool // datatypes by position
}

// walk records the positions that a pattern allows inside an element.
func (g *grammar) walk(at place, p *relaxng.Pattern) {
	switch p.XMLName.Local {
	case "element":
		if slices.Contains(at.elements, p) {
			return
		}
		for _, name := range p.Names() {
			space := at.space
			if p.NS != nil {
				space = prefix(*p.NS)
			}
			inside := place{strings.TrimPrefix(at.path+"/"+space+name, "/"), space, append(slices.Clone(at.elements), p), nil}
			for i := range p.Sub {
				g.walk(inside, &p.Sub[i])
			}
		}
	case "attribute":
		for _, name := range p.Names() {
			g.record(at.path+"@"+name, p)
		}
	case "ref":
		if slices.Contains(at.refs, p.Name) {
			return
		}
		at.refs = append(slices.Clone(at.refs), p.Name)
		if g.simple(p, 0) {
			g.add(at.path+"#", g.datatypes(p))
			return
		}
		for _, d := range g.defines[p.Name] {
			g.walk(at, d)
		}
	case "text", "data", "value", "list":
		g.add(at.path+"#", g.datatypes(p))
	case "name", "param", "except", "anyName", "nsName":
	default:
		for i := range p.Sub {
			g.walk(at, &p.Sub[i])
		}
	}
}

// prefix returns what names of elements of a namespace begin with in a document.
func prefix(namespace string) string {
	rest, ok := strings.CutPrefix(namespace, "http://libvirt.org/schemas/domain/")
	if !ok {
		return ""
	}
	hypervisor, _, _ := strings.Cut(rest, "/")
	return hypervisor + ":"
}

// record notes an attribute; one without content takes any text.
func (g *grammar) record(at string, attribute *relaxng.Pattern) {
	var types []string
	for i := range attribute.Sub {
		if attribute.Sub[i].XMLName.Local != "name" {
			types = append(types, g.datatypes(&attribute.Sub[i])...)
		}
	}
	if len(types) == 0 {
		types = []string{"text"}
	}
	g.add(at, types)
}

func (g *grammar) add(at string, types []string) {
	if g.found[at] == nil {
		g.found[at] = map[string]bool{}
	}
	for _, t := range types {
		g.found[at][strings.ReplaceAll(t, " ", "_")] = true
	}
}

// simple reports whether a pattern is a datatype: it has neither elements nor attributes.
func (g *grammar) simple(p *relaxng.Pattern, depth int) bool {
	switch p.XMLName.Local {
	case "element", "attribute", "empty", "notAllowed":
		return false
	case "ref":
		if depth > 20 || len(g.defines[p.Name]) == 0 {
			return false
		}
		for _, d := range g.defines[p.Name] {
			if !g.simple(d, depth+1) {
				return false
			}
		}
		return true
	}
	for i := range p.Sub {
		if !g.simple(&p.Sub[i], depth+1) {
			return false
		}
	}
	return true
}

// datatypes returns the datatypes that a pattern is a choice of.
func (g *grammar) datatypes(p *relaxng.Pattern) []string {
	switch p.XMLName.Local {
	case "value":
		return []string{"=" + strings.TrimSpace(p.Text)}
	case "text":
		return []string{"text"}
	case "data":
		if p.Type == "string" || p.Type == "NCName" {
			return []string{"string"}
		}
		return []string{"number"}
	case "ref":
		var out []string
		for _, d := range g.defines[p.Name] {
			for i := range d.Sub {
				out = append(out, g.datatypes(&d.Sub[i])...)
			}
		}
		if slices.Equal(slices.Compact(slices.Clone(out)), []string{"string"}) {
			return []string{p.Name}
		}
		return out
	case "param", "except":
		return nil
	}
	var out []string
	for i := range p.Sub {
		out = append(out, g.datatypes(&p.Sub[i])...)
	}
	return out
}
