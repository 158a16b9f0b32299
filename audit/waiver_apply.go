package audit

import "slices"

// manyUnknown is the number of unknown rules up to which similar rules are suggested.
const manyUnknown = 20

// waive moves the findings that a waiver covers to Result.Waived. It leaves the effect of each
// waiver of the domain in p.Waivers, for the rules about waivers.
func (c *Settings) waive(p *Pass) {
	all := c.Waivers
	if !c.DomainWaivers.Ignore {
		// the waivers of the guest come before those of the site
		all = slices.Concat(p.Domain.Waivers, c.Waivers)
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

// waivesAcross reports whether a waiver for the domain is of a rule that compares guests. Whether
// such a waiver is used is known only when all guests are.
func (c *Settings) waivesAcross(d *Domain) bool {
	across := func(id string) bool {
		return slices.ContainsFunc(c.Rules, func(r *Rule) bool { return r.ID == id && r.Requires&NeedDomains != 0 })
	}
	return slices.ContainsFunc(c.Waivers, func(w *Waiver) bool { return w.Covers(d) && across(w.Rule) }) ||
		!c.DomainWaivers.Ignore && slices.ContainsFunc(d.Waivers, func(w *Waiver) bool { return across(w.Rule) })
}

// waiveWaiverFindings applies the site's waivers to the findings of the rules about waivers. A
// domain cannot waive findings about its own waivers.
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

// noteUses records the effects of the configuration's waivers, if there are any.
func (r *Result) noteUses(site []*AppliedWaiver) {
	for _, a := range site {
		if a.Evaluated || a.Used || a.open {
			r.WaiverUses = append(r.WaiverUses, WaiverUse{a.Waiver, a.Evaluated, a.Used, a.open})
		}
	}
}

// ruleAnswer is the result of a rule for a domain, as far as waivers need it.
type ruleAnswer struct {
	known   bool
	nearest string
	run     bool            // it is part of the run and was not skipped
	open    bool            // it lacked an input, and might have had more findings
	found   bool            // it has a finding
	kinds   map[string]bool // the kinds of devices, such as "disk", that it has findings about
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

// certainAt reports whether all findings of the rule about a device are known, or with "" all of
// its findings. A rule that lacked an input has no further findings about a device that does not
// exist, nor about one of another kind than those that it has findings about.
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

// activeWaivers are the waivers that count, by rule and device: a guest may have as many waivers as
// findings.
type activeWaivers map[[2]string]*sameWaivers

// sameWaivers are the waivers for one rule and device. The first of them counts; if it is used,
// none of them is unused.
type sameWaivers struct {
	list   []*AppliedWaiver
	number int // position among all waivers
	used   bool
}

func (m activeWaivers) add(a *AppliedWaiver) {
	key := [2]string{a.Rule, a.Device}
	if m[key] == nil {
		m[key] = &sameWaivers{number: len(m)}
	}
	m[key].list = append(m[key].list, a)
}

// apply moves the findings that the waivers cover to Result.Waived.
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

// of returns the first waiver that covers a finding, and marks all that cover it as used.
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
