package plan

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// decides are the functions that write and answer all the same: what they have decided.
var decides = []string{"admit", "finish"}

func parsed(t *testing.T) []*ast.File {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// takes reports whether one of the fields is a pointer to the named type.
func takes(fields *ast.FieldList, name string) bool {
	return fields != nil && slices.ContainsFunc(fields.List, func(f *ast.Field) bool {
		star, ok := f.Type.(*ast.StarExpr)
		if !ok {
			return false
		}
		id, ok := star.X.(*ast.Ident)
		return ok && id.Name == name
	})
}

// faults names the functions that write and answer, and those that change a view.
func faults(files ...*ast.File) (out []string) {
	for _, f := range files {
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if (takes(fn.Recv, "builder") || takes(fn.Type.Params, "builder")) && fn.Type.Results != nil && !slices.Contains(decides, fn.Name.Name) {
				out = append(out, fn.Name.Name+" writes and answers")
			}
			if (takes(fn.Recv, "view") || takes(fn.Type.Params, "view")) && changesView(fn) {
				out = append(out, fn.Name.Name+" changes a view")
			}
		}
	}
	return out
}

// changesView reports whether something is assigned to a field of what the function calls v.
func changesView(fn *ast.FuncDecl) (found bool) {
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		assign, ok := n.(*ast.AssignStmt)
		if !ok {
			return true
		}
		for _, left := range assign.Lhs {
			for {
				switch x := left.(type) {
				case *ast.SelectorExpr:
					left = x.X
					if id, ok := left.(*ast.Ident); ok && id.Name == "v" {
						found = true
					}
					continue
				case *ast.IndexExpr:
					left = x.X
					continue
				}
				break
			}
		}
		return true
	})
	return found
}

func TestNoFunctionBothWritesAndAnswers(t *testing.T) {
	for _, fault := range faults(parsed(t)...) {
		t.Error(fault)
	}
	bad, err := parser.ParseFile(token.NewFileSet(), "bad.go", `package p
func (v *view) a() { v.in.Now = 1 }
func b(v *view) { v.machines[0].pool = nil }
func (b *builder) c() bool { return true }
func d(v *view, b *builder) int { return 1 }
func (v *view) fine() int { w := v.in; w.Now = 1; return 1 }
func (b *builder) finish() int { return 1 }`, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := faults(bad); len(got) != 4 {
		t.Errorf("of 4 faults %v were found", got)
	}
}

// TestEachWishHasItsGuards: a kind of wish that is not in the table would be granted unasked.
func TestEachWishHasItsGuards(t *testing.T) {
	var kinds []string
	for _, f := range parsed(t) {
		for _, decl := range f.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				if v := spec.(*ast.ValueSpec); v.Type != nil {
					if id, ok := v.Type.(*ast.Ident); ok && id.Name == "kind" {
						kinds = append(kinds, strings.Trim(v.Values[0].(*ast.BasicLit).Value, `"`))
					}
				}
			}
		}
	}
	var ruled []string
	for k := range maps.Keys(rules()) {
		ruled = append(ruled, string(k))
	}
	slices.Sort(kinds)
	slices.Sort(ruled)
	if len(kinds) < 20 || !slices.Equal(kinds, ruled) {
		t.Errorf("the kinds are\n%s\nand the table has\n%s", strings.Join(kinds, "\n"), strings.Join(ruled, "\n"))
	}
}
