package house

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/testdata/need"
)

// racedElsewhere are packages with code for several goroutines that a test of another package runs
// with the race detector.
var racedElsewhere = map[string]string{
	"audit/fleet":                     "audit.TestIndexParallel",
	"cmd/virt-audit/internal/cmdutil": "cmd/virt-audit.TestEnded",
	"rules":                           "cmd/virt-audit.TestStable",
}

// TestPasses requires that "make test" runs each test exactly once, and at least one test of each
// package of the product with code for several goroutines with the race detector.
func TestPasses(t *testing.T) {
	need.Full(t, "make")
	dry := exec.Command("make", "-n", "test")
	dry.Dir, dry.Env = "../..", append(os.Environ(), "MAKEFLAGS=")
	out, err := dry.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	packages, err := testsOf("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range misplaced(passesOf(string(out)), packages, racedElsewhere) {
		t.Error(fault)
	}
}

// TestMisplaced proves that each kind of fault is found.
func TestMisplaced(t *testing.T) {
	const script = `go vet ./...
( code=0; \
	go test -count=1 ./packaging || code=1; \
	exit $code ) & others=$!; \
go test -count=1 -skip='^(TestRaced|TestMissing)$' -coverprofile=$profile github.com/virt-audit/virt-audit/one ./two || code=1; \
go test -race -run='^(TestRaced|TestMissing)$' ./one
wait $others`
	packages := map[string]*tests{
		"one":       {names: []string{"TestPlain", "TestRaced"}, concurrent: "one/a.go starts a goroutine"},
		"two":       {names: []string{"FuzzPlain", "TestRaced"}, concurrent: "two/a.go starts a goroutine"},
		"three":     {names: []string{"TestPlain"}},
		"four":      {},
		"packaging": {names: []string{"TestPlain"}},
	}
	got := misplaced(passesOf(script), packages, map[string]string{"four": "one.TestPlain"})
	want := []string{
		"four: no code is for several goroutines: delete the row of racedElsewhere",
		"make test runs TestPlain of three 0 times",
		"make test runs TestRaced of two 0 times",
		"two: two/a.go starts a goroutine, and no test runs with the race detector: see RACED in the Makefile",
		"the Makefile names TestMissing, which does not exist",
	}
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("faults\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	packages["four"].concurrent = "four/a.go starts a goroutine"
	if got := misplaced(passesOf(script), packages, map[string]string{"four": "one.TestPlain"}); !slices.Contains(got, "four: one.TestPlain does not run with the race detector") {
		t.Errorf("faults %q", got)
	}
}

// pass is one "go test" of a script.
type pass struct {
	packages  []string // directories
	run, skip *regexp.Regexp
	race      bool
}

// passesOf returns what a script of the shell tests.
func passesOf(script string) (passes []pass) {
	script = strings.ReplaceAll(script, "\\\n", " ")
	for command := range strings.FieldsFuncSeq(script, func(r rune) bool { return r == '\n' || r == ';' || r == '&' }) {
		arguments, ok := strings.CutPrefix(strings.TrimSpace(command), "go test ")
		if !ok {
			continue
		}
		var p pass
		for argument := range strings.FieldsSeq(arguments) {
			name, value, _ := strings.Cut(argument, "=")
			switch name {
			case "-race":
				p.race = true
			case "-run":
				p.run = regexp.MustCompile(strings.Trim(value, "'"))
			case "-skip":
				p.skip = regexp.MustCompile(strings.Trim(value, "'"))
			case "||":
			default:
				if dir, ok := strings.CutPrefix(strings.TrimPrefix(argument, module), "./"); ok || dir != argument {
					p.packages = append(p.packages, dir)
				}
			}
		}
		passes = append(passes, p)
	}
	return passes
}

func (p pass) runs(dir, test string) bool {
	return slices.Contains(p.packages, dir) && (p.run == nil || p.run.MatchString(test)) && (p.skip == nil || !p.skip.MatchString(test))
}

// misplaced returns the tests that do not run once, and the packages with code for several goroutines
// without a test that runs with the race detector, sorted.
func misplaced(passes []pass, packages map[string]*tests, elsewhere map[string]string) (faults []string) {
	raced := map[string]bool{} // "DIRECTORY" and "DIRECTORY.TEST"
	exists := map[string]bool{}
	for dir, p := range packages {
		for _, test := range p.names {
			exists[test] = true
			times := 0
			for _, pass := range passes {
				if pass.runs(dir, test) {
					times++
					raced[dir], raced[dir+"."+test] = raced[dir] || pass.race, pass.race
				}
			}
			if times != 1 {
				faults = append(faults, fmt.Sprintf("make test runs %s of %s %d times", test, dir, times))
			}
		}
	}
	for dir, p := range packages {
		test, listed := elsewhere[dir]
		switch {
		case p.concurrent == "" && listed:
			faults = append(faults, dir+": no code is for several goroutines: delete the row of racedElsewhere")
		case p.concurrent == "" || strings.HasPrefix(dir, "testdata/"): // not part of the product
		case listed && !raced[test]:
			faults = append(faults, dir+": "+test+" does not run with the race detector")
		case !listed && !raced[dir]:
			faults = append(faults, dir+": "+p.concurrent+", and no test runs with the race detector: see RACED in the Makefile")
		}
	}
	for _, p := range passes {
		if p.run == nil {
			continue
		}
		for _, name := range word.FindAllString(p.run.String(), -1) {
			if !exists[name] {
				faults = append(faults, "the Makefile names "+name+", which does not exist")
			}
		}
	}
	slices.Sort(faults)
	return faults
}
