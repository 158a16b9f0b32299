package config

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/manager"
	"github.com/virt-audit/virt-audit/audit/yamldoc"
)

// configuration reads the file from its root.
func (r *reader) configuration(root yamldoc.Node) {
	r.rules = slices.Clone(r.known.Rules)
	r.ids = map[string]bool{}
	for _, id := range r.rules {
		r.ids[id] = true
	}
	done := map[string]bool{}
	for _, k := range table {
		if n, ok := root.Get(k.Name); k.early && ok && n.Kind() == yamldoc.List {
			r.read(k, yamldoc.Entry{Key: k.Name, Path: k.Name, Value: n}, r.out)
			done[k.Name] = true
		}
	}
	r.section(table, root, "", r.out, done)
	r.checkEnabled()
}

// section reads the keys of a mapping, except for those that are done, and stores their values.
func (r *reader) section(keys []*Key, n yamldoc.Node, path string, into any, done map[string]bool) {
	var names, required []string
	byName := map[string]*Key{}
	for _, k := range keys {
		names, byName[k.Name] = append(names, k.Name), k
		if k.Required {
			required = append(required, k.Name)
		}
	}
	n.Fields(path, names, required, func(e yamldoc.Entry) {
		if !done[e.Key] {
			r.read(byName[e.Key], e, into)
		}
	})
}

// read reads the value of a key and stores it.
func (r *reader) read(k *Key, e yamldoc.Entry, into any) {
	switch k.Kind {
	case Section:
		r.section(k.Keys, e.Value, e.Path, k.value(into), nil)
	case Entries:
		e.Value.Items(e.Path, func(path string, item yamldoc.Node) { r.entry(k, path, item) })
	case Severities:
		r.severities(k, e, into)
	case Flag:
		r.flag(k, e, into)
	case Line:
		store(k.value(into), e.Value.Line())
	case Prose:
		store(k.value(into), e.Value.Prose())
	case Expression:
		r.expression(e.Value, into.(*LocalRule))
	case Word, Words, WordOrWords, Size:
		r.words(k, e, into)
	}
}

// entry reads one of the Entries of a key.
func (r *reader) entry(k *Key, path string, item yamldoc.Node) {
	into, pos := k.entry(r.out)
	*pos = position(item.Note(path))
	r.section(k.Keys, item, path, into, nil)
	for _, field := range k.Keys {
		if n, ok := item.Get(field.Name); field.anchor && ok && n.Kind() == yamldoc.String {
			*pos = position(n.Note(path))
		}
	}
	if k.finish != nil {
		k.finish(r, into)
	}
}

func (r *reader) flag(k *Key, e yamldoc.Entry, into any) {
	on := e.Value.Bool(e.Path) != k.negated
	if k.value == nil {
		r.setting(k, e, []string{strconv.FormatBool(on)})
		return
	}
	*k.value(into).(*bool) = on
}

// words reads one or several words, and checks each.
func (r *reader) words(k *Key, e yamldoc.Entry, into any) {
	var values []string
	add := func(n yamldoc.Node, word string) {
		if stored, ok := r.word(k, n, word); ok || k.value != nil { // places count every item
			values = append(values, stored)
		}
	}
	number, integer := e.Value.Integer()
	switch list := e.Value.Kind() == yamldoc.List; {
	case k.Kind == Words || k.Kind == WordOrWords && list:
		if list && e.Value.Len() == 0 && k.Option != "" {
			e.Value.Errorf("remove the key to use the default", "%s must not be empty", e.Key)
		}
		e.Value.Words(e.Path, add)
	case k.Kind == Size && integer:
		add(e.Value, number)
	default:
		if word, ok := e.Value.Text(); ok {
			add(e.Value, word)
		}
	}
	switch {
	case k.value == nil:
		r.setting(k, e, values)
	case k.Kind == Words:
		*k.value(into).(*[]string) = values
	case len(values) > 0:
		store(k.value(into), values[0])
	}
}

// word checks one word, and returns what to store.
func (r *reader) word(k *Key, n yamldoc.Node, word string) (string, bool) {
	if k.choices != nil {
		what, words := k.choices(r.known)
		if slices.Contains(words, word) {
			return word, true
		}
		if !k.File || !pathLike(word) { // an unknown word is more likely a mistake than a file
			return word, n.OneOf(what, word, words)
		}
	}
	if k.check == nil {
		return word, true
	}
	return k.check(r, n, word)
}

// setting notes a value that stands for an option.
func (r *reader) setting(k *Key, e yamldoc.Entry, values []string) {
	r.out.Settings = append(r.out.Settings, Setting{k.Name, k.Option, values, e.At.Line, e.At.Column})
}

func (r *reader) severities(k *Key, e yamldoc.Entry, into any) {
	if e.Value.Kind() != yamldoc.Mapping {
		e.Value.Errorf("", "%s must be a mapping of rules to severities", e.Key)
		return
	}
	out := map[string]audit.Severity{}
	e.Value.Entries(e.Path, func(of yamldoc.Entry) {
		k.check(r, of.KeyNode, of.Key)
		if word, ok := of.Value.Text(); ok {
			what, words := k.choices(r.known)
			if of.Value.OneOf(what, word, words) {
				out[of.Key], _ = audit.ParseSeverity(word)
			}
		}
	})
	*k.value(into).(*map[string]audit.Severity) = out
}

// store stores a word that was checked.
func store(at any, word string) {
	switch at := at.(type) {
	case *string:
		*at = word
	case *audit.Severity:
		*at, _ = audit.ParseSeverity(word)
	case *manager.Manager:
		*at = manager.Manager(word)
	case *time.Time:
		*at, _ = domxml.ParseDay(word)
	}
}

// checkEnabled checks the lists of rules against each other.
func (r *reader) checkEnabled() {
	places := r.doc.Places()
	if r.allDisabled() {
		r.doc.Errorf(places["disable"].Position, "", "every rule is disabled")
	}
	for i, id := range r.out.Enable {
		if slices.Contains(r.out.Disable, id) {
			r.doc.Errorf(places[fmt.Sprintf("enable[%d]", i)].Position, "", "%q is both enabled and disabled", id)
		}
	}
}

// allDisabled reports whether several patterns together match all rules. One pattern that does is a
// problem of its own.
func (r *reader) allDisabled() bool {
	off := r.out.Disable
	return len(off) > 0 && !slices.ContainsFunc(off, r.matchesAll) && !slices.ContainsFunc(r.rules, func(rule string) bool {
		return !slices.ContainsFunc(off, func(pattern string) bool { return match(pattern, rule) })
	})
}

// expression reads the expression of a custom rule.
func (r *reader) expression(n yamldoc.Node, l *LocalRule) {
	if k := n.Kind(); k != yamldoc.String {
		n.NotString(quoteExpression)
	} else {
		l.Expression = n.Prose()
	}
	l.characters = n.Characters(l.Expression)
	if i := cutComment(l.Expression, l.characters); i >= 0 {
		r.doc.Errorf(l.characters[i], "write the expression after |", "a comment continues to the end of the folded lines")
	}
}
