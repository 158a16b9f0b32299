package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
)

// Value is one value of a configuration, for printing it as YAML.
type Value struct {
	Key   *Key
	Name  string // of the key, or the rule in a mapping of severities
	Path  string // in File.Places: "allow.emulators"
	Depth int    // 0 for keys of the file, 1 for those of a section or of an entry
	First bool   // the first key of an entry
	Value any    // string, []string, bool, audit.Severity or time.Time; nil for a key whose values follow
}

// Values returns what the file holds under the keys that are not options, in the order of the table.
// Empty values are omitted; a section has all its booleans if it has any value or is in the file.
func (f *File) Values() []Value {
	var out []Value
	for _, k := range table {
		if k.value == nil {
			continue
		}
		at := reflect.ValueOf(k.value(f)).Elem()
		if _, given := f.Places[k.Name]; at.IsZero() && (!given || k.Kind != Section) || at.Kind() == reflect.Slice && at.Len() == 0 {
			continue
		}
		if k.Kind == Words {
			out = append(out, Value{Key: k, Name: k.Name, Path: k.Name, Value: at.Interface()})
			continue
		}
		if k.Kind == Word {
			out = append(out, Value{Key: k, Name: k.Name, Path: k.Name, Value: at.String()})
			continue
		}
		out = append(append(out, Value{Key: k, Name: k.Name, Path: k.Name}), inside(k, at)...)
	}
	return out
}

// inside returns the values below a key.
func inside(k *Key, at reflect.Value) []Value {
	var out []Value
	switch k.Kind {
	case Severities:
		severities := at.Interface().(map[string]audit.Severity)
		for id, s := range severities {
			out = append(out, Value{Key: k, Name: id, Path: k.Name + "." + id, Depth: 1, Value: s})
		}
		slices.SortFunc(out, func(a, b Value) int { return strings.Compare(a.Name, b.Name) })
	case Entries:
		for i := range at.Len() {
			out = append(out, fields(k, at.Index(i).Interface(), fmt.Sprintf("%s[%d]", k.Name, i))...)
		}
	default:
		out = fields(k, at.Addr().Interface(), k.Name)
	}
	return out
}

// fields returns the values of the keys of a section or an entry.
func fields(k *Key, of any, path string) []Value {
	var out []Value
	for _, field := range k.Keys {
		at := reflect.ValueOf(field.value(of)).Elem()
		v := Value{Key: field, Name: field.Name, Path: path + "." + field.Name, Depth: 1, First: k.Kind == Entries && len(out) == 0, Value: at.Interface()}
		switch {
		case field.Kind == Flag:
			v.Value = at.Bool() != field.negated
		case at.IsZero() && !field.Required:
			continue
		}
		out = append(out, v)
	}
	return out
}
