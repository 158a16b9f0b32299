package config

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/source"
	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/audit/yamldoc"
)

// listRules is what to do about a rule that is not known.
const listRules = "'virt-audit rules' lists them"

// checkRule checks the ID of a rule.
func checkRule(r *reader, n yamldoc.Node, id string) (string, bool) {
	switch {
	case r.ids[id]:
		return id, true
	case isPattern(id):
		n.Errorf("", "%q is a pattern; one rule is expected", id)
	default:
		hint := suggest.Hint(id, r.rules)
		if hint == "" {
			hint = listRules
		}
		n.Errorf(hint, "unknown rule %q", id)
	}
	return id, false
}

// checkPattern checks the ID of a rule or a pattern of IDs.
func checkPattern(r *reader, n yamldoc.Node, text string) (string, bool) {
	if !isPattern(text) {
		return checkRule(r, n, text)
	}
	if _, ok := checkGlob(r, n, text); !ok {
		return text, false
	}
	if !slices.ContainsFunc(r.rules, func(id string) bool { return match(text, id) }) {
		n.Errorf(listRules, "no rule matches %q", text)
		return text, false
	}
	return text, true
}

// checkDisable checks a rule that is to be disabled.
func checkDisable(r *reader, n yamldoc.Node, text string) (string, bool) {
	if _, ok := checkPattern(r, n, text); !ok {
		return text, false
	}
	if r.matchesAll(text) {
		n.Errorf("", "%q would disable every rule", text)
		return text, false
	}
	return text, true
}

// matchesAll reports whether a pattern matches all rules.
func (r *reader) matchesAll(pattern string) bool {
	return !slices.ContainsFunc(r.rules, func(rule string) bool { return !match(pattern, rule) })
}

// match reports whether a valid pattern matches an ID.
func match(pattern, id string) bool {
	ok, _ := path.Match(pattern, id)
	return ok
}

// checkGlob checks the syntax of a pattern.
func checkGlob(_ *reader, n yamldoc.Node, text string) (string, bool) {
	if _, err := path.Match(text, ""); err != nil {
		n.Errorf("", "invalid pattern %q: a bracket is not closed, or nothing follows a backslash", text)
		return text, false
	}
	return text, true
}

func isPattern(text string) bool { return strings.ContainsAny(text, `*?[\`) }

// Paths of elements. Their names are checked where the rule is compiled.
const (
	step  = `[A-Za-z_][A-Za-z0-9_.:-]*`
	steps = step + `(/` + step + `)*`
)

var (
	siteRule = regexp.MustCompile(`^site(-[a-z0-9]+)+$`)
	elements = regexp.MustCompile(`^` + steps + `$`)
	finding  = regexp.MustCompile(`^(` + steps + `)?(@` + step + `)?$`)
)

func checkElements(_ *reader, n yamldoc.Node, text string) (string, bool) {
	if !elements.MatchString(text) {
		n.Errorf("", "%q is not a path such as devices/disk", text)
		return text, false
	}
	return text, true
}

func checkFinding(_ *reader, n yamldoc.Node, text string) (string, bool) {
	if !finding.MatchString(text) {
		n.Errorf("", "%q is not a path such as devices/tpm or source@file", text)
		return text, false
	}
	return text, true
}

// finishRule checks the ID of a custom rule and makes it known to the other keys.
func finishRule(r *reader, entry any) {
	l := entry.(*LocalRule)
	if l.Title == "" {
		l.Title = l.Message
	}
	at := source.Position{Line: l.Pos.Line, Column: l.Pos.Column}
	switch {
	case l.ID == "":
		return
	case !siteRule.MatchString(l.ID):
		r.doc.Errorf(at, "such as site-tpm", `rule ID %q does not consist of "site" and words of lower-case letters and digits, joined by "-"`, l.ID)
		return
	case r.ids[l.ID] && !slices.Contains(r.known.Rules, l.ID):
		r.doc.Errorf(at, "", "there is another rule %q", l.ID)
		return
	case r.ids[l.ID]:
		r.doc.Errorf(at, "", "%q is a built-in rule", l.ID)
		return
	}
	r.ids[l.ID] = true
	r.rules = append(r.rules, l.ID)
}
