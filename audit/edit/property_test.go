package edit_test

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/edit"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// documents returns the rules' fixtures and every fifth real document, without those that cannot be
// edited.
func documents(t *testing.T) []*domxml.Domain {
	t.Helper()
	var out []*domxml.Domain
	for dir, each := range map[string]int{"../../testdata/rules": 1, need.Corpus(t): 5} {
		if dir == "" {
			continue
		}
		n := 0
		err := filepath.WalkDir(dir, func(file string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(file) != ".xml" {
				return err
			}
			if n++; n%each > 0 {
				return nil
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if d, err := domxml.Load(file, data); err == nil && !d.Wrapped() {
				out = append(out, d)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(out) < 200 {
		t.Fatalf("%d documents", len(out))
	}
	slices.SortFunc(out, func(a, b *domxml.Domain) int { return strings.Compare(a.Source, b.Source) })
	return out
}

// randomEdit returns an edit at an element of the document, or near one.
func randomEdit(rng *rand.Rand, elements []domxml.Element) edit.Edit {
	e := elements[rng.IntN(len(elements))]
	var names []string
	for name := range e.Attributes {
		names = append(names, string(name))
	}
	name := "va-new"
	if len(names) > 0 && rng.IntN(4) > 0 {
		name = names[rng.IntN(len(names))]
	}
	value := []string{"1", "yes", "a'b\"c<&>\té\n", "", "kvm", " x "}[rng.IntN(6)]
	switch rng.IntN(8) {
	case 0, 1:
		return edit.Set(e.Path().Attr(name), value)
	case 2:
		return edit.Remove(e.Path().Attr(name))
	case 3:
		return edit.Set(e.Path(), value)
	case 4:
		return edit.Remove(e.Path())
	case 5:
		return edit.Replace(e.Path(), "<"+e.Name+" va='1'><va-b/></"+e.Name+">")
	case 6:
		return edit.Set(e.Path().Elem("va-a/va-b").Attr("c"), value)
	}
	known := []string{"<va-new><va-b x='1'>t</va-b><va-c/></va-new>", "<boot order='1'/>", "<feature name='x'/>", "<input type='mouse'/>", "<source file='/x'/>"}
	return edit.Insert(e.Path(), known[rng.IntN(len(known))])
}

// visible reports whether a new document has what an edit demands. It knows only paths, and is right
// for one edit.
func visible(before, after *domxml.Domain, e edit.Edit) bool {
	if name := e.At.Attribute(); name != "" {
		value, ok := after.Attr(e.At)
		return ok == (e.Op == edit.OpSet) && (!ok || value == e.Text)
	}
	switch e.Op {
	case edit.OpRemove:
		return size(after) < size(before)
	case edit.OpSet:
		text, ok := after.Text(e.At)
		return ok && text == e.Text
	case edit.OpInsert:
		name := e.Text[1:strings.IndexAny(e.Text, " />")]
		return after.Count(e.At, name) == before.Count(e.At, name)+1
	case edit.OpReplace:
		_, ok := after.Attr(e.At.Attr("va"))
		if e.At == domxml.At("metadata") {
			return ok // what is in it has no path
		}
		return ok && after.Has(e.At.Elem("va-b"))
	}
	return false
}

// size returns the number of elements.
func size(d *domxml.Domain) (n int) {
	for range d.Elements() {
		n++
	}
	return n
}

// checkEdits applies edits and requires that only their ranges change. It reports whether they could
// be applied.
func checkEdits(t *testing.T, d *domxml.Domain, edits []edit.Edit) ([]byte, bool) {
	t.Helper()
	list, rangesErr := edit.Ranges(d, edits)
	out, err := edit.Apply(d, edits)
	if err != nil {
		return nil, false
	}
	var b bytes.Buffer
	from := 0
	src := d.Document()
	for _, r := range list {
		if r.Start < from || r.End < r.Start {
			t.Fatalf("%s: %v: ranges overlap at %d", d.Source, edits, r.Start)
		}
		b.Write(src[from:r.Start])
		b.WriteString(r.Text)
		from = r.End
	}
	b.Write(src[from:])
	if rangesErr != nil || !bytes.Equal(b.Bytes(), out) {
		t.Fatalf("%s: %v: %v, ranges differ from the result\n%s", d.Source, edits, rangesErr, out)
	}
	after, err := domxml.Load(d.Source, out)
	if err != nil {
		t.Fatalf("%s: %v: %v", d.Source, edits, err)
	}
	if len(edits) == 1 && !visible(d, after, edits[0]) {
		t.Fatalf("%s: %v %q is not visible in\n%s", d.Source, edits, edits[0].Text, out)
	}
	return out, true
}

// TestRandomEdits makes random edits of all documents, one at a time and several at once.
func TestRandomEdits(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	applied, refused, together := map[edit.Op]int{}, map[edit.Op]int{}, 0
	for _, d := range documents(t) {
		elements := slices.Collect(d.Elements())
		for range 4 {
			e := randomEdit(rng, elements)
			if _, ok := checkEdits(t, d, []edit.Edit{e}); ok {
				applied[e.Op]++
			} else {
				refused[e.Op]++
			}
		}
		var lists [][]edit.Edit
		for range 8 {
			lists = append(lists, []edit.Edit{randomEdit(rng, elements)})
		}
		out, done := edit.ApplyAll(d, lists)
		var edits []edit.Edit
		for i, ok := range done {
			if ok {
				edits = append(edits, lists[i]...)
			}
		}
		if same, ok := checkEdits(t, d, edits); !ok || !bytes.Equal(same, out) {
			t.Fatalf("%s: %v: ApplyAll makes\n%s\nand Apply\n%s", d.Source, edits, out, same)
		}
		together += len(edits)
	}
	t.Logf("applied %v, refused %v, %d together", applied, refused, together)
	for _, op := range []edit.Op{edit.OpSet, edit.OpInsert, edit.OpReplace, edit.OpRemove} {
		if applied[op] < 20 {
			t.Errorf("%s: %d applied, %d refused", op, applied[op], refused[op])
		}
	}
}

// TestThereAndBack sets a value and sets the old one, and adds something and removes it: the result
// is the document.
func TestThereAndBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	done := 0
	for _, d := range documents(t) {
		elements := slices.Collect(d.Elements())
		for range 4 {
			e := elements[rng.IntN(len(elements))]
			there, back := edit.Set(e.Path().Attr("va-new"), "1"), edit.Remove(e.Path().Attr("va-new"))
			children := len(slices.Collect(e.All()))
			switch {
			case rng.IntN(2) == 0 && e.Depth > 1:
				for name, at := range e.AttributeSpans() {
					quoted := string(d.Document()[at.Start:at.End])
					quote := quoted[len(quoted)-1:]
					old, _ := e.Attr(string(name))
					if path := e.Path().Attr(string(name)); !strings.HasPrefix(string(name), "xmlns") && strings.HasSuffix(quoted, quote+domxml.Escape(old, quote)+quote) {
						there, back = edit.Set(path, old+"1"), edit.Set(path, old)
					}
				}
			case children > 0 && e.Name != "metadata" && len(d.Dropped) == 0: // text between elements has no line
				there, back = edit.Insert(e.Path(), "<va-new><a/></va-new>"), edit.Remove(e.Path().Elem("va-new"))
			}
			out, ok := checkEdits(t, d, []edit.Edit{there})
			if !ok {
				continue
			}
			done++
			after, err := domxml.Load(d.Source, out)
			if err != nil {
				t.Fatal(err)
			}
			if again, ok := checkEdits(t, after, []edit.Edit{back}); !ok || !bytes.Equal(again, d.Document()) {
				t.Errorf("%s: %v, then %v, makes\n%s", d.Source, there, back, edit.Diff("a", d.Document(), again))
			}
		}
	}
	if done < 300 {
		t.Errorf("only %d", done)
	}
}

// FuzzApply edits arbitrary documents at random.
func FuzzApply(f *testing.F) {
	f.Add([]byte(guest), uint64(1))
	for _, test := range made {
		f.Add([]byte(test.before), uint64(2))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		d, err := domxml.Load("fuzz.xml", data)
		if err != nil {
			return
		}
		rng := rand.New(rand.NewPCG(seed, 7))
		elements := slices.Collect(d.Elements())
		var all []edit.Edit
		for range 1 + rng.IntN(6) {
			e := randomEdit(rng, elements)
			checkEdits(t, d, []edit.Edit{e})
			all = append(all, e)
		}
		checkEdits(t, d, all)
		edit.ApplyAll(d, [][]edit.Edit{all, all[:1], all[1:]})
	})
}

// TestLargeEdits makes 30,000 edits of a document on one line. Were the time to grow with the square
// of either, it would not end.
func TestLargeEdits(t *testing.T) {
	const n = 10_000
	disk := "<disk type='file'><driver name='qemu'/><!-- d --></disk> "
	d := load(t, "<domain type='kvm'><devices>"+strings.Repeat(disk, n)+"</devices><cpu></cpu></domain>")
	var lists [][]edit.Edit
	for path := range domxml.Each("devices/disk", d.Devices.Disks) {
		lists = append(lists, []edit.Edit{edit.Set(path.Elem("driver").Attr("cache"), "none")}, []edit.Edit{edit.Insert(path, "<readonly/>")},
			[]edit.Edit{edit.Insert(domxml.At("cpu"), "<feature name='"+path.String()+"'/>"), edit.Set(domxml.At("cpu").Attr("a"+path.String()[13:len(path.String())-1]), "x")})
	}
	out, applied := edit.ApplyAll(d, lists)
	if slices.Contains(applied, false) {
		t.Error("not all are applied")
	}
	if got := strings.Count(string(out), " cache='none'/><readonly/><!-- d --></disk>"); got != n {
		t.Errorf("%d of the disks", got)
	}
	if got := strings.Count(string(out), "<feature name="); got != n {
		t.Errorf("%d features", got)
	}
}
