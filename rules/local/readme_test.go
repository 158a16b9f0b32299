package local

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// examples returns the rules that the page shows, taken from its own text.
func examples(t *testing.T) (page string, specs []Spec) {
	t.Helper()
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(data, -1) {
		var file struct {
			Rules []struct{ ID, Title, Severity, For, Expression, Message, Path, Doc, Fix, URL string }
		}
		if err := yaml.NewDecoder(bytes.NewReader(block[1]), yaml.Strict()).Decode(&file); err != nil {
			t.Fatalf("%v\n%s", err, block[1])
		}
		for _, r := range file.Rules {
			severity, err := audit.ParseSeverity(r.Severity)
			if err != nil {
				t.Fatal(err)
			}
			specs = append(specs, Spec{
				ID: r.ID, Title: r.Title, Severity: severity, For: r.For, Expression: r.Expression,
				Message: r.Message, Path: r.Path, Doc: r.Doc, Fix: r.Fix, URL: r.URL,
			})
		}
	}
	return string(data), specs
}

// TestExamples runs each example of the page over its documents: a bad one contains its
// expectations, and a good one has no findings.
func TestExamples(t *testing.T) {
	folders := map[string]bool{}
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		folders[e.Name()] = e.Name() != "fuzz"
	}
	_, specs := examples(t)
	if len(specs) != 6 {
		t.Errorf("%d examples, the page promises six", len(specs))
	}
	for _, s := range specs {
		folders[s.ID] = false
		rule := compile(t, s)
		for kind, least := range map[string]int{"bad": 1, "good": 0} {
			files, _ := filepath.Glob(filepath.Join("testdata", s.ID, kind+"*.xml"))
			if len(files) == 0 {
				t.Errorf("%s: no %s document", s.ID, kind)
			}
			for _, file := range files {
				if n := check(t, rule, file); n < least || kind == "good" && n > 0 {
					t.Errorf("%s: %d findings", file, n)
				}
			}
		}
	}
	for name, orphan := range folders {
		if orphan {
			t.Errorf("testdata/%s belongs to no example", name)
		}
	}
}

var want = regexp.MustCompile(`<!-- want "(.*?)" -->`)

// check runs a rule over a document. The qemu.conf next to it, if any, is that of the host.
func check(t *testing.T, rule *audit.Rule, file string) int {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d, err := domxml.Load(file, data)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &audit.Settings{Rules: []*audit.Rule{rule}}
	name := strings.TrimSuffix(file, ".xml") + ".qemu.conf"
	if conf, err := os.ReadFile(name); err == nil {
		parsed, err := host.ParseQEMUConf(name, conf)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Host = &host.Facts{QEMUConf: parsed}
	}
	res := audit.Run(d, cfg)
	for _, u := range res.Unevaluated {
		t.Errorf("%s: not evaluated: %s", file, u.Missing)
	}
	var got, expected []string
	for _, f := range res.Findings {
		got = append(got, fmt.Sprintf("%d: %s", f.Pos.Line, f.Message))
	}
	for i, line := range strings.Split(string(data), "\n") {
		if m := want.FindStringSubmatch(line); m != nil {
			expected = append(expected, fmt.Sprintf("%d: %s", i+1, m[1]))
		}
	}
	if !slices.EqualFunc(got, expected, func(g, e string) bool {
		line, part, _ := strings.Cut(e, ": ")
		return strings.HasPrefix(g, line+": ") && strings.Contains(g, part)
	}) {
		t.Errorf("%s: %q, want %q", file, got, expected)
	}
	return len(got)
}

// TestPage compares the page with the names and limits of the package.
func TestPage(t *testing.T) {
	page, _ := examples(t)
	for _, name := range slices.Concat(slices.Collect(maps.Values(functions)), macros) {
		if regexp.MustCompile(`^\w+$`).MatchString(name) && name != "in" {
			name += "("
		}
		if written := strings.ReplaceAll(name, "||", `\|\|`); !strings.Contains(page, "`"+written) && name != "?:" && name != "[]" {
			t.Errorf("the page does not name %s", name)
		}
	}
	for _, record := range []string{"boundary", "host"} {
		for _, name := range shapes()[record].names() {
			if !strings.Contains(page, "`"+name+"`") && !strings.Contains(page, "`"+record+"."+name+"`") {
				t.Errorf("the page does not name %s.%s", record, name)
			}
		}
	}
	for _, s := range shapes() {
		for _, name := range s.names() {
			_, place, _ := strings.Cut(s.name, "/")
			if place == "source" {
				place = s.name
			}
			written := strings.ReplaceAll(place, "/", ".") + "." + name
			if strings.HasSuffix(name, elementSuffix) && !strings.Contains(page, "`"+written+"`") && written != "os.firmware_element" {
				t.Errorf("the page does not name %s", written)
			}
		}
	}
	for _, limit := range []int{maxCost, maxLength, maxNesting} {
		text := strconv.Itoa(limit)
		if len(text) > 3 {
			text = text[:len(text)-3] + "," + text[len(text)-3:]
		}
		if !strings.Contains(page, " "+text+" ") {
			t.Errorf("the page does not contain %s", text)
		}
	}
}

// TestExamplesCorpus evaluates all examples for real documents: none may fail.
func TestExamplesCorpus(t *testing.T) {
	_, specs := examples(t)
	cfg := &audit.Settings{}
	for _, s := range specs {
		cfg.Rules = append(cfg.Rules, compile(t, s))
	}
	for _, file := range need.ValidDocuments(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := domxml.Load(file, data)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range audit.Run(d, cfg).Findings {
			if strings.Contains(f.Message, "could not be evaluated") && f.Rule.ID != "site-size" {
				t.Errorf("%s:%d: %s: %s", file, f.Pos.Line, f.Rule.ID, f.Message)
			}
		}
	}
}
