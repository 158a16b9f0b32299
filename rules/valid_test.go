package rules

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/testdata/need"
)

// needsLibvirt marks a document that requires a later schema than libvirt 9's, with the first
// release that accepts it. notValid marks a document that the schema rejects and libvirt's reader
// accepts.
var (
	needsLibvirt = regexp.MustCompile(`<!-- needs libvirt (\d+\.\d+): .+ -->`)
	notValid     = regexp.MustCompile(`<!-- not valid: .+ -->`)
)

// TestValid validates every document of the tests with libvirt's own schema. It loads the schema
// once for all of them: virt-xml-validate does the same for one file at a time.
func TestValid(t *testing.T) {
	need.Programs(t, "xmllint", "virt-xml-validate")
	schema := "/usr/share/libvirt/schemas/domain.rng"
	if _, err := os.Stat(schema); err != nil {
		t.Fatalf("libvirt's schema is not installed: %v", err)
	}
	var files, young []string
	for _, pattern := range []string{"../testdata/rules/*/*.xml", "../testdata/rules/*/others/*.xml", "../testdata/noise/*.xml", "../testdata/fleet/*.xml"} {
		found, _ := filepath.Glob(pattern)
		for _, file := range found {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case notValid.Match(data):
			case needsLibvirt.Match(data):
				young = append(young, file)
			default:
				files = append(files, file)
			}
		}
	}
	if len(files) < 100 {
		t.Fatalf("only %d documents", len(files))
	}
	out, err := exec.Command("xmllint", append([]string{"--noout", "--relaxng", schema}, files...)...).CombinedOutput()
	if err != nil {
		for line := range strings.Lines(string(out)) {
			if !strings.HasSuffix(strings.TrimSpace(line), " validates") {
				t.Error(strings.TrimSpace(line))
			}
		}
	}
	t.Logf("%d documents are valid, %d need a newer libvirt than 9.0", len(files), len(young))
	for _, file := range young {
		// One that validates by now carries a comment that is not true.
		if exec.Command("xmllint", "--noout", "--relaxng", schema, file).Run() == nil {
			t.Errorf("%s: the schema here takes it: the comment 'needs libvirt' is stale", file)
		}
	}
}
