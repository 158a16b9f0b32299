package house

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// listed is what `go list -json` reports of one package.
type listed struct {
	Dir, ImportPath, Export string
	GoFiles                 []string
	DepOnly                 bool
	Module                  *struct{ Path, Dir string }
}

// Load type-checks the packages that the patterns match. directory is inside the module. Test files
// are not read. Imports come from the build cache, so that a warm run compiles nothing.
func Load(directory string, patterns ...string) ([]*Package, error) {
	list, err := golist(directory, patterns)
	if err != nil {
		return nil, err
	}
	exports := map[string]string{}
	for _, p := range list {
		exports[p.ImportPath] = p.Export
	}
	files := token.NewFileSet()
	imports := importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	var packages []*Package
	for _, p := range list {
		if p.DepOnly || len(p.GoFiles) == 0 {
			continue
		}
		loaded, err := p.check(files, imports)
		if err != nil {
			return nil, err
		}
		packages = append(packages, loaded)
	}
	return packages, nil
}

func golist(directory string, patterns []string) ([]listed, error) {
	const fields = "-json=Dir,ImportPath,Export,GoFiles,DepOnly,Module"
	command := exec.Command("go", append([]string{"list", "-export", "-deps", fields}, patterns...)...)
	command.Dir = directory
	out, err := command.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil, fmt.Errorf("go list: %w\n%s", err, exit.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var list []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		list = append(list, p)
	}
}

// check parses and type-checks a package of the module and counts the references between its files.
func (l *listed) check(set *token.FileSet, imports types.Importer) (*Package, error) {
	name, err := filepath.Rel(l.Module.Dir, l.Dir)
	if err != nil {
		return nil, err
	}
	p := &Package{Name: filepath.ToSlash(name), Uses: map[string]map[string]map[string]int{}}
	var parsed []*ast.File
	for _, file := range l.GoFiles {
		tree, err := parser.ParseFile(set, filepath.Join(l.Dir, file), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, tree)
		p.Files = append(p.Files, file)
		p.Lines += set.File(tree.Pos()).LineCount()
	}
	info := types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: imports}
	checked, err := config.Check(l.ImportPath, set, parsed, &info)
	if err != nil {
		return nil, err
	}
	for identifier, object := range info.Uses {
		if object.Pkg() != checked || (object.Parent() != checked.Scope() && object.Parent() != nil) {
			continue // Of another package, or local to a function.
		}
		from := filepath.Base(set.Position(identifier.Pos()).Filename)
		to := filepath.Base(set.Position(object.Pos()).Filename)
		p.use(from, to, object.Name())
	}
	return p, nil
}
