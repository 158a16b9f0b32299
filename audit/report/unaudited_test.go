package report

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestUnauditedPage requires the page of unaudited inputs to be a section of the README.
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

// TestNothingAudited requires every format to report a run without a guest as a failure. An
// unreadable input is reported instead, if there is one.
func TestNothingAudited(t *testing.T) {
	o := options()
	o.Arguments = []string{"guests/empty", "more"}
	got := readSARIF(t, render(t, "sarif", o, nil, nil, nil))
	call := got.Invocations[0]
	if *call.ExecutionSuccessful || len(call.ToolExecutionNotifications) != 1 || len(got.Results) != 1 || *got.Results[0].RuleID != "nothing-audited" ||
		got.Results[0].Level != "error" || *got.Results[0].Locations[0].PhysicalLocation.ArtifactLocation.URI != "guests/empty" {
		t.Errorf("SARIF: %+v", got.Results)
	}
	entries := readGitLab(t, render(t, "gitlab", o, nil, nil, nil))
	if len(entries) != 1 || entries[0].Severity != "blocker" || entries[0].Location.Path != "guests/empty" || entries[0].Description != "no guest was audited" {
		t.Errorf("GitLab: %+v", entries)
	}
	all := suites(t, render(t, "junit", o, nil, nil, nil)).Suites
	if last := all[len(all)-1]; last.Errors != 1 || last.Cases[0].Error == nil || last.Cases[0].Error.Message != "no guest was audited" {
		t.Errorf("JUnit: %+v", all)
	}
	annotations, plain := commands(render(t, "github", o, nil, nil, nil))
	if len(annotations) != 1 || annotations[0].name != "error" || plain[0] != "no guest was audited" || !strings.HasPrefix(plain[len(plain)-1], "annotations: 1 error,") {
		t.Errorf("GitHub: %v, %q", annotations, plain)
	}
	if at := readSARIF(t, render(t, "sarif", options(), nil, nil, nil)).Results[0].Locations[0].PhysicalLocation; *at.ArtifactLocation.URI != "." {
		t.Errorf("without an argument: %s", *at.ArtifactLocation.URI)
	}
	unread := problems()[:1]
	if n := len(readSARIF(t, render(t, "sarif", o, nil, nil, unread)).Results); n != 1 {
		t.Errorf("SARIF: %d results for what could not be read", n)
	}
	if n := len(readGitLab(t, render(t, "gitlab", o, nil, nil, unread))); n != 1 {
		t.Errorf("GitLab: %d entries for what could not be read", n)
	}
	if all := suites(t, render(t, "junit", o, nil, nil, unread)).Suites; len(all) != 2 || all[1].Tests != 1 {
		t.Errorf("JUnit: %d suites for what could not be read", len(all))
	}
	if all, _ := commands(render(t, "github", o, nil, nil, unread)); len(all) != 1 {
		t.Errorf("GitHub: %d annotations for what could not be read", len(all))
	}
}
