package plan_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// forbidden imports of the planner, each with the reason.
var forbidden = map[string]string{
	"context": "a decision is not cancelled", "math/rand": "same input, same output", "math/rand/v2": "same input, same output",
	"crypto/rand": "same input, same output", "os": "it reads nothing", "net/http": "it calls nobody", "log": "a plan is data", "sync": "it shares nothing",
	"go.uber.org/zap": "a plan is data", "github.com/docker/docker/client": "the SDK stays in its adapter", "github.com/digitalocean/godo": "the SDK stays in its adapter",
}

// clocks are the functions of package time that look at a clock or wait.
var clocks = map[string]bool{"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true, "NewTimer": true, "NewTicker": true, "Tick": true}

func TestPlannerIsPure(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".go") && !strings.HasSuffix(f.Name(), "_test.go") {
			checked++
			for _, fault := range impurities(t, f.Name(), nil) {
				t.Error(fault)
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d files checked", checked)
	}
}

func TestPurityCheckFindsWhatItLooksFor(t *testing.T) {
	src := `package p
import ("context"; "time"; "math/rand")
var cache map[string]int
func F(ctx context.Context) error { go func() {}(); time.Sleep(1); _ = time.Now(); return nil }`
	if got := impurities(t, "bad.go", src); len(got) != 6 {
		t.Errorf("%d faults found: %v", len(got), got)
	}
}

// impurities parses a file and names everything that would make its output depend on more than its input.
func impurities(t *testing.T, name string, src any) []string {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	at := func(n ast.Node, what string) { out = append(out, fset.Position(n.Pos()).String()+": "+what) }
	for _, imp := range file.Imports {
		if why := forbidden[strings.Trim(imp.Path.Value, `"`)]; why != "" {
			at(imp, imp.Path.Value+": "+why)
		}
	}
	for _, decl := range file.Decls {
		if g, ok := decl.(*ast.GenDecl); ok && g.Tok == token.VAR {
			at(g, "a variable of the package outlives the call")
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			at(n, "a goroutine")
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && clocks[n.Sel.Name] {
				at(n, "time."+n.Sel.Name+" looks at a clock")
			}
		}
		return true
	})
	return out
}

func TestPlannerAndWorldReachNoClient(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".", "../world").CombinedOutput()
	if err != nil {
		t.Skipf("SKIPPED: go list does not run here: %v %s", err, out)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 50 {
		t.Fatalf("go list shows only %d packages", len(deps))
	}
	for _, dep := range deps {
		for _, sdk := range []string{"github.com/docker/docker/client", "github.com/digitalocean/godo", "go.uber.org/zap"} {
			if dep == sdk || strings.HasPrefix(dep, sdk+"/") {
				t.Errorf("reaches %s", dep)
			}
		}
	}
}
