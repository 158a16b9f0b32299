package config_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/config"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/rules"
)

// judge has the schema judge a YAML document, as an editor does.
func judge(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return err
	}
	if doc == nil {
		return nil
	}
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	doc, err = jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc)
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("config.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	schema := compile(t)
	for _, m := range mistakes {
		if err := judge(t, schema, m.file); m.schema && err == nil {
			t.Errorf("the schema accepts %q", m.file)
		}
	}
}

// The schema accepts what the reader accepts, one value of each key at a time.
func TestSchemaAccepts(t *testing.T) {
	t.Parallel()
	schema := compile(t)
	texts := []string{
		"", "{}", "enable: []", "disable: [network-script, 'endpoin?-*', '[bm]*-*']", "severity: {}", "waivers: []", "allow: {}", "rules: []", "domain-waivers: {}",
		"format: text", "format: sarif:a/b c.sarif", "format: [text, 'json:-']", "policy: ./site", "policy: site.yml", "qemu-version: 9.2.1", "qemu-version: '0.12'",
		"max-size: 1G", "max-size: 1048576K", "max-size: 1", "show-waived: false", "baseline: /etc/known.json",
		"waivers:\n- rule: network-script\n  reason: |\n    two\n    lines\n",
		rule + "  path: '@type'\n", rule + "  path: a/b@c\n", rule + "  for: a/b\n", rule + "  url: http://example.org\n",
	}
	for _, p := range audit.Profiles() {
		texts = append(texts, "profiles: ["+string(p)+"]")
	}
	for _, s := range audit.Severities() {
		texts = append(texts, "fail-on: "+s.String())
	}
	for _, p := range policy.Names() {
		texts = append(texts, "policy: "+p)
	}
	for _, a := range policy.Arches() {
		texts = append(texts, "host-arch: "+a)
	}
	for _, text := range texts {
		_, err := config.Parse(name, []byte(text), known)
		if refused := judge(t, schema, text); err != nil || refused != nil {
			t.Errorf("%q: reader: %v, schema: %v", text, err, refused)
		}
	}
}

var update = flag.Bool("update", false, "write the generated files")

// TestGenerated: the schema, the example and the tables of the page are those of the table of keys.
func TestGenerated(t *testing.T) {
	schema, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	page, err := config.Page(file(t, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"config.schema.json": string(schema), "README.md": page, "example.yaml": config.Example()} {
		if *update {
			if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if file(t, name) != want {
			t.Errorf("%s is stale: run 'make docs'", name)
		}
	}
}

// TestOneRow: a row of the table is all that a new key needs.
func TestOneRow(t *testing.T) {
	key := &config.Key{Name: "new-key", Option: "new-option", Kind: config.Words, Doc: "list of new words", Default: "`[old]`", Example: "[new]"}
	defer config.AddKey(key)()
	f, err := config.Parse(name, []byte("new-key: [new]\n"), known)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "settings", f.Settings, []config.Setting{{Key: "new-key", Option: "new-option", Values: []string{"new"}, Line: 1, Column: 1}})
	if _, err := config.Parse(name, []byte("new-kye: [new]\n"), known); err == nil || !strings.Contains(err.Error(), "did you mean 'new-key'?") {
		t.Errorf("a misspelt key: %v", err)
	}
	schema, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	page, err := config.Page(file(t, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		string(schema):   `"description": "List of new words. Option: --new-option. Default: [old].",`,
		page:             "\n| `new-key` | list of new words | `--new-option` | `[old]` |\n",
		config.Example(): "\nnew-key: [new]\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
}

// TestKeys: every key has documentation and an example, and is in the schema, the page and the
// example file.
func TestKeys(t *testing.T) {
	schema, page, example := file(t, "config.schema.json"), file(t, "README.md"), file(t, "example.yaml")
	each(config.Keys(), func(k *config.Key) {
		if k.Doc == "" || k.Example == "" && len(k.Keys) == 0 {
			t.Errorf("%s has no documentation or no example", k.Name)
		}
		if !strings.Contains(schema, `"`+k.Name+`": {`) {
			t.Errorf("config.schema.json has no %s", k.Name)
		}
		if !strings.Contains(page, "\n| `"+k.Name+"` |") {
			t.Errorf("README.md has no %s", k.Name)
		}
		if !regexp.MustCompile(`(?m)^[ -]*` + k.Name + `:`).MatchString(example) {
			t.Errorf("example.yaml has no %s", k.Name)
		}
	})
}

// TestValues: what the example sets under keys without an option is what a configuration shows.
func TestValues(t *testing.T) {
	t.Parallel()
	f := exampleFile(t)
	shown := map[string]bool{}
	for _, v := range f.Values() {
		shown[v.Key.Name] = true
		if _, ok := f.Places[v.Path]; !ok {
			t.Errorf("%s has no place", v.Path)
		}
	}
	for _, s := range f.Settings {
		shown[s.Key] = true
	}
	each(config.Keys(), func(k *config.Key) {
		if !shown[k.Name] {
			t.Errorf("%s is not shown", k.Name)
		}
	})
	empty, err := config.Parse(name, []byte("enable: []\nwaivers: []\nallow: {}\n"), known)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "values of empty lists", len(empty.Values()), 1) // the section, without values
}

func each(keys []*config.Key, visit func(*config.Key)) {
	for _, k := range keys {
		visit(k)
		each(k.Keys, visit)
	}
}

// exampleFile parses the example with all rules and formats.
func exampleFile(t *testing.T) *config.File {
	t.Helper()
	f, err := config.Parse(name, []byte(config.Example()), allNames())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func allNames() config.Names {
	var all config.Names
	for _, r := range rules.All() {
		all.Rules = append(all.Rules, r.ID)
	}
	for _, f := range report.Formats() {
		all.Formats = append(all.Formats, f.Name)
	}
	return all
}

// The examples are valid, with the rules and formats that there are.
func TestExamples(t *testing.T) {
	t.Parallel()
	all := allNames()
	example := file(t, "example.yaml")
	var schema struct {
		ID string `json:"$id"`
	}
	if err := json.Unmarshal([]byte(file(t, "config.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(example, "\n"); first != "# yaml-language-server: $schema="+schema.ID || !strings.Contains(file(t, "README.md"), "\n    "+first+"\n") {
		t.Errorf("the first line does not name the schema %s: %s", schema.ID, first)
	}
	texts := []string{example}
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(file(t, "README.md"), -1) {
		texts = append(texts, m[1])
	}
	if len(texts) < 6 {
		t.Errorf("README.md has %d examples", len(texts)-1)
	}
	for _, text := range texts {
		_, err := config.Parse(name, []byte(text), all)
		if refused := judge(t, compile(t), text); err != nil || refused != nil {
			t.Errorf("%s\nreader: %v, schema: %v", text, err, refused)
		}
	}
}

func file(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
