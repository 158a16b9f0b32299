package manager

import (
	_ "embed"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
)

//go:embed settings.txt
var settingsText string

// Advice is what to do in a manager.
type Advice struct {
	Text   string // sentences on one line
	Source string // address of the manager's documentation or code
	// General means that the text is about all rules, since there is none for the rule alone.
	General bool
}

// elsewhere is the section of rules that no change of the guest's definition fixes.
const elsewhere Manager = "elsewhere"

// anyRule is the rule of the general advice of a manager.
const anyRule = "*"

type place struct {
	manager Manager
	rule    string
}

// Setting returns what to set in the manager to fix what the rule found: its own advice, or the
// general one of the manager. It is not ok for an unknown manager, and for rules that are fixed
// outside of the definition and without a setting of the manager.
func Setting(m Manager, rule string) (advice Advice, ok bool) {
	table := settings()
	if advice, ok = table[place{m, rule}]; ok && rule != anyRule && m != elsewhere {
		return advice, true
	}
	if _, ok = table[place{elsewhere, rule}]; ok {
		return Advice{}, false
	}
	advice, ok = table[place{m, anyRule}]
	advice.General = ok
	return advice, ok
}

// Settings yields the managers that have a setting for the rule itself, in the order of All.
func Settings(rule string) iter.Seq2[Manager, Advice] {
	return func(yield func(Manager, Advice) bool) {
		for _, m := range All() {
			if advice, ok := Setting(m, rule); ok && !advice.General && !yield(m, advice) {
				return
			}
		}
	}
}

// Rules yields the rules that the table names, with the manager; each once.
func Rules() iter.Seq2[string, Manager] {
	return func(yield func(string, Manager) bool) {
		for at := range settings() {
			if at.rule == anyRule {
				continue
			}
			m := at.manager
			if m == elsewhere {
				m = ""
			}
			if !yield(at.rule, m) {
				return
			}
		}
	}
}

// settings returns the table of this package. Its text is part of the binary and tested, so that an
// error is one of this package.
var settings = sync.OnceValue(func() map[place]Advice {
	table, err := parse(settingsText)
	if err != nil {
		panic("settings.txt: " + err.Error())
	}
	return table
})

// parser is the state while the table is read from top to bottom.
type parser struct {
	table   map[place]Advice
	sources map[string]string // the beginnings of addresses
	section Manager
	rules   []string // of the current row; nil between rows
	text    []string
}

// parse reads a table; its comment describes the form. A row without a text, a source or a known
// manager, and a rule that a manager has twice, are errors with the number of the line.
func parse(text string) (map[place]Advice, error) {
	p := parser{table: map[place]Advice{}, sources: map[string]string{}}
	number := 0
	for line := range strings.Lines(text + "\n\n") {
		number++
		if err := p.line(strings.TrimRight(line, "\n")); err != nil {
			return nil, fmt.Errorf("%d: %w", number, err)
		}
	}
	return p.table, nil
}

func (p *parser) line(line string) error {
	word := strings.TrimSpace(line)
	inside := strings.HasPrefix(line, "  ")
	switch {
	case word == "" && len(p.rules) > 0:
		return errors.New("a row without a source")
	case word == "", strings.HasPrefix(line, "#"):
	case inside && len(p.rules) == 0:
		return errors.New("text without the rules that it is about")
	case inside && strings.HasPrefix(word, "@"):
		return p.end(word[1:])
	case inside:
		p.text = append(p.text, word)
	case len(p.rules) > 0:
		return errors.New("a row without a source")
	case strings.HasPrefix(line, "@"):
		name, address, ok := strings.Cut(word[1:], " ")
		if p.sources[name] != "" || !ok {
			return errors.New("a source that exists already or has no address")
		}
		p.sources[name] = address
	case strings.HasPrefix(line, "["):
		p.section = Manager(strings.Trim(word, "[]"))
		if p.section.Name() == "" && p.section != elsewhere {
			return fmt.Errorf("unknown manager %s", word)
		}
	case p.section == elsewhere:
		return p.add(strings.Fields(word), Advice{})
	default:
		p.rules = strings.Fields(word)
	}
	return nil
}

// end adds the current row, which ends with its source.
func (p *parser) end(reference string) error {
	name, file, _ := strings.Cut(reference, " ")
	switch {
	case p.sources[name] == "" || file == "":
		return fmt.Errorf("unknown source %q, or one without a file", reference)
	case len(p.text) == 0:
		return errors.New("a row without a text")
	case p.section == "":
		return errors.New("a row without a manager")
	}
	err := p.add(p.rules, Advice{Text: strings.Join(p.text, " "), Source: p.sources[name] + file})
	p.rules, p.text = nil, nil
	return err
}

func (p *parser) add(rules []string, advice Advice) error {
	for _, r := range rules {
		at := place{p.section, r}
		if _, ok := p.table[at]; ok {
			return fmt.Errorf("%s has a row for %s already", p.section, r)
		}
		p.table[at] = advice
	}
	return nil
}
