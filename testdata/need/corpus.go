package need

import (
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
