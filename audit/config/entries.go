package config

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/virt-audit/virt-audit/audit"
)

func (r *reader) waiver(here string, n ast.Node) {
	w := &audit.Waiver{Source: r.out.Path, Pos: r.note(here, r.place(n), n)}
	r.fields(n, here, waiverKeys, []string{"rule", "reason"}, func(key string, n ast.Node) {
		if key == "reason" {
			w.Reason = r.line(n)
			return
		}
		text, ok := r.text(n)
		if !ok {
			return
		}
		at := r.place(n)
		switch key {
		case "rule":
			w.Rule = text
			w.Pos = r.note(here, at, n)
			r.rule(at, text)
		case "domain":
			w.Domains = text
			r.glob(at, text)
		case "device":
			w.Device = text
		case "until":
			until, err := audit.ParseDay(text)
			if err != nil {
				r.fail(at, "", "%v", err)
			}
			w.Until = until
		}
	})
	r.out.Waivers = append(r.out.Waivers, w)
}

var (
	siteRule = regexp.MustCompile(`^site(-[a-z0-9]+)+$`)
	elements = regexp.MustCompile(`^` + steps + `$`)
	finding  = regexp.MustCompile(`^(` + steps + `)?(@` + step + `)?$`)
)

// The names are checked where the rule is compiled.
const (
	step  = `[A-Za-z_][A-Za-z0-9_.:-]*`
	steps = step + `(/` + step + `)*`
)

func (r *reader) localRules(n ast.Node) {
	seen := map[string]bool{}
	r.items(n, "rules", func(here string, n ast.Node) {
		l := r.localRule(here, n)
		r.out.Rules = append(r.out.Rules, l)
		switch at := (place{l.Pos.Line, l.Pos.Column}); {
		case l.ID == "":
			return
		case !siteRule.MatchString(l.ID):
			r.fail(at, "such as site-tpm", `rule ID %q does not consist of "site" and words of small letters and digits, with "-" between them`, l.ID)
			return
		case seen[l.ID]:
			r.fail(at, "", "there is another rule %q", l.ID)
			return
		case r.ids[l.ID]:
			r.fail(at, "", "the program has a rule %q", l.ID)
			return
		}
		seen[l.ID], r.ids[l.ID] = true, true
		r.rules = append(r.rules, l.ID)
	})
}

func (r *reader) localRule(here string, n ast.Node) *LocalRule {
	l := &LocalRule{Pos: r.note(here, r.place(n), n)}
	r.fields(n, here, ruleKeys, []string{"id", "severity", "expression", "message"}, func(key string, n ast.Node) {
		at := r.place(n)
		switch key {
		case "id":
			l.ID, _ = r.text(n)
			l.Pos = r.note(here, at, n)
		case "title":
			l.Title = r.line(n)
		case "severity":
			l.Severity = r.severity(n)
		case "for":
			l.For = r.form(n, elements, "devices/disk")
		case "expression":
			l.Expression = r.expression(n)
			l.places = r.places(n, l.Expression)
			r.comments(l)
		case "message":
			l.Message = r.line(n)
		case "path":
			l.Path = r.form(n, finding, "devices/tpm or source@file")
		case "doc":
			l.Doc = r.prose(n)
		case "fix":
			l.Fix = r.prose(n)
		case "url":
			l.URL, _ = r.text(n)
			if u, err := url.Parse(l.URL); l.URL != "" && (err != nil || !strings.HasPrefix(l.URL, "http://") && !strings.HasPrefix(l.URL, "https://") || u.Host == "" || strings.ContainsAny(l.URL, " \"<>")) {
				r.fail(at, "", "%q is not an address that begins with https:// or http://", l.URL)
			}
		}
	})
	if l.Title == "" {
		l.Title = l.Message
	}
	return l
}

// form reads a text that must have a form.
func (r *reader) form(n ast.Node, form *regexp.Regexp, example string) string {
	text, ok := r.text(n)
	if ok && !form.MatchString(text) {
		r.fail(r.place(n), "", "%q is not a path such as %s", text, example)
	}
	return text
}
