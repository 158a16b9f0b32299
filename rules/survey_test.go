package rules

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
)

// TestSurvey fills an index from whole domains and from surveyed ones: they must be the same.
func TestSurvey(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../testdata/rules/*/*.xml", "../testdata/noise/*.xml", "../testdata/fleet/*.xml"} {
		found, _ := filepath.Glob(pattern)
		files = append(files, found...)
	}
	if dir := os.Getenv("VIRT_AUDIT_CORPUS"); dir != "" {
		found, _ := filepath.Glob(filepath.Join(dir, "domains/*/*.xml"))
		files = append(files, found...)
	}
	cfg := &audit.Config{}
	whole, surveyed := audit.NewIndex(), audit.NewIndex()
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a, err := audit.LoadAll(file, data)
		if err != nil {
			continue
		}
		b, err := audit.Survey(file, data)
		if err != nil {
			t.Fatal(err)
		}
		for i := range a {
			whole.Add(a[i], cfg, Indexers()...)
			surveyed.Add(b[i], cfg, Indexers()...)
		}
	}
	whole.Freeze()
	surveyed.Freeze()
	if !reflect.DeepEqual(whole, surveyed) {
		t.Error("a survey misses what an indexer looks at")
	}
}
