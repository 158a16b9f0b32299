package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// module is the prefix of the packages' import paths.
const module = "github.com/virt-audit/virt-audit/"

// word is the name of a test in an expression that selects tests.
var word = regexp.MustCompile(`\w+`)

// tests are those of a package.
type tests struct {
	names      []string
	concurrent string // which code is for several goroutines, or ""
}

// testsOf returns the packages below a root, by directory.
func testsOf(root string) (map[string]*tests, error) {
	packages := map[string]*tests{}
	files := token.NewFileSet()
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, file)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name != "testdata" && entry.Name() == "testdata" || name != "." && strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case filepath.Ext(file) != ".go":
			return nil
		}
		tree, err := parser.ParseFile(files, file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(name))
		if packages[dir] == nil {
			packages[dir] = &tests{}
		}
		packages[dir].add(name, tree)
		return nil
	})
	return packages, err
}

func (t *tests) add(name string, file *ast.File) {
	inTest := strings.HasSuffix(name, "_test.go")
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			is := func(prefix string) bool { return strings.HasPrefix(n.Name.Name, prefix) }
			if inTest && n.Recv == nil && n.Name.Name != "TestMain" && (is("Test") || is("Fuzz")) {
				t.names = append(t.names, n.Name.Name)
			}
		case *ast.GoStmt:
			t.concurrent = name + " starts a goroutine"
		case *ast.SelectorExpr:
			// Of sync, OnceValue and the like need no care by the code that uses them.
			if x, ok := n.X.(*ast.Ident); ok && !inTest && (x.Name == "atomic" || x.Name == "sync" && slices.Contains(guards, n.Sel.Name)) {
				t.concurrent = name + " uses " + x.Name + "." + n.Sel.Name
			}
		}
		return true
	})
}

// guards are the types of sync that protect something.
var guards = []string{"Cond", "Map", "Mutex", "Once", "Pool", "RWMutex", "WaitGroup"}
