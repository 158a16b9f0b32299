package config

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/yamldoc"
)

// Kind is the form of a value.
type Kind int

// The kinds of values.
const (
	Word        Kind = iota // a string of one line
	Words                   // a list of them
	WordOrWords             // either
	Size                    // an integer or a word
	Flag                    // true or false
	Line                    // a string that may be written over several lines, read as one
	Prose                   // a string of several lines
	Expression              // one in CEL
	Severities              // a mapping of rules to severities
	Section                 // a mapping of keys
	Entries                 // a list of mappings of keys
)

// Key is one key of the configuration, and everything that is known about it.
type Key struct {
	Name     string
	Option   string // the option that it stands for, without dashes; "" if there is none
	Kind     Kind
	File     bool // words that are not among the choices name a file, relative to the configuration
	Required bool
	Keys     []*Key // of a Section, and of one of the Entries

	Doc     string // the value, for users, in Markdown: a phrase without a capital and a period
	Default string // in Markdown: a literal in backticks, or a phrase; "" for none
	Example string // the value in YAML

	// choices returns the words that are valid, and what they are called; nil if that is for check.
	choices func(Names) (what string, words []string)
	// check checks a word and returns what to store, such as a resolved path; nil for any word.
	check func(r *reader, n yamldoc.Node, word string) (stored string, ok bool)

	pattern string // regular expression of a word in the schema
	shared  string // definition of the value, or of a list's items, in the schema
	comment string // line before the key in the example

	// value returns a pointer to the stored value, in the *File or in an entry; nil for an option.
	value   func(in any) any
	negated bool // the stored boolean is the opposite

	entry  func(*File) (entry any, pos *audit.Pos) // adds one of the Entries
	finish func(r *reader, entry any)              // checks one that was read
	anchor bool                                    // the entry is at the place of this value
	early  bool                                    // read before the other keys, which refer to it
}

// DefaultValue returns the default as YAML, or "" if it is not a literal.
func (k *Key) DefaultValue() string {
	if literal, ok := strings.CutPrefix(k.Default, "`"); ok {
		return strings.TrimSuffix(literal, "`")
	}
	return ""
}

// HasChoices reports whether the key has a list of words.
func (k *Key) HasChoices() bool { return k.choices != nil }

// IsChoice reports whether a word is in that list.
func (k *Key) IsChoice(word string) bool {
	if k.choices == nil {
		return false
	}
	_, words := k.choices(Names{})
	return slices.Contains(words, word)
}

// in returns a value function from one that is typed.
func in[T, V any](field func(*T) *V) func(any) any {
	return func(v any) any { return field(v.(*T)) }
}

// reader reads the values of one file.
type reader struct {
	known Names
	doc   *yamldoc.Document
	out   *File

	rules []string // IDs of all rules, custom ones included
	ids   map[string]bool
}

// position returns a span as the engine has it.
func position(s yamldoc.Span) audit.Pos {
	return audit.Pos{Line: s.Line, Column: s.Column, EndLine: s.Line, EndColumn: s.Column + s.Width}
}
