package differential

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// report writes the tables of a run.
func (r *run) report(w io.Writer) {
	fmt.Fprintf(w, "libvirt %d.%d.%d, %d seeds\n", r.version/1_000_000, r.version/1000%1000,
		r.version%1000, len(r.seeds))
	libvirtOnly := 0
	for _, n := range r.libvirtOnly {
		libvirtOnly += n
	}
	differ := 0
	for _, k := range r.kinds {
		differ += k.count
	}
	for _, row := range []struct {
		words string
		n     int
	}{
		{"documents", r.documents},
		{"libvirt takes", libvirtOnly + r.both},
		{"virt-audit reads", r.oursOnly + r.both},
		{"both", r.both},
		{"libvirt only", libvirtOnly},
		{"virt-audit only", r.oursOnly},
		{"neither", r.neither},
		{"libvirtd crashed or hung", len(r.crashed)},
		{"unexplained differences", differ},
		{"kinds of them", len(r.kinds)},
		{"documents/s", int(float64(r.documents) / r.elapsed.Seconds())},
	} {
		fmt.Fprintf(w, "%8d  %s\n", row.n, row.words)
	}
	counts(w, "libvirt takes and virt-audit refuses, by reason", r.libvirtOnly)
	counts(w, "differences of the seeds' own pairs (seeds that have it)", r.own)
	fmt.Fprintf(w, "\naccepted differences\n")
	for i := range acceptances {
		a := &acceptances[i]
		fmt.Fprintf(w, "%8d  %s: %s\n", r.accepted[a], a.name, a.reason)
	}
	fmt.Fprintf(w,
		"\nmutations: documents, taken by libvirt, by both, with an unexplained difference\n")
	for _, m := range mutations {
		if c := r.mutations[m.name]; c != nil {
			fmt.Fprintf(w, "%8d %7d %7d %7d  %s\n", c.documents, c.libvirt, c.both, c.differ,
				m.name)
		}
	}
	for _, m := range r.crashed {
		fmt.Fprintf(w, "\nlibvirtd crashed or hung: document %d, %s of %s\n", m.number,
			strings.Join(m.kinds, " + "), m.seed.name)
	}
	fmt.Fprintf(w, "\nunexplained differences: documents, kind, mutations\n")
	for _, k := range r.sorted() {
		fmt.Fprintf(w, "%8d  %s\n          first: %d; %s\n", k.count, k.name, k.example.number,
			strings.Join(k.by(), ", "))
	}
}

// by are the mutations that made the kind most often.
func (k *kind) by() (list []string) {
	names := slices.SortedFunc(maps.Keys(k.mutations), func(a, b string) int {
		return cmp.Or(cmp.Compare(k.mutations[b], k.mutations[a]), cmp.Compare(a, b))
	})
	for _, n := range names[:min(5, len(names))] {
		list = append(list, fmt.Sprintf("%s (%d)", n, k.mutations[n]))
	}
	return list
}

func counts(w io.Writer, title string, table map[string]int) {
	fmt.Fprintf(w, "\n%s\n", title)
	for _, k := range slices.SortedFunc(maps.Keys(table), func(a, b string) int {
		return cmp.Or(cmp.Compare(table[b], table[a]), cmp.Compare(a, b))
	}) {
		fmt.Fprintf(w, "%8d  %s\n", table[k], k)
	}
}

// write puts the minimised documents into a directory, with both readings beside them.
func (r *run) write(dir string, kinds []*kind) error {
	d := r.daemons[0]
	for i, k := range kinds {
		dump, refusal, err := d.define(k.minimal)
		if err != nil {
			return err
		}
		if refusal != nil {
			dump = refusal.Error()
		}
		ours, theirs, _ := d.compare(k.minimal, dump)
		var b strings.Builder
		fmt.Fprintf(&b, "%s\n%d times; by %s\nexample: document %d, %s of %s\n\n", k.name, k.count,
			strings.Join(k.by(), ", "), k.example.number, strings.Join(k.example.kinds,
				" + "), k.example.seed.name)
		fmt.Fprintf(&b, "the document:\n%s\nwhat libvirt kept:\n%s", &ours, &theirs)
		name := filepath.Join(dir, fmt.Sprintf("%03d-%s", i+1, slug(k.name)))
		for suffix, text := range map[string]string{
			".xml": k.minimal, ".full.xml": k.example.text,
			".dump.xml": dump, ".txt": b.String(),
		} {
			if err := os.WriteFile(name+suffix, []byte(text), 0o600); err != nil {
				return err
			}
		}
	}
	for _, m := range r.crashed {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("crash-%d.xml", m.number)),
			[]byte(m.text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
