package house

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// commandImport matches the packages that main.go calls for a command: "hook.New()".
var commandImport = regexp.MustCompile(`(\w+)\.(?:New|Explain)\(\)`)

// TestWalls requires a row of depguard for the package of each command, which no other command may
// import: without one, the linter allows it.
func TestWalls(t *testing.T) {
	main, err := os.ReadFile("../../cmd/virt-audit/main.go")
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile("../../.golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(string(config), "\n        commands:\n")
	rows, _, _ = strings.Cut(rows, "\n        cmdutil:\n")
	commands := commandImport.FindAllStringSubmatch(string(main), -1)
	if len(commands) < 9 {
		t.Fatalf("only %d commands in main.go", len(commands))
	}
	for _, c := range commands {
		if !strings.Contains(rows, "cmd/virt-audit/internal/"+c[1]+",") {
			t.Errorf("%s has no row in the rule \"commands\" of .golangci.yml", c[1])
		}
	}
}
