package audit

import (
	"slices"

	"github.com/virt-audit/virt-audit/audit/fleet"
)

// AskedAlone returns the questions of the rules across guests about a domain if no guest is known,
// and if only the domain itself is known; and whether they report anything in each case.
func AskedAlone(d *Domain, c *Settings, indexers ...Indexer) (nothing, alone [][2]string, answered, reported bool) {
	index := fleet.NewIndex()
	c.Prepare(d).Collect(index, indexers...)
	index.Freeze()
	ask := func(known *fleet.Index) (questions [][2]string, says bool) {
		var asked []fleet.Question
		p := c.Prepare(d).pass
		p.crossGuest, p.result = crossGuest{questions: &asked, index: known}, &Result{}
		for _, r := range c.Rules {
			p.rule = r
			r.Check(&p)
		}
		for _, q := range asked {
			questions = append(questions, [2]string{q.Kind, q.Key})
		}
		slices.SortFunc(questions, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
		return slices.Compact(questions), p.missingInputs != 0 || len(p.result.Findings) > 0
	}
	nothing, answered = ask(nil)
	alone, reported = ask(index)
	return nothing, alone, answered, reported
}
