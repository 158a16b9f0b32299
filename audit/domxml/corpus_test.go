package domxml_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// corpus returns the directory of real documents; without one it skips the test.
func corpus(t *testing.T) string {
	t.Helper()
	dir := need.Corpus(t)
	if dir == "" {
		t.SkipNow()
	}
	return dir
}

// TestCorpus loads every real document. What libvirt's schema accepts must load, and the target
// must be the one in the corpus' own table.
func TestCorpus(t *testing.T) {
	dir := corpus(t)
	f, err := os.Open(filepath.Join(dir, "domains.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	loaded, dropped := 0, 0
	for _, row := range rows[1:] {
		file, want, valid := row[0], domxml.Target{Type: row[1], OS: row[2], Arch: row[3], Machine: row[4]}, row[6] == "valid"
		data, err := os.ReadFile(filepath.Join(dir, "domains", file))
		if err != nil {
			t.Fatal(err)
		}
		d, err := domxml.Load(file, data)
		if err != nil {
			if valid {
				t.Errorf("%v", err)
			}
			continue
		}
		loaded++
		if valid && d.Target != want {
			t.Errorf("%s: %+v, want %+v", file, d.Target, want)
		}
		for _, e := range d.Dropped {
			dropped++
			if valid {
				t.Errorf("%s:%d: <%s> dropped: %s", file, d.DroppedPos(e).Line, e.Name, e.Reason)
			}
		}
	}
	t.Logf("%d documents, %d loaded, %d elements dropped in invalid ones", len(rows)-1, loaded, dropped)
}
