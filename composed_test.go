package swarmd_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// composes is what puts a swarmd together, and the rooms that may: pkg/app, and what is itself a part of that. Everybody else would have a copy that
// drifts away from what ships. A room's own tests may put parts of it together.
var composes = map[string][]string{
	"pkg/reconcile.New":               {"pkg/app"},
	"pkg/reconcile.Config":            {"pkg/app"},
	"pkg/reconcile/execute.New":       {"pkg/reconcile"},
	"pkg/reconcile/ledger.NewElector": {"pkg/reconcile"},
	"pkg/reconcile/ledger.NewStore":   {"pkg/app"},
	"pkg/reconcile/brake.New":         {"pkg/app", "pkg/bootstrap", "pkg/destroy"},
}

// ownTests are rooms whose tests use a part of a swarmd on a fake of what is below it, or measure a part alone.
var ownTests = map[string][]string{
	"pkg/reconcile.New":               {"pkg/reconcile"},
	"pkg/reconcile.Config":            {"pkg/reconcile"},
	"pkg/reconcile/execute.New":       {"pkg/reconcile/execute"},
	"pkg/reconcile/ledger.NewElector": {"pkg/reconcile/ledger"},
	"pkg/reconcile/ledger.NewStore":   {"pkg/reconcile", "pkg/reconcile/ledger", "pkg/reconcile/execute", "test/bench"},
	"pkg/reconcile/brake.New":         {"pkg/reconcile/brake"},
}

// TestASwarmdIsPutTogetherInOnePlace looks through every Go file, tests too.
func TestASwarmdIsPutTogetherInOnePlace(t *testing.T) {
	used := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(file) != ".go" {
			return err
		}
		for what, at := range composedIn(t, file) {
			room := filepath.ToSlash(filepath.Dir(file))
			allowed := composes[what]
			if strings.HasSuffix(file, "_test.go") {
				allowed = ownTests[what]
			}
			if used[what] = true; !slices.Contains(allowed, room) {
				t.Errorf("%s: %s: a swarmd is put together in pkg/app, see app.New", at, what)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for what := range composes {
		if !used[what] {
			t.Errorf("nobody uses %s: it has another name now, and is not looked for", what)
		}
	}
}

// composedIn finds the parts of a swarmd that the file makes: calls, and values written out with what is in them. It returns a place of each.
func composedIn(t *testing.T, file string) map[string]token.Position {
	t.Helper()
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	rooms := map[string]string{} // by the name that the file has for them
	for _, i := range f.Imports {
		whole, _ := strconv.Unquote(i.Path.Value) // it is a Go string
		if room, ours := strings.CutPrefix(whole, module); ours {
			name := path.Base(room)
			if i.Name != nil {
				name = i.Name.Name
			}
			rooms[name] = room
		}
	}
	found := map[string]token.Position{}
	note := func(made ast.Expr) {
		s, ok := made.(*ast.SelectorExpr)
		if !ok {
			return
		}
		if from, ok := s.X.(*ast.Ident); ok && composes[rooms[from.Name]+"."+s.Sel.Name] != nil {
			found[rooms[from.Name]+"."+s.Sel.Name] = set.Position(made.Pos())
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			note(n.Fun)
		case *ast.CompositeLit:
			note(n.Type)
		}
		return true
	})
	return found
}
