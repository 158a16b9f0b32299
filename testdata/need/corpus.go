package need

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"
)

// Corpus returns the directory of real documents that the project measures itself by. It is not part
// of the repository: VIRT_AUDIT_CORPUS names it, and the default is shared/corpus next to the
// checkout. It is "", with the reason in the log, if there is none and under -short.
func Corpus(tb testing.TB) string {
	tb.Helper()
	if testing.Short() {
		tb.Log("the corpus of real documents is not read, as -short is set")
		return ""
	}
	dir := os.Getenv("VIRT_AUDIT_CORPUS")
	if dir == "" {
		dir = filepath.Join(checkout(tb), "..", "shared", "corpus")
	}
	if _, err := os.Stat(dir); err != nil {
		tb.Logf("no corpus of real documents here: %v (set VIRT_AUDIT_CORPUS)", err)
		return ""
	}
	return dir
}

// ValidDocuments returns the files of the corpus that libvirt's schema accepts, or nil if there is no
// Corpus.
func ValidDocuments(tb testing.TB) (files []string) {
	tb.Helper()
	dir := Corpus(tb)
	if dir == "" {
		return nil
	}
	table, err := os.Open(filepath.Join(dir, "domains.tsv"))
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = table.Close() }()
	r := csv.NewReader(table)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	for _, row := range rows[1:] {
		if row[6] == "valid" {
			files = append(files, filepath.Join(dir, "domains", row[0]))
		}
	}
	return files
}

// checkout returns the directory of go.mod.
func checkout(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			tb.Fatal("no go.mod above the directory of the test")
		}
		dir = filepath.Dir(dir)
	}
}
