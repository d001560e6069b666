package plan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// forbidden imports of the planner, each with the reason.
var forbidden = map[string]string{
	"context": "a decision is not cancelled", "math/rand": "same input, same output", "math/rand/v2": "same input, same output",
	"crypto/rand": "same input, same output", "os": "it reads nothing", "log": "a plan is data", "sync": "it shares nothing",
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

// reached is a package as `go list` shows it.
type reached struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

// What the planner and the world's picture are made of must be as pure as they are: they reach no library, not even through others, and of the standard
// library no HTTP. So neither a loader of Compose files, YAML, a watch of files, a logger nor a client of either side comes in by way of a type.
func TestPlannerAndWorldReachNoLibrary(t *testing.T) {
	for _, room := range []string{"pkg/reconcile/plan", "pkg/reconcile/world"} {
		start, all := module+room, reachedFrom(t, module+room)
		if len(all) < 50 {
			t.Fatalf("go list shows only %d packages that %s reaches", len(all), room)
		}
		t.Logf("%s reaches %d packages", room, len(all))
		for _, fault := range unwanted(start, all) {
			t.Error(fault)
		}
	}
}

func TestReachShowsTheChain(t *testing.T) {
	all := map[string]reached{
		module + "a":           {Imports: []string{module + "b", module + "c"}},
		module + "b":           {Imports: []string{module + "c", "fmt", "C"}},
		module + "c":           {Imports: []string{"example.org/yaml", "net/http"}},
		"example.org/yaml":     {Imports: []string{"example.org/yaml/ast"}},
		"example.org/yaml/ast": {}, "fmt": {Standard: true}, "net/http": {Standard: true},
	}
	want := []string{"example.org/yaml is reached: a → c → example.org/yaml", "net/http is reached: a → c → net/http"}
	if got := unwanted(module+"a", all); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

const module = "github.com/swarmd/swarmd/"

// reachedFrom lists the package and all that it reaches, by import path.
func reachedFrom(t *testing.T, start string) map[string]reached {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "-json=ImportPath,Standard,Imports", start).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string]reached{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p reached
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

// unwanted names each library and client that is reached from start, with the shortest chain of imports that leads to it. What one of them
// reaches itself is not named besides.
func unwanted(start string, all map[string]reached) (faults []string) {
	from, queue := map[string]string{start: ""}, []string{start}
	for len(queue) > 0 {
		p := queue[0]
		queue = queue[1:]
		if p == "net/http" || !all[p].Standard && !strings.HasPrefix(p, module) {
			faults = append(faults, strings.TrimPrefix(p, module)+" is reached: "+chain(p, from))
			continue
		}
		for _, imp := range all[p].Imports {
			_, listed := all[imp] // cgo's "C" is no package
			if _, known := from[imp]; listed && !known {
				from[imp] = p
				queue = append(queue, imp)
			}
		}
	}
	return faults
}

// chain is the way to a package, by who was found to import it first.
func chain(p string, from map[string]string) string {
	way := strings.TrimPrefix(p, module)
	for p = from[p]; p != ""; p = from[p] {
		way = strings.TrimPrefix(p, module) + " → " + way
	}
	return way
}
