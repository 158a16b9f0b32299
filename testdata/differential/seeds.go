package differential

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// seed is a document that libvirt accepts, with libvirt's dump of it.
type seed struct {
	name string // its file, and " (dump)" for what libvirt kept of that
	text string
	own  map[difference]bool // how virt-audit reads the seed and its dump differently
}

// ownSeeds are those of the repository, corpusSeeds those that are present on some machines only.
var (
	ownSeeds    = []string{"../fleet/*.xml", "../noise/*.xml", "seeds/*.xml", "../rules/*/*.xml"}
	corpusSeeds = []string{
		"../../../shared/corpus/field/*.xml",
		"../../../shared/corpus/domains/*/*.xml",
	}
)

var (
	expectation = regexp.MustCompile(`\s*<!-- (want|needs libvirt|not valid:|allow|mode) .*?-->`)
	versioned   = regexp.MustCompile(`(machine=['"])pc-(q35|i440fx)-[^'"]*`)
	emulator    = regexp.MustCompile(`<emulator>[^<]*</emulator>`)
	accelerated = regexp.MustCompile(`(<domain[^>]* type=['"])kvm`)
)

// maxSeed is the size in bytes above which a document makes mutants too slow to be worth it.
const maxSeed = 64 << 10

// seedFiles returns the files that match, without those that hold no <domain>.
func seedFiles(patterns []string) (files []string) {
	for _, p := range patterns {
		list, err := filepath.Glob(p)
		if err != nil {
			panic(err)
		}
		files = append(files, list...)
	}
	return files
}

// versions are the forms in which a seed is tried: unchanged, then with a machine and an emulator
// that every QEMU has. Without KVM the forms do not require it.
func versions(text string, kvm bool) []string {
	text = strings.TrimSpace(expectation.ReplaceAllString(text, "")) + "\n"
	if !kvm {
		text = accelerated.ReplaceAllString(text, "${1}qemu")
	}
	named := strings.NewReplacer("pc-i440fx", "pc", "pc-q35", "q35")
	general := versioned.ReplaceAllStringFunc(text, func(s string) string {
		i := strings.IndexAny(s, `'"`) + 1
		return s[:i] + named.Replace(s[i:][:strings.LastIndexByte(s[i:], '-')])
	})
	plain := emulator.ReplaceAllString(general, "")
	return slices.Compact([]string{text, general, emulator.ReplaceAllString(text, ""), plain})
}

// loadSeed defines the document of a file with libvirt, and returns it and libvirt's dump as seeds.
// It returns none if libvirt or virt-audit refuses the document.
func (d *daemon) loadSeed(file string) ([]*seed, error) {
	data, err := os.ReadFile(file)
	if err != nil || len(data) > maxSeed || !strings.Contains(string(data), "<domain") {
		return nil, err
	}
	for _, text := range versions(string(data), d.KVM) {
		doc, ok := parse(text)
		if !ok || doc.root() == nil || doc.root().name != "domain" || doc.String() != canonicalSpelling(doc) {
			return nil, nil
		}
		dump, refusal, err := d.define(text)
		if errors.Is(err, errDaemon) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if refusal != nil {
			continue
		}
		out := []*seed{{name: file, text: text}, {name: file + " (dump)", text: dump}}
		return out, nil
	}
	return nil, nil
}

// canonicalSpelling returns the text that the tree writes after it has parsed its own text. It must
// be a fixed point.
func canonicalSpelling(doc *node) string {
	again, ok := parse(doc.String())
	if !ok {
		return ""
	}
	return again.String()
}
