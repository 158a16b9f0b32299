// Command vocabulary writes vocabulary.txt, the names of elements and attributes that libvirt knows
// in a domain: those of libvirt's schema, of libvirtxml, and of documents given as arguments, which
// must be valid. It keeps names that are already in the file, since an older libvirt may read them.
package main

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/testdata/relaxng"
)

// words contains, by "parent/element", the names of children and, with a leading "@", of
// attributes.
type words map[string]map[string]bool

func (w words) add(key, name string) {
	if w[key] == nil {
		w[key] = map[string]bool{}
	}
	if name != "" && !strings.ContainsAny(name, ": ") {
		w[key][name] = true
	}
}

func main() {
	log.SetFlags(0)
	schemas := flag.String("schemas", "/usr/share/libvirt/schemas", "directory of libvirt's schemas")
	out := flag.String("out", "vocabulary.txt", "file to write")
	flag.Parse()
	w := words{}
	if data, err := os.ReadFile(*out); err == nil {
		for line := range strings.Lines(string(data)) {
			if key, names, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
				for name := range strings.FieldsSeq(names) {
					w.add(key, name)
				}
			}
		}
	}
	schema, err := relaxng.Load(*schemas, "domain.rng")
	if err != nil {
		log.Fatal(err)
	}
	g := grammar{defines: schema, words: w, seen: map[visit]bool{}}
	for _, p := range g.defines["start"] {
		g.walk("", "", p)
	}
	w.fromType("", "domain", reflect.TypeFor[libvirtxml.Domain](), nil)
	for _, file := range flag.Args() {
		w.fromDocument(file)
	}

	// libvirt reads <master>, the port in a USB controller's group, from any device
	// (virDomainDeviceInfoParseXML), and writes it.
	for device := range w["domain/devices"] {
		if device != "emulator" {
			w.add("devices/"+device, "master")
			w.add(device+"/master", "@startport")
		}
	}
	w.add("interface/mac", "@currentAddress") // libvirt 11.2, for running guests
	w.add("source/seclabel", "@type")         // oVirt writes it; libvirt uses the model and relabel='no' there
	for key, names := range w {
		delete(names, "dac_read_Search") // misspelt in libvirtxml
		delete(names, "sesion")
		if _, element, _ := strings.Cut(key, "/"); element == "dac_read_Search" || element == "sesion" {
			delete(w, key)
		}
	}

	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(w)) {
		fmt.Fprintf(&b, "%s: %s\n", key, strings.Join(slices.Sorted(maps.Keys(w[key])), " "))
	}
	if err := os.WriteFile(*out, []byte(b.String()), 0o644); err != nil {
		log.Fatal(err)
	}
}

type visit struct {
	key string
	p   *relaxng.Pattern
}

type grammar struct {
	defines relaxng.Grammar
	words   words
	seen    map[visit]bool
}

// walk adds the names that a pattern allows inside an element, given the element's name and its
// parent's.
func (g *grammar) walk(parent, element string, p *relaxng.Pattern) {
	key := parent + "/" + element
	v := visit{key, p}
	if g.seen[v] {
		return
	}
	g.seen[v] = true
	switch p.XMLName.Local {
	case "element":
		if p.NS != nil && *p.NS != "" {
			return
		}
		for _, name := range p.Names() {
			if element != "" {
				g.words.add(key, name)
			}
			g.words.add(element+"/"+name, "")
			for i := range p.Sub {
				g.walk(element, name, &p.Sub[i])
			}
		}
	case "attribute":
		for _, name := range p.Names() {
			g.words.add(key, "@"+name)
		}
	case "ref":
		for _, d := range g.defines[p.Name] {
			g.walk(parent, element, d)
		}
	case "name", "value", "param", "data":
	default:
		for i := range p.Sub {
			g.walk(parent, element, &p.Sub[i])
		}
	}
}

// fromType adds the names that libvirtxml decodes into a type. Fields without a tag, or with "-",
// are the variants of an element, which methods of libvirtxml fill: their content is the content of
// the element.
func (w words) fromType(parent, element string, t reflect.Type, above []reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	key := parent + "/" + element
	w.add(key, "")
	if t.Kind() != reflect.Struct || namespaced(t) || slices.Contains(above, t) && len(above) > 12 {
		return
	}
	above = append(above, t)
	for f := range t.Fields() {
		if f.Name == "XMLName" || !f.IsExported() {
			continue
		}
		tag, options, _ := strings.Cut(f.Tag.Get("xml"), ",")
		switch {
		case strings.Contains(tag, " "):
		case tag == "" && options != "":
		case tag == "" || tag == "-":
			w.fromType(parent, element, f.Type, above)
		case strings.Contains(options, "attr"):
			w.add(key, "@"+tag)
		default:
			p, e := parent, element
			for step := range strings.SplitSeq(tag, ">") {
				w.add(p+"/"+e, step)
				p, e = e, step
			}
			w.fromType(p, e, f.Type, above)
		}
	}
}

// namespaced reports whether a type is an element of a hypervisor's namespace.
func namespaced(t reflect.Type) bool {
	f, ok := t.FieldByName("XMLName")
	return ok && strings.Contains(f.Tag.Get("xml"), " ")
}

// fromDocument adds the names that a document uses.
func (w words) fromDocument(file string) {
	data, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	stack := []string{"", ""}
	skip := 0
	for {
		tok, err := d.Token()
		if err != nil {
			return
		}
		switch t := tok.(type) {
		case xml.StartElement:
			parent, element := stack[len(stack)-2], stack[len(stack)-1]
			stack = append(stack, t.Name.Local)
			if skip > 0 || t.Name.Space != "" || element == "metadata" {
				skip++
				continue
			}
			if element != "" {
				w.add(parent+"/"+element, t.Name.Local)
			}
			for _, a := range t.Attr {
				if a.Name.Space == "" && a.Name.Local != "xmlns" {
					w.add(element+"/"+t.Name.Local, "@"+a.Name.Local)
				}
			}
			w.add(element+"/"+t.Name.Local, "")
		case xml.EndElement:
			skip = max(0, skip-1)
			stack = stack[:len(stack)-1]
		}
	}
}
