package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/testdata/need"
)

// everyResult calls visit with the findings of every rule in the available documents: the fixtures,
// each with its host and the other guests of its run, the fleet, guests of common tools and, if
// present, the corpus.
func everyResult(t *testing.T, visit func(file string, res *audit.Result)) {
	t.Helper()
	all := All()
	files, _ := filepath.Glob(filepath.Join(fixtures, "*", "*.xml"))
	for _, file := range files {
		others, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "other*.xml"))
		if !strings.HasPrefix(filepath.Base(file), "other") {
			visit(file, filesTogether(t, settingsOf(t, file, all), append([]string{file}, others...)...)[file])
		}
	}
	fleet, _ := filepath.Glob("../testdata/fleet/*.xml")
	for file, res := range filesTogether(t, settingsOf(t, "../testdata/fleet/", all), fleet...) {
		visit(file, res)
	}
	noise, _ := filepath.Glob("../testdata/noise/*.xml")
	if len(files) < 300 || len(fleet) < 10 || len(noise) < 6 {
		t.Fatalf("%d fixtures, %d fleet guests, %d common ones", len(files), len(fleet), len(noise))
	}
	var documents []string
	if corpus := need.Corpus(t); corpus != "" {
		documents, _ = filepath.Glob(filepath.Join(corpus, "domains", "*.xml"))
	}
	for _, file := range append(noise, documents...) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := domxml.Load(file, data)
		if err != nil {
			continue // the corpus has documents that libvirt refuses
		}
		visit(file, audit.Run(d, &audit.Settings{Rules: all}))
	}
}

// unplaced matches the parts of messages that a fingerprint does not distinguish: numbers, places
// in other documents and the source of a setting.
var unplaced = regexp.MustCompile(` ?\([^)]*\)|by (libvirt's default|qemu\.conf:[0-9]+ \w+)|[0-9]+`)

// oneMeaning are rules whose messages differ under one fingerprint on purpose, with the reason.
var oneMeaning = map[string]string{
	"boundary-arch-host-mismatch": "how the host's architecture became known makes no difference",
	"confinement-no-mac-host":     "nor does why libvirt uses neither SELinux nor AppArmor",
	"waiver-misplaced":            "nor does which of the wrong places a waiver is in",
}

// TestOneMeaning detects rules that report different problems under one fingerprint, and so require
// keys: a baseline with the first finding would hide the second. The test also compares documents
// with each other: many fixtures are the same guest on hosts with different known facts.
func TestOneMeaning(t *testing.T) {
	reported := map[string]bool{}
	for id := range oneMeaning {
		if !known(id) {
			t.Errorf("there is no rule %s", id)
		}
		reported[id] = true
	}
	said := map[string]string{}
	everyResult(t, func(file string, res *audit.Result) {
		for i := range res.Findings {
			f := &res.Findings[i]
			id, message := res.Fingerprint(f), unplaced.ReplaceAllString(f.Message, "")
			switch first, again := said[id]; {
			case !again:
				said[id] = message
			case first != message && !reported[f.Rule.ID]:
				reported[f.Rule.ID] = true
				t.Errorf("%s: %s: one fingerprint for\n\t%s\n\t%s", file, f.Rule.ID, first, message)
			}
		}
	})
}

// keyForm is the form of a key: words with dashes, unlike a message.
var keyForm = regexp.MustCompile(`^([a-z0-9]+(-[a-z0-9]+)*)?$`)

// TestReworded rewords every message. No fingerprint may change.
func TestReworded(t *testing.T) {
	n := 0
	everyResult(t, func(file string, res *audit.Result) {
		for i := range res.Findings {
			f := &res.Findings[i]
			if !keyForm.MatchString(f.Key) {
				t.Errorf("%s: %s: key %q", file, f.Rule.ID, f.Key)
			}
			was := res.Fingerprint(f)
			f.Message = "other words"
			if is := res.Fingerprint(f); is != was {
				t.Errorf("%s: %s: the fingerprint depends on the message", file, f.Rule.ID)
			}
			n++
		}
	})
	if n < 1000 {
		t.Errorf("only %d findings", n)
	}
}

// TestKeyForm checks the keys in the source code, whether a document reaches them or not. Data next
// to them must not be text.
func TestKeyForm(t *testing.T) {
	files, _ := filepath.Glob("*.go")
	local, _ := filepath.Glob("local/*.go")
	keys := 0
	for _, file := range append(files, local...) {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if method, ok := call.Fun.(*ast.SelectorExpr); !ok || method.Sel.Name != "Key" {
				return true
			}
			for _, arg := range call.Args {
				if literal, ok := arg.(*ast.BasicLit); ok {
					keys++
					if text, _ := strconv.Unquote(literal.Value); text == "" || !keyForm.MatchString(text) {
						t.Errorf("%s: key %s", file, literal.Value)
					}
				}
			}
			return true
		})
	}
	if keys < 80 {
		t.Errorf("only %d keys", keys)
	}
}
