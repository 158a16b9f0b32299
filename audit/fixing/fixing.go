// Package fixing applies the fixes of findings to the documents of a run: in rounds, because fixes
// that overlap, or that depend on each other, cannot be applied at once. It changes bytes in memory
// and no file.
package fixing

import (
	"bytes"
	"iter"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/edit"
	"github.com/virt-audit/virt-audit/audit/pipeline"
)

// maxRounds bounds how often fixes are applied to one document. Each round but the last resolves a
// finding, so that only rules whose fixes undo each other reach it.
const maxRounds = 8

// Options are the settings of All.
type Options struct {
	Unsafe bool // also apply fixes that are not safe
	Owned  bool // also fix guests of a manager, which writes their definitions again
	Jobs   int  // the number of CPUs to use; 0 means 1
}

// Document is the result for one document of a run.
type Document struct {
	*collect.Document // nil if it could not be found
	Domains           []*Domain
	Err               error // why it could not be read again; Domains is then incomplete
}

// Domain is the result for one domain of a document.
type Domain struct {
	// Before and After are the versions of the domain. They are nil if no fix was applied.
	Before, After *audit.Domain
	Fixed         []audit.Fix // what was applied, in the order of the rounds
	Left          []Left      // findings without an applied fix, in the order of the document

	fixer *fixer
}

// Changed returns the domain that has another content than before, or nil. No fix is applied to a
// document of several domains, all of which are part of another.
func (d *Document) Changed() *Domain {
	for _, x := range d.Domains {
		if x.After != nil {
			return x
		}
	}
	return nil
}

// Left is a finding that remains.
type Left struct {
	audit.Finding
	Was    audit.Pos // its position before any fix; zero if it was not there, or if nothing was fixed
	Reason string    // why no fix of it was applied: a phrase, without a period
}

// All fixes the findings of outcomes of a run that has ended, but for early ones. It yields one
// result for each, in their order. A document without a finding that can be fixed is not read again.
//
// Every finding of a result counts: the settings of the run select them. Those that are waived or
// in the baseline are not among them.
func All(run *pipeline.Run, outcomes []pipeline.Outcome, o Options) iter.Seq[*Document] {
	each := func(yield func(*pipeline.Outcome) bool) {
		for i := range outcomes {
			if !yield(&outcomes[i]) {
				return
			}
		}
	}
	return audit.Ordered(max(1, o.Jobs), each, func(out *pipeline.Outcome) *Document {
		d := &Document{Document: out.Document()}
		d.Err = d.fix(run, out, o)
		return d
	})
}

// fix fixes the domains of a document.
func (d *Document) fix(run *pipeline.Run, out *pipeline.Outcome, o Options) error {
	var domains []*audit.Domain
	if out.Kind == pipeline.Final && o.fixable(out.Results) {
		var err error
		if domains, err = out.Reload(); err != nil {
			return err
		}
	}
	for i, res := range out.Results {
		f := &fixer{Options: o, run: run, document: d.Document, res: res, first: res}
		if domains != nil {
			f.domain = domains[i]
		}
		x, err := f.fix()
		if err != nil {
			return err
		}
		d.Domains = append(d.Domains, x)
	}
	return nil
}

func (o Options) fixable(results []*audit.Result) bool {
	for _, res := range results {
		for i := range res.Findings {
			if _, ok := o.choose(res, &res.Findings[i]); ok {
				return true
			}
		}
	}
	return false
}

// choose returns the first fix of a finding that may be applied. There is none if the recommended
// one is a decision for a person: reports show that one alone.
func (o Options) choose(res *audit.Result, f *audit.Finding) (audit.Fix, bool) {
	if x, _ := f.Recommended(); x.Safety == audit.Manual || res.Manager.Owns() && !o.Owned {
		return audit.Fix{}, false
	}
	for _, x := range f.Fixes {
		if x.Applicable() && (x.Safety == audit.Safe || o.Unsafe) {
			return x, true
		}
	}
	return audit.Fix{}, false
}

// fixer fixes one domain.
type fixer struct {
	Options
	run      *pipeline.Run
	document *collect.Document
	domain   *audit.Domain // the current version; nil if nothing can be fixed
	res      *audit.Result // of the current version
	first    *audit.Result // of the document as it is
	fixed    []audit.Fix
	tried    map[string]int // the number of applied fixes, by fingerprint of the finding
	edited   bool
}

func (f *fixer) fix() (*Domain, error) {
	d := &Domain{fixer: f}
	before := f.domain
	if before != nil && editable(before) == "" {
		if err := f.rounds(); err != nil {
			return nil, err
		}
	}
	if f.edited && !bytes.Equal(before.Document(), f.domain.Document()) {
		d.Before, d.After, d.Fixed = before, f.domain, f.fixed
	}
	d.Left = f.left()
	return d, nil
}

// rounds applies fixes until no more can be applied.
func (f *fixer) rounds() error {
	f.tried = map[string]int{}
	for range maxRounds {
		fixes, keys := f.next()
		lists := make([][]edit.Edit, len(fixes))
		for i, x := range fixes {
			lists[i] = x.Edits
		}
		if len(lists) == 0 {
			return nil
		}
		out, applied := edit.ApplyAll(f.domain, lists)
		changed := false
		for i, ok := range applied {
			if ok {
				f.fixed = append(f.fixed, fixes[i])
				f.tried[keys[i]]++
				changed = true
			}
		}
		if !changed {
			return nil
		}
		if err := f.judge(out); err != nil {
			return err
		}
		f.edited = true
	}
	return nil
}

// judge makes another version of the document the current one.
func (f *fixer) judge(data []byte) error {
	domains, err := domxml.LoadPart(f.document.Source, domxml.Part{Data: data, Start: f.document.Start})
	if err != nil {
		return err
	}
	next := domains[0]
	next.Origin = f.document.Origin.Merge(next.Origin)
	res, err := f.run.Again(next, f.res)
	if err != nil {
		return err
	}
	f.domain, f.res = next, res
	return nil
}

// next returns the fixes of the next round, and the fingerprints of their findings. A finding that
// is still there after its fix was applied has a defect in its rule: it is not fixed again. Equal
// findings have the same fingerprint, so as many may be fixed as there were.
func (f *fixer) next() (fixes []audit.Fix, keys []string) {
	budget := f.count(f.first)
	for i := range f.res.Findings {
		finding := &f.res.Findings[i]
		x, ok := f.choose(f.res, finding)
		if !ok {
			continue
		}
		key := f.res.Fingerprint(finding)
		if f.tried[key] < max(1, budget[key]) {
			fixes, keys = append(fixes, x), append(keys, key)
		}
	}
	return fixes, keys
}

// count counts the findings by fingerprint.
func (f *fixer) count(res *audit.Result) map[string]int {
	out := map[string]int{}
	for i := range res.Findings {
		out[res.Fingerprint(&res.Findings[i])]++
	}
	return out
}
