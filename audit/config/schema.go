package config

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
)

// schemaURL is the address of the schema, which editors load it from.
const schemaURL = "https://raw.githubusercontent.com/virt-audit/virt-audit/main/audit/config/config.schema.json"

// schema is one part of a JSON schema, with its keywords in the order in which people read them.
type schema struct {
	Draft       string     `json:"$schema,omitempty"`
	ID          string     `json:"$id,omitempty"`
	Title       string     `json:"title,omitempty"`
	Description string     `json:"description,omitempty"`
	Ref         string     `json:"$ref,omitempty"`
	AnyOf       []*schema  `json:"anyOf,omitempty"`
	Type        string     `json:"type,omitempty"`
	Enum        []string   `json:"enum,omitempty"`
	Pattern     string     `json:"pattern,omitempty"`
	MinLength   int        `json:"minLength,omitempty"`
	Minimum     int64      `json:"minimum,omitempty"`
	Maximum     int64      `json:"maximum,omitempty"`
	Items       *schema    `json:"items,omitempty"`
	MinItems    int        `json:"minItems,omitempty"`
	UniqueItems bool       `json:"uniqueItems,omitempty"`
	Required    []string   `json:"required,omitempty"`
	KeyNames    *schema    `json:"propertyNames,omitempty"`
	Additional  any        `json:"additionalProperties,omitempty"` // false or a *schema
	Properties  properties `json:"properties,omitempty"`
	Definitions properties `json:"definitions,omitempty"`
}

// properties are schemas by name, in order.
type properties []property

type property struct {
	name string
	of   *schema
}

// MarshalJSON writes a JSON object in the order of the list.
func (p properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, v := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := e.Encode(v.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := e.Encode(v.of); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Schema returns the JSON schema of a configuration, config.schema.json.
func Schema() ([]byte, error) {
	root := object(table)
	root.Draft = "http://json-schema.org/draft-07/schema#"
	root.ID, root.Title = schemaURL, "virt-audit configuration"
	root.Description = "The configuration of a site for virt-audit, .virt-audit.yaml. Every key is optional. " +
		"Documentation: https://github.com/virt-audit/virt-audit/blob/main/audit/config/README.md"
	root.Definitions = properties{
		{"severity", &schema{Enum: texts(audit.Severities())}},
		{"rule", &schema{Type: "string", Pattern: ruleIDs}},
		{"patterns", &schema{Type: "array", Items: &schema{Type: "string", Pattern: rulePats}, UniqueItems: true}},
		{"word", &schema{Type: "string", Pattern: `^.*\S.*$`}},
		{"text", &schema{Type: "string", Pattern: `\S`}},
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// object returns the schema of a mapping of keys.
func object(keys []*Key) *schema {
	out := &schema{Type: "object", Additional: false}
	for _, k := range keys {
		s := k.schema()
		s.Description = k.description()
		out.Properties = append(out.Properties, property{k.Name, s})
		if k.Required {
			out.Required = append(out.Required, k.Name)
		}
	}
	return out
}

// description returns the documentation of a key for the schema: a sentence without Markdown.
func (k *Key) description() string {
	text, _, _ := strings.Cut(k.Doc, ", [see below]")
	text = strings.ToUpper(text[:1]) + text[1:] + "."
	if k.Option != "" && !strings.Contains(text, "--"+k.Option) {
		text += " Option: --" + k.Option + "."
	}
	if k.Default != "" {
		text += " Default: " + k.Default + "."
	}
	return strings.NewReplacer("`", "", `\|`, "|").Replace(text)
}

// schema returns the schema of the value of a key.
func (k *Key) schema() *schema {
	switch k.Kind {
	case Words:
		if k.shared != "" {
			return reference(k.shared)
		}
		return k.list()
	case WordOrWords:
		return &schema{AnyOf: []*schema{k.word(), k.list()}}
	case Size:
		return &schema{AnyOf: []*schema{{Type: "integer", Minimum: 1, Maximum: domxml.MaxSize}, k.word()}}
	case Flag:
		return &schema{Type: "boolean"}
	case Line, Prose, Expression:
		return reference("text")
	case Severities:
		return &schema{Type: "object", KeyNames: reference("rule"), Additional: reference("severity")}
	case Section:
		return object(k.Keys)
	case Entries:
		return &schema{Type: "array", Items: object(k.Keys)}
	default:
		return k.word()
	}
}

// word returns the schema of one word.
func (k *Key) word() *schema {
	var enum, form *schema
	if k.choices != nil {
		_, words := k.choices(Names{})
		enum = &schema{Enum: words}
	}
	if k.pattern != "" {
		form = &schema{Type: "string", Pattern: k.pattern, MinLength: 1}
	}
	switch {
	case k.shared != "":
		return reference(k.shared)
	case enum != nil && form != nil:
		return &schema{AnyOf: []*schema{enum, form}}
	case enum != nil:
		return enum
	case form != nil:
		return form
	}
	return reference("word")
}

// list returns the schema of a list of words. The value of an option must not be empty.
func (k *Key) list() *schema {
	out := &schema{Type: "array", Items: k.word(), UniqueItems: true}
	if k.Option != "" {
		out.MinItems = 1
	}
	return out
}

func reference(definition string) *schema { return &schema{Ref: "#/definitions/" + definition} }
