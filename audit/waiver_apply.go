package audit

import "slices"

// manyUnknown is for how many rules that do not exist one that does is suggested.
const manyUnknown = 20

// waive sorts out the findings for which there is a waiver. It leaves what became of each waiver of the
// domain in p.Waivers, for the rules about waivers.
func (c *Settings) waive(p *Pass) {
	all := c.Waivers
	if !c.DomainWaivers.Ignore {
		all = slices.Concat(p.Domain.Waivers, c.Waivers) // what the guest says of itself goes before the site
	}
	if len(all) == 0 {
		return
	}
	active := activeWaivers{}
	judged := map[string]*ruleAnswer{}
	unknown := 0
	var site []*AppliedWaiver
	for _, w := range all {
		if !w.Covers(p.Domain) {
			continue
		}
		answer := judged[w.Rule]
		if answer == nil {
			answer = c.answer(p, w.Rule)
			if !answer.known && c.Nearest != nil && unknown < manyUnknown {
				answer.nearest = c.Nearest(w.Rule)
				unknown++
			}
			judged[w.Rule] = answer
		}
		a := &AppliedWaiver{
			Waiver: w, Known: answer.known, Nearest: answer.nearest, Evaluated: answer.certainAt(p, w.Device),
			Expired: w.Expired(c.Today), WhyDropped: w.WhyDropped, NoNamespace: w.NoNamespace,
		}
		if w.InDomain {
			a.NotAllowed = c.DomainWaivers.Allows(w.Rule)
			p.Waivers = append(p.Waivers, a)
		}
		if !w.InDomain {
			site = append(site, a)
			a.open = !a.Evaluated && answer.open
		}
		if w.Flaw == "" && !a.Expired && a.WhyDropped == "" && a.NotAllowed == "" {
			active.add(a)
		}
	}
	active.apply(p)
	p.result.noteUses(site)
}

// waivesAcross reports whether a waiver for the domain is of a rule that compares guests: whether it waives
// anything is known when all of them are.
func (c *Settings) waivesAcross(d *Domain) bool {
	across := func(id string) bool {
		return slices.ContainsFunc(c.Rules, func(r *Rule) bool { return r.ID == id && r.Requires&NeedDomains != 0 })
	}
	return slices.ContainsFunc(c.Waivers, func(w *Waiver) bool { return w.Covers(d) && across(w.Rule) }) ||
		!c.DomainWaivers.Ignore && slices.ContainsFunc(d.Waivers, func(w *Waiver) bool { return across(w.Rule) })
}

// waiveWaiverFindings does the same for what the rules about waivers have found: the site may live with that, too. A
// domain cannot waive what is said of its waivers.
func (c *Settings) waiveWaiverFindings(p *Pass) {
	active := activeWaivers{}
	var site []*AppliedWaiver
	for _, w := range c.Waivers {
		if w.Covers(p.Domain) && w.Flaw == "" && !w.Expired(c.Today) {
			a := &AppliedWaiver{Waiver: w}
			site = append(site, a)
			active.add(a)
		}
	}
	active.apply(p)
	p.result.noteUses(site)
}

// noteUses notes what became of waivers of the configuration, where anything has.
func (r *Result) noteUses(site []*AppliedWaiver) {
	for _, a := range site {
		if a.Evaluated || a.Used || a.open {
			r.WaiverUses = append(r.WaiverUses, WaiverUse{a.Waiver, a.Evaluated, a.Used, a.open})
		}
	}
}

// ruleAnswer is what a rule has said of a domain, as far as waivers of it go.
type ruleAnswer struct {
	known   bool
	nearest string
	run     bool            // it is part of the run, and was not left out without a word
	open    bool            // it lacked something, and might have found more
	found   bool            // it has found something
	kinds   map[string]bool // the kinds of devices, such as "disk", that it has found something at
}

func (c *Settings) answer(p *Pass, id string) *ruleAnswer {
	a := &ruleAnswer{known: c.Known == nil || c.Known(id)}
	i := slices.IndexFunc(c.Rules, func(r *Rule) bool { return r.ID == id })
	if i < 0 || c.Rules[i].Required()&p.result.Skipped != 0 {
		return a
	}
	a.run = true
	a.open = slices.ContainsFunc(p.result.Unevaluated, func(u Unevaluated) bool { return u.Rule.ID == id })
	for _, f := range p.result.Findings {
		if f.Rule.ID != id {
			continue
		}
		a.found = true
		if kind := f.Path.DeviceKind(); kind != "" {
			if a.kinds == nil {
				a.kinds = map[string]bool{}
			}
			a.kinds[kind] = true
		}
	}
	return a
}

// certainAt reports whether it is certain what the rule finds at a device, or with "" anywhere. A rule that
// lacked something has no more to say of a device that is not there, nor of one of another kind than those
// that it has found something at.
func (a *ruleAnswer) certainAt(p *Pass, device string) bool {
	switch {
	case !a.run:
		return false
	case !a.open:
		return true
	case device == "":
		return a.found
	}
	kinds := p.KindsOf(device)
	return len(kinds) == 0 || a.found && !slices.ContainsFunc(kinds, func(k string) bool { return a.kinds[k] })
}

// activeWaivers are those that count, by rule and device: a guest may have as many as it has findings.
type activeWaivers map[[2]string]*sameWaivers

// sameWaivers are those for one rule and device. The first of them counts, and none is unused when it does.
type sameWaivers struct {
	list   []*AppliedWaiver
	number int // in the order in which they were given
	used   bool
}

func (m activeWaivers) add(a *AppliedWaiver) {
	key := [2]string{a.Rule, a.Device}
	if m[key] == nil {
		m[key] = &sameWaivers{number: len(m)}
	}
	m[key].list = append(m[key].list, a)
}

// apply moves what they cover from the findings that count to those that do not.
func (m activeWaivers) apply(p *Pass) {
	if len(m) == 0 {
		return
	}
	res := p.result
	res.Findings = slices.DeleteFunc(res.Findings, func(f Finding) bool {
		by := m.of(p.Domain, &f)
		if by == nil {
			return false
		}
		res.Waived = append(res.Waived, Waived{f, by})
		return true
	})
}

// of returns the first waiver that a finding falls under, and marks all of them as used.
func (m activeWaivers) of(d *Domain, f *Finding) *Waiver {
	var first *sameWaivers
	for _, device := range append(d.DeviceNames(f.Path), "") {
		same := m[[2]string{f.Rule.ID, device}]
		if same == nil {
			continue
		}
		if first == nil || same.number < first.number {
			first = same
		}
		if same.used {
			continue
		}
		same.used = true
		for _, a := range same.list {
			a.Used = true
		}
	}
	if first == nil {
		return nil
	}
	return first.list[0].Waiver
}
