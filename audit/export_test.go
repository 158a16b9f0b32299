package audit

import "slices"

// AskedAlone returns what the rules across guests ask about a domain where nothing is known, and where the
// domain itself is the only one known; and whether they report anything in each case.
func AskedAlone(d *Domain, c *Config, indexers ...Indexer) (nothing, alone [][2]string, answered, reported bool) {
	index := NewIndex()
	index.Add(d, c, indexers...)
	index.Freeze()
	ask := func(known *Index) (questions [][2]string, says bool) {
		var q asked
		p := Pass{
			Domain: d, Boundary: c.Judge(d), QEMU: c.EffectiveQEMU(), Host: c.facts(d), home: c.home(d),
			asked: &q, set: known, result: &Result{},
		}
		for _, r := range c.Rules {
			p.rule = r
			r.Check(&p)
		}
		for _, k := range slices.Concat(q.keys, q.under) {
			questions = append(questions, [2]string(k))
		}
		slices.SortFunc(questions, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
		return slices.Compact(questions), p.lacked != 0 || len(p.result.Findings) > 0
	}
	nothing, answered = ask(nil)
	alone, reported = ask(index)
	return nothing, alone, answered, reported
}
