package audit

import (
	"iter"
	"strings"

	"github.com/virt-audit/virt-audit/audit/fleet"
)

// Use is a use of a thing by another guest, see Pass.Others.
type Use = fleet.Use

// Hashed is fleet.Hashed.
func Hashed(secret string) string { return fleet.Hashed(secret) }

// Indexer notes what one domain uses, with Pass.Use. It reports nothing.
type Indexer func(*Pass)

// crossGuest is what a pass knows of other guests, or collects for those.
type crossGuest struct {
	self      *fleet.Guest      // the domain as the index knows it, once a rule has asked
	index     *fleet.Index      // what other guests use; nil if there are none
	notes     *[]fleet.Note     // what this domain uses, while the index is filled
	questions *[]fleet.Question // what rules ask about others, while the index is filled
}

// Collect fills the index with what a domain uses, and finds out what the rules across guests ask about it:
// it runs them while there is nothing to answer. It may be called from several goroutines, but not together
// with the queries of a Pass.
func (c *Settings) Collect(x *fleet.Index, d *Domain, indexers ...Indexer) fleet.Questions {
	var notes []fleet.Note
	var questions []fleet.Question
	p := Pass{Domain: d, Boundary: c.Judge(d), Host: c.facts(d), hostName: c.hostName(d), crossGuest: crossGuest{notes: &notes}}
	for _, f := range indexers {
		f(&p)
	}
	p = Pass{
		Domain: d, Boundary: p.Boundary, QEMU: c.EffectiveQEMU(), Host: p.Host, hostName: p.hostName, result: &Result{},
		crossGuest: crossGuest{questions: &questions},
	}
	for _, r := range c.Rules {
		if r.Requires&NeedDomains != 0 {
			p.rule = r
			r.Check(&p)
		}
	}
	answered := p.missingInputs != 0 || len(p.result.Findings) > 0 || c.waivesAcross(d)
	return x.Add(fleet.GuestOf(d), notes, questions, answered)
}

// Use notes, for an indexer, that the domain uses a thing. The kind keeps different sorts of things
// apart; the key is the thing's name in normal form; a secret must be hashed, see Hashed.
func (p *Pass) Use(kind, key string, at Path, detail string) {
	if p.crossGuest.notes != nil && key != "" {
		*p.crossGuest.notes = append(*p.crossGuest.notes, fleet.Note{Kind: kind, Key: key, Detail: detail, Pos: p.Pos(at)})
	}
}

// ask notes a question while there is no index to answer it, and reports whether there is one.
func (p *Pass) ask(kind, key string) bool {
	if key == "" {
		return false
	}
	if p.crossGuest.questions != nil {
		*p.crossGuest.questions = append(*p.crossGuest.questions, fleet.Question{Kind: kind, Key: key})
	}
	return p.crossGuest.index != nil
}

// Others walks how other guests use the thing, in the order of their documents. The document of a
// guest that is given twice counts twice.
func (p *Pass) Others(kind, key string) iter.Seq[Use] {
	return func(yield func(Use) bool) {
		if p.ask(kind, key) {
			p.crossGuest.index.Others(p.guestOfFleet(), kind, key)(yield)
		}
	}
}

// Guests returns how many different guests use the thing, this one included.
//
// A rule that compares two counts asks for the one that makes it report first, and for the other only
// if the first is not zero: it is called for every domain of a run, and again if an answer counts.
func (p *Pass) Guests(kind, key string) int {
	if !p.ask(kind, key) {
		return 0
	}
	return p.crossGuest.index.Guests(kind, key)
}

// OthersUnder walks how other guests use things whose key is the path dir or lies below it.
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
