package config_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
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

// The reader and the schema know the same keys, and the page and the example have them all.
func TestKeys(t *testing.T) {
	t.Parallel()
	var schema struct{ Properties map[string]property }
	if err := json.Unmarshal([]byte(file(t, "config.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	page, example := file(t, "README.md"), file(t, "example.yaml")
	for inside, keys := range config.Keys {
		properties := schema.Properties
		if inside != "" {
			p := schema.Properties[inside]
			if p.Items != nil {
				p = *p.Items
			}
			properties = p.Properties
		}
		equal(t, "keys of the schema in "+inside, slices.Sorted(maps.Keys(properties)), slices.Sorted(slices.Values(keys)))
		for _, key := range keys {
			if properties[key].Description == "" {
				t.Errorf("the schema does not say what %s is", key)
			}
			if !strings.Contains(page, "\n| `"+key+"` |") {
				t.Errorf("README.md has no %s", key)
			}
			if !regexp.MustCompile(`(?m)^[ -]*`+key+`:`).MatchString(example) && key != "for" {
				t.Errorf("example.yaml has no %s", key)
			}
		}
	}
}

type property struct {
	Description string
	Properties  map[string]property
	Items       *property
}

// The examples are in order, with the rules and formats that there are.
func TestExamples(t *testing.T) {
	t.Parallel()
	var all config.Names
	for _, r := range rules.All() {
		all.Rules = append(all.Rules, r.ID)
	}
	for _, f := range report.Formats() {
		all.Formats = append(all.Formats, f.Name)
	}
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
