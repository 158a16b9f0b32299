package audit

import (
	"iter"
	"strings"

	"github.com/virt-audit/virt-audit/audit/fleet"
)

// Use is a use of a resource by another guest, see Pass.Others.
type Use = fleet.Use

// Hashed is fleet.Hashed.
func Hashed(secret string) string { return fleet.Hashed(secret) }

// Indexer records what one domain uses, with Pass.Use. It reports nothing.
type Indexer func(*Pass)

// crossGuest is what a pass knows about other guests, or collects for them.
type crossGuest struct {
	self      *fleet.Guest      // the domain as the index knows it, set by the first rule that asks
	index     *fleet.Index      // what other guests use; nil if there are none
	notes     *[]fleet.Note     // what this domain uses, while the index is filled
	questions *[]fleet.Question // what rules ask about others, while the index is filled
}

// Collect adds to the index what a domain uses, and returns the questions that the rules across
// guests ask about it: it runs these rules without an index to answer them. It is safe for
// concurrent use, but must not run at the same time as the queries of a Pass.
func (s *Prepared) Collect(x *fleet.Index, indexers ...Indexer) fleet.Questions {
	var notes []fleet.Note
	var questions []fleet.Question
	p, d, c := s.pass, s.pass.Domain, s.pass.settings
	p.crossGuest.notes = &notes
	for _, f := range indexers {
		f(&p)
	}
	p.result, p.crossGuest = &Result{}, crossGuest{questions: &questions}
	for _, r := range c.Rules {
		if r.Requires&NeedDomains != 0 {
			p.rule = r
			r.Check(&p)
		}
	}
	answered := p.missingInputs != 0 || len(p.result.Findings) > 0 || c.waivesAcross(d)
	return x.Add(fleet.GuestOf(d), notes, questions, answered)
}

// Use records, for an indexer, that the domain uses a resource. kind separates resources of
// different types; key is the resource's name in normal form; a secret must be hashed, see Hashed.
func (p *Pass) Use(kind, key string, at Path, detail string) {
	if p.crossGuest.notes != nil && key != "" {
		*p.crossGuest.notes = append(*p.crossGuest.notes, fleet.Note{Kind: kind, Key: key, Detail: detail, Pos: p.Pos(at)})
	}
}

// ask records a question while the index is filled, and reports whether there is an index to answer
// it.
func (p *Pass) ask(kind, key string) bool {
	if key == "" {
		return false
	}
	if p.crossGuest.questions != nil {
		*p.crossGuest.questions = append(*p.crossGuest.questions, fleet.Question{Kind: kind, Key: key})
	}
	return p.crossGuest.index != nil
}

// Others yields the uses of a resource by other guests, in the order of their documents. If a guest
// has two documents, both count.
func (p *Pass) Others(kind, key string) iter.Seq[Use] {
	return func(yield func(Use) bool) {
		if p.ask(kind, key) {
			p.crossGuest.index.Others(p.guestOfFleet(), kind, key)(yield)
		}
	}
}

// Guests returns the number of different guests that use the resource, this one included.
//
// A rule that compares two counts must ask first for the one that decides whether it reports, and
// for the other only if the first is not zero: the rule is called for every domain of a run, and
// again if an answer names another guest.
func (p *Pass) Guests(kind, key string) int {
	if !p.ask(kind, key) {
		return 0
	}
	return p.crossGuest.index.Guests(kind, key)
}

// OthersUnder yields the uses by other guests of resources whose key is the path dir or a path
// below it.
func (p *Pass) OthersUnder(kind, dir string) iter.Seq[Use] {
	return func(yield func(Use) bool) {
		if dir == "" {
			return
		}
		trimmed := strings.TrimSuffix(dir, "/")
		if p.crossGuest.questions != nil {
			*p.crossGuest.questions = append(*p.crossGuest.questions, fleet.Question{Kind: kind, Key: trimmed, Under: true})
		}
		if p.crossGuest.index != nil {
			p.crossGuest.index.OthersUnder(p.guestOfFleet(), kind, dir)(yield)
		}
	}
}

// guestOfFleet returns the domain as the index knows it.
func (p *Pass) guestOfFleet() *fleet.Guest {
	if p.crossGuest.self == nil {
		g := fleet.GuestOf(p.Domain)
		p.crossGuest.self = &g
	}
	return p.crossGuest.self
}
