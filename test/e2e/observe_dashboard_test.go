package e2e

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const dashboardFile = "../../deploy/grafana/swarmd.json"

// dashboard is what of a Grafana dashboard the rules below look at.
type dashboard struct {
	UID, Title string
	Templating struct {
		List []struct{ Name, Type, AllValue string }
	}
	Annotations struct {
		List []struct {
			Name, Expr string
			Datasource datasource
		}
	}
	Panels []gauge
}

type datasource struct{ Type, UID string }

type gauge struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Datasource               datasource
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Targets                  []target
}

type target struct {
	RefID, Expr, LegendFormat string
	Datasource                datasource
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	data, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Panels) < 20 {
		t.Fatalf("%d panels", len(d.Panels))
	}
	return d
}

// filled returns an expression as Grafana sends it when all clusters are shown.
func filled(expr string) string { return strings.ReplaceAll(expr, "$cluster", ".*") }

func TestDashboardIsWellFormed(t *testing.T) {
	d := readDashboard(t)
	kinds := map[string]string{}
	for _, v := range d.Templating.List {
		kinds[v.Name] = v.Type
	}
	if d.UID == "" || d.Title == "" || kinds["datasource"] != "datasource" || kinds["cluster"] != "query" {
		t.Errorf("uid %q, title %q, variables %v", d.UID, d.Title, kinds)
	}
	ids := map[int]bool{}
	for i, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 || p.Title == "" {
			t.Errorf("panel %d %q: the id is taken or 0, or there is no title", p.ID, p.Title)
		}
		ids[p.ID] = true
		g := p.GridPos
		if g.X < 0 || g.W < 1 || g.H < 1 || g.X+g.W > 24 {
			t.Errorf("%q is off the grid: %+v", p.Title, g)
		}
		for _, q := range d.Panels[:i] {
			if o := q.GridPos; g.X < o.X+o.W && o.X < g.X+g.W && g.Y < o.Y+o.H && o.Y < g.Y+g.H {
				t.Errorf("%q lies on %q", p.Title, q.Title)
			}
		}
		if p.Type != "row" {
			checkPanel(t, p)
		}
	}
}

var legend = regexp.MustCompile(`\{\{.+\}\}`)

func checkPanel(t *testing.T, p gauge) {
	t.Helper()
	if p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
		t.Errorf("%q has no description, no unit or no target", p.Title)
	}
	own := datasource{"prometheus", "${datasource}"}
	refs := map[string]bool{}
	for _, q := range p.Targets {
		if p.Datasource != own || q.Datasource != own {
			t.Errorf("%q asks a data source of its own: %v %v", p.Title, p.Datasource, q.Datasource)
		}
		if refs[q.RefID] || q.RefID == "" {
			t.Errorf("%q: two targets %q", p.Title, q.RefID)
		}
		refs[q.RefID] = true
		if !legend.MatchString(q.LegendFormat) {
			t.Errorf("%q: the legend %q tells the series not apart", p.Title, q.LegendFormat)
		}
		if !strings.Contains(q.Expr, `cluster=~"$cluster"`) || strings.Contains(filled(q.Expr), "$") {
			t.Errorf("%q ignores the chosen cluster, or has an unknown variable: %s", p.Title, q.Expr)
		}
	}
}

// TestSeriesAreRecorded checks each series of ours that is read and not swarmd's own metric.
func TestSeriesAreRecorded(t *testing.T) {
	recording, alerts := readRules(t)
	var recorded, read []string
	for _, r := range recording {
		recorded = append(recorded, r.Record)
	}
	for _, r := range slices.Concat(recording, alerts) {
		read = append(read, names(r.Expr)...)
	}
	for _, e := range readDashboard(t).expressions() {
		read = append(read, names(e)...)
	}
	for _, n := range read {
		if strings.HasPrefix(n, "swarmd:") && !slices.Contains(recorded, n) {
			t.Errorf("nobody records %s", n)
		}
	}
	for _, r := range recorded {
		if !slices.Contains(read, r) {
			t.Errorf("nobody reads %s", r)
		}
	}
}

// expressions returns what the panels show, as Grafana sends it.
func (d dashboard) expressions() []string {
	var out []string
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			out = append(out, filled(q.Expr))
		}
	}
	return out
}
