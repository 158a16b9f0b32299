package differential

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	documents  = flag.Int("documents", 2000, "how many documents are compared")
	randomSeed = flag.Uint64("seed", 1, "the seed of the random numbers")
	root       = flag.String("root", "",
		"a directory with another libvirt and QEMU, as root.sh makes it")
	out = flag.String("out", "",
		"where a document goes for each kind of difference; a temporary directory by default")
	withCorpus = flag.Bool("corpus", false,
		"use the documents of the corpus as seeds too, where it is available")
	minimised   = flag.Int("minimise", 10, "how many kinds of difference are minimised")
	budget      = flag.Int("budget", 800, "how many documents are tried to minimise one")
	onlyKinds   = flag.String("mutations", "", "a regular expression: the mutations that are used")
	workers     = flag.Int("daemons", 2, "how many libvirtd run at a time")
	showReports = flag.Bool("table", false, "print the tables, also where nothing differs")
)

func TestDifferential(t *testing.T) {
	r := newRun()
	names := &machines{names: map[machineKey]string{}}
	for range *workers {
		r.daemons = append(r.daemons, startDaemon(t, *root, names))
	}
	if !r.daemons[0].KVM {
		t.Log("the kernel has no KVM that libvirtd could use: guests of type kvm are made into type qemu")
	}
	var err error
	if r.version, err = r.daemons[0].version(); err != nil {
		t.Fatal(err)
	}
	files := seedFiles(ownSeeds)
	if *withCorpus {
		files = append(files, seedFiles(corpusSeeds)...)
	}
	r.load(t, files)
	if len(r.seeds) < 100 {
		t.Fatalf("libvirt takes only %d seeds", len(r.seeds))
	}
	g := &generator{seed: *randomSeed, seeds: r.seeds, mutations: chosen(t)}
	r.compare(t, g, *documents)
	kinds := r.sorted()
	kinds = kinds[:min(len(kinds), *minimised)]
	r.minimise(t, kinds, *budget)

	dir := *out
	if dir == "" && len(kinds) > 0 {
		dir, err = os.MkdirTemp("", "differential") //nolint:usetesting // it is there to be looked at
		if err != nil {
			t.Fatal(err)
		}
	}
	if dir != "" {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := r.write(dir, kinds); err != nil {
			t.Fatal(err)
		}
	}
	var table strings.Builder
	r.report(&table)
	if dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "table.txt"), []byte(table.String()),
			0o600); err != nil {
			t.Fatal(err)
		}
	}
	if *showReports || len(r.kinds) > 0 {
		t.Log("\n" + table.String())
	}
	if len(r.kinds) > 0 {
		t.Errorf("%d kinds of unexplained differences; minimised documents are in %s", len(r.kinds),
			dir)
	}
}

func chosen(t *testing.T) []mutation {
	t.Helper()
	if *onlyKinds == "" {
		return mutations
	}
	pattern, err := regexp.Compile(*onlyKinds)
	if err != nil {
		t.Fatal(err)
	}
	list := slices.DeleteFunc(slices.Clone(mutations), func(m mutation) bool {
		return !pattern.MatchString(m.name)
	})
	if len(list) == 0 {
		t.Fatalf("no mutation matches %s", *onlyKinds)
	}
	return list
}
