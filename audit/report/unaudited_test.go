package report

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestUnauditedPage wants the address of what is said of no finding to lead somewhere.
func TestUnauditedPage(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	address, anchor, _ := strings.Cut(unauditedPage, "#")
	heading := regexp.MustCompile("(?im)^#+ " + strings.ReplaceAll(anchor, "-", " ") + "$").FindIndex(text)
	if heading == nil || !strings.HasSuffix(address, "/blob/main/README.md") {
		t.Fatalf("nothing is at %s", unauditedPage)
	}
	section, _, _ := strings.Cut(string(text[heading[1]:]), "\n#")
	for _, r := range unaudited {
		if !strings.Contains(section, "`"+r.ID+"`") {
			t.Errorf("the section does not name %s", r.ID)
		}
	}
}
