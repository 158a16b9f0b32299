package differential

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// plainSeeds are the repository's seeds, unchanged.
func plainSeeds(t *testing.T) (list []*seed) {
	t.Helper()
	for _, file := range seedFiles(ownSeeds) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if doc, ok := parse(string(data)); ok && doc.root() != nil && doc.root().name == "domain" {
			list = append(list, &seed{name: file, text: string(data)})
		}
	}
	if len(list) < 200 {
		t.Fatalf("only %d seeds", len(list))
	}
	return list
}

// TestParse checks that each seed is written as it was read, except for the spelling of tags.
func TestParse(t *testing.T) {
	t.Parallel()
	for _, s := range plainSeeds(t) {
		doc, _ := parse(s.text)
		if text := doc.String(); text != canonicalSpelling(doc) {
			t.Errorf("%s: the text that was written reads differently", s.name)
		}
	}
	const exact = `<?xml version='1.0'?><!DOCTYPE a [<!ENTITY e 'x>'>]><a b="1>2" c='"'><!-- <d> --> t &lt; <![CDATA[</a>]]><e/><f></f></a>` + "\n"
	doc, ok := parse(exact)
	if !ok || doc.String() != exact {
		t.Errorf("read and written: %s", doc)
	}
	for _, malformed := range []string{"<a>", "</a>", "<a></b>", "<a", "<a><b></a></b>", "<>"} {
		if _, ok := parse(malformed); ok {
			t.Errorf("%s is taken", malformed)
		}
	}
}

// TestMutations checks that each mutation finds a place in some seed and changes it.
func TestMutations(t *testing.T) {
	t.Parallel()
	seeds := plainSeeds(t)
	names := map[string]bool{}
	for _, k := range mutations {
		if names[k.name] {
			t.Errorf("%s: twice", k.name)
		}
		names[k.name] = true
		if (k.tree == nil) == (k.bytes == nil) {
			t.Errorf("%s: exactly one function must be set", k.name)
			continue
		}
		g := &generator{seed: 1, seeds: seeds, mutations: []mutation{k}}
		changed := 0
		for n := 0; n < 500 && changed < 3; n++ {
			m := g.document(n)
			doc, _ := parse(m.seed.text)
			if len(m.kinds) > 0 && m.text != doc.String() {
				changed++
			}
		}
		if changed < 3 {
			t.Errorf("%s: it has changed %d of 500 documents", k.name, changed)
		}
	}
	if len(names) < 60 {
		t.Errorf("only %d kinds of mutation", len(names))
	}
}

// TestReproducible checks that one seed gives the same documents in any order, and another seed
// gives others.
func TestReproducible(t *testing.T) {
	t.Parallel()
	seeds := plainSeeds(t)
	a, b := &generator{seed: 7, seeds: seeds, mutations: mutations}, &generator{
		seed:  8,
		seeds: seeds, mutations: mutations,
	}
	same := 0
	for n := 99; n >= 0; n-- {
		x, y := a.document(n), a.document(n)
		if x.text != y.text || !slices.Equal(x.kinds, y.kinds) {
			t.Fatalf("document %d is different the second time", n)
		}
		if b.document(n).text == x.text {
			same++
		}
	}
	if same > 5 {
		t.Errorf("%d of 100 documents are the same with another seed", same)
	}
}

func TestShrink(t *testing.T) {
	t.Parallel()
	const text = `<domain type='kvm'><name>web</name><devices><disk type='file'><source file='/etc/shadow' a='1'/></disk><console/></devices></domain>`
	got := shrink(text, 1000, func(text string) bool {
		doc, ok := parse(text)
		if !ok || doc.root() == nil {
			return false
		}
		return slices.ContainsFunc(doc.elements(), func(e *node) bool {
			a := e.attr("file")
			return e.name == "source" && a != nil && strings.Contains(a.value, "shadow")
		})
	})
	if want := `<domain><devices><disk><source file='shadow'/></disk></devices></domain>`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	calls := 0
	shrink(text, 20, func(string) bool { calls++; return false })
	if calls > 20 {
		t.Errorf("%d documents tried, 20 allowed", calls)
	}
}

// TestAcceptances checks that rows are narrow: none may accept a difference that decides the
// verdict.
func TestAcceptances(t *testing.T) {
	t.Parallel()
	for _, a := range acceptances {
		if a.name == "" || a.reason == "" || len(a.dims) == 0 || len(a.rules) == 0 && !slices.Equal(a.dims,
			[]dimension{untrue}) {
			t.Errorf("%q: name, reason, dimensions and rules must be set", a.name)
		}
	}
	for _, dim := range gravest {
		c := &occurrence{difference: difference{dim: dim, rule: "document-unknown-element"}}
		accepted := explain(c, 9_000_000) != nil
		if accepted != (dim == extra) {
			t.Errorf("%s of document-unknown-element: accepted %v", dim, accepted)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for _, dim := range []dimension{panics, unread, faulted, inType, inOS, inArch, inMachine, inVerdict} {
		for range 10 {
			rule := acceptances[r.IntN(len(acceptances))].rules[0]
			if explain(&occurrence{difference: difference{dim: dim, rule: rule}},
				9_000_000) != nil {
				t.Errorf("%s is accepted", dim)
			}
		}
	}
}
