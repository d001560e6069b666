package ledger_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

var update = flag.Bool("update", false, "write the golden files")

func full() ledger.Ledger {
	at := time.Unix(1_800_000_000, 0).UTC()
	return ledger.Ledger{
		Revision: 12, DeleteBudget: 2, ClusterID: "swarm1", Epoch: 7,
		Ops: []ledger.Op{
			{ID: "aaaaabbbbbcccccd", Kind: ledger.Create, Pool: "workers", Name: "web-workers-aaaaa", Epoch: 6, Started: at, Deadline: at.Add(5 * time.Minute)},
			{ID: "fffffggggghhhhhi", Kind: ledger.Delete, Pool: "workers", Name: "web-workers-xyzzy", DropletID: 101, NodeID: "node9", Epoch: 7,
				Started: at, Budgeted: true, Shutdown: at.Add(time.Minute)},
			{ID: "ggggghhhhhiiiiij", Kind: ledger.Delete, Pool: "workers", Name: "web-workers-broke", DropletID: 102, Epoch: 7, Started: at, Repair: true, Keep: true},
		},
		FreeDeletes: []time.Time{at.Add(-time.Minute), at},
		Repairs:     []time.Time{at},
		Retries:     []time.Time{at},
		Launches:    map[string]ledger.Launch{"workers": {Failures: 2, Last: at, Name: "web-workers-broke", Template: "q83vASNG"}},
		Kept:        []ledger.Kept{{DropletID: 99, Pool: "workers", Name: "web-workers-older", Since: at}},
		Stale:       map[string]int{"node2": 11},
		Broken:      map[string]string{"node3": "read cluster.yaml: no such file"},
		Rollouts:    map[string]ledger.RollOut{"web_app": {Template: "abc", Version: 17, Failed: true}, "web_new": {Template: "def", Version: 18, Over: "abc"}},
		Pauses:      map[string]swarm.HandsOff{"pool/workers": {Since: at, Until: at.Add(time.Hour), By: "ana@laptop", Why: "kernel upgrade"}},
		Token:       "q83vASNF", Handed: 2, Rotate: 41,
	}
}

func TestGoldenLabels(t *testing.T) {
	labels, err := ledger.Encode(full(), map[string]string{"swarmd.cluster": "web"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(labels, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/ledger.json"
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Fatalf("what an older swarmd wrote must stay readable (-want +got):\n%s", diff)
	}
}

func TestDecodeIsTheInverse(t *testing.T) {
	others := map[string]string{"swarmd.cluster": "web", "team": "blue"}
	labels, err := ledger.Encode(full(), others)
	if err != nil {
		t.Fatal(err)
	}
	got, rest, err := ledger.Decode(labels)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full(), got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(others, rest); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	cases := map[string]map[string]string{
		"no labels":            {},
		"another format":       {"swarmd.ledger.format": "2"},
		"revision":             {"swarmd.ledger.revision": "x"},
		"negative revision":    {"swarmd.ledger.revision": "-1"},
		"odd spelling":         {"swarmd.ledger.revision": "+1"},
		"budget":               {"swarmd.ledger.credit": ""},
		"epoch":                {"swarmd.ledger.epoch": "-3"},
		"free deletes":         {"swarmd.ledger.uncharged": "1,,2"},
		"stale":                {"swarmd.ledger.stale.n": "first"},
		"operation":            {"swarmd.ledger.op.a": "{"},
		"operation's kind":     {"swarmd.ledger.op.a": `{"k":""}`},
		"two operations":       {"swarmd.ledger.op.a": `{"k":"create"}{"k":"create"}`},
		"operation without id": {"swarmd.ledger.op.": `{"k":"create"}`},
		"delete of nothing":    {"swarmd.ledger.op.a": `{"k":"delete"}`},
		"negative droplet":     {"swarmd.ledger.op.a": `{"k":"create","d":-1}`},
	}
	for name, labels := range cases {
		t.Run(name, func(t *testing.T) {
			if name != "no labels" && name != "another format" {
				labels["swarmd.ledger.format"] = "1"
			}
			l, _, err := ledger.Decode(labels)
			wantKind(t, err, apierr.Invalid)
			if !cmp.Equal(l, ledger.Ledger{}) {
				t.Errorf("half a ledger came with the error: %+v", l)
			}
		})
	}
}

// TestWhatANewerSwarmdWroteIsKept: byte by byte, through every write of one that cannot read it.
func TestWhatANewerSwarmdWroteIsKept(t *testing.T) {
	newer := map[string]string{
		"swarmd.ledger.drain":          "x",
		"swarmd.ledger.op.abc":         `{"k":"replace","phase":{"n":3}}`,
		"swarmd.ledger.op.abd":         `{"k":"create","p":"workers","surge":2}`,
		"swarmd.ledger.failed.web_app": "{}@17+partition",
	}
	labels := map[string]string{"swarmd.ledger.format": "1", "swarmd.ledger.op.abe": `{"k":"create","p":"workers"}`}
	maps.Copy(labels, newer)
	l, others, err := ledger.Decode(labels)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Ops) != 1 || l.Ops[0].ID != "abe" || !slices.Equal(l.Newer, slices.Sorted(maps.Keys(newer))) {
		t.Errorf("operations %v, a newer one's %v", l.Ops, l.Newer)
	}
	l.Epoch = 9
	again, err := ledger.Encode(l, others)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range newer {
		if again[key] != want {
			t.Errorf("%s became %q", key, again[key])
		}
	}
}

// TestTheLedgerHasRoomForAllThatMayBeOpen: as many operations and roll-outs as there may be, with the longest names that there can be. One more of
// either is refused, and leaves the ledger as it was.
func TestTheLedgerHasRoomForAllThatMayBeOpen(t *testing.T) {
	pool, name, node := strings.Repeat("p", 40), strings.Repeat("n", 63), strings.Repeat("i", 25)
	for what, open := range map[string]func(i int) []ledger.Change{
		"deletes": func(i int) []ledger.Change {
			id := 1<<40 + i
			return []ledger.Change{ledger.OpenDelete{OpID: fmt.Sprintf("%016d", i), Pool: pool, Name: name, NodeID: node, DropletID: id, Budgeted: true}, ledger.AskShutdown{DropletID: id}}
		},
		"replacements": func(i int) []ledger.Change {
			return []ledger.Change{ledger.OpenReplace{OpID: fmt.Sprintf("%016d", i), Pool: pool, Name: name, NodeID: node, DropletID: 1<<40 + i, Reason: strings.Repeat("r", 40)}}
		},
	} {
		t.Run(what, func(t *testing.T) { fill(t, open) })
	}
}

// fill opens as many operations as there may be, beside as many roll-outs.
func fill(t *testing.T, open func(i int) []ledger.Change) {
	l := ledger.Ledger{DeleteBudget: ledger.MaxOps + 1, Broken: map[string]string{}, Stale: map[string]int{}}
	for i := range 9 {
		l.Broken[fmt.Sprintf("%025d", i)] = strings.Repeat("é", 100)
	}
	moment := ledger.Moment{Now: time.Unix(1_800_000_300, 0), Epoch: 1 << 60}
	rollout := func(i int) ledger.Change {
		return ledger.SetRollout{Service: fmt.Sprintf("%063d", i), RollOut: ledger.RollOut{Template: strings.Repeat("f", 16), Version: math.MaxUint64, Over: strings.Repeat("f", 16)}}
	}
	for i := range ledger.MaxRollouts {
		if err := l.Apply(moment, rollout(i)); err != nil {
			t.Fatalf("roll-out %d: %v", i+1, err)
		}
	}
	for i := range ledger.MaxOps {
		for _, change := range open(i) {
			if err := l.Apply(moment, change); err != nil {
				t.Fatalf("operation %d: %v", i+1, err)
			}
		}
	}
	full := l.Clone()
	for _, more := range []ledger.Change{rollout(ledger.MaxRollouts), open(ledger.MaxOps)[0], ledger.OpenCreate{OpID: "another"}} {
		wantKind(t, l.Apply(moment, more), apierr.Busy)
	}
	if d := cmp.Diff(full, l); d != "" {
		t.Errorf("-before +after\n%s", d)
	}
	labels, err := ledger.Encode(l, map[string]string{"team": "blue"})
	if err != nil || bytes(labels) > ledger.MaxBytes {
		t.Fatalf("%d bytes, %v", bytes(labels), err)
	}
	if again, _, err := ledger.Decode(labels); err != nil || len(again.Ops) != ledger.MaxOps || len(again.Rollouts) != ledger.MaxRollouts {
		t.Errorf("read again: %v", err)
	}
	_, err = ledger.Encode(l, map[string]string{"team": strings.Repeat("x", ledger.MaxBytes)})
	wantKind(t, err, apierr.Capacity)
}

func bytes(labels map[string]string) (n int) {
	for k, v := range labels {
		n += len(k) + len(v)
	}
	return n
}

func TestAnyLedgerSurvivesTheStore(t *testing.T) {
	word := rapid.StringMatching(`[a-z]{1,8}`)
	when := rapid.Map(rapid.Int64Range(1, 1<<33), func(s int64) time.Time { return time.Unix(s, 0).UTC() })
	rapid.Check(t, func(t *rapid.T) {
		l := ledger.Ledger{Revision: rapid.IntRange(0, 1000).Draw(t, "revision"), DeleteBudget: rapid.IntRange(0, 9).Draw(t, "budget"),
			Epoch: rapid.Uint64().Draw(t, "epoch"), ClusterID: rapid.StringMatching(`[a-z0-9]{0,25}`).Draw(t, "swarm")}
		for _, id := range rapid.SliceOfNDistinct(word, 0, 5, rapid.ID).Draw(t, "ops") {
			l.Ops = append(l.Ops, ledger.Op{ID: id, Kind: rapid.SampledFrom([]ledger.OpKind{ledger.Create, ledger.Delete}).Draw(t, "kind"),
				Pool: word.Draw(t, "pool"), DropletID: rapid.IntRange(1, 1<<40).Draw(t, "droplet"), Started: when.Draw(t, "started"), Budgeted: rapid.Bool().Draw(t, "budgeted"),
				Repair: rapid.Bool().Draw(t, "repair")})
		}
		slices.SortFunc(l.Ops, func(a, b ledger.Op) int { return strings.Compare(a.ID, b.ID) })
		labels, err := ledger.Encode(l, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := ledger.Decode(labels)
		if err != nil || !cmp.Equal(l, got) {
			t.Fatalf("%v\n%s", err, cmp.Diff(l, got))
		}
	})
}

func FuzzDecode(f *testing.F) {
	labels, err := ledger.Encode(full(), nil)
	if err != nil {
		f.Fatal(err)
	}
	for k, v := range labels {
		f.Add(k, v)
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		in := map[string]string{"swarmd.ledger.format": "1", key: value}
		l, others, err := ledger.Decode(in)
		if err != nil {
			return
		}
		again, err := ledger.Encode(l, others)
		if apierr.KindOf(err) == apierr.Capacity {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		back, rest, err := ledger.Decode(again)
		if err != nil || !cmp.Equal(l, back) || !maps.Equal(others, rest) {
			t.Fatalf("%v\n%s", err, cmp.Diff(l, back))
		}
	})
}

// TestAHashAloneFailed: the first swarmd wrote no version beside the hash of what failed.
func TestAHashAloneFailed(t *testing.T) {
	l, _, err := ledger.Decode(map[string]string{"swarmd.ledger.format": "1", "swarmd.ledger.failed.web_app": "abc"})
	if want := (ledger.RollOut{Template: "abc", Failed: true}); err != nil || len(l.Newer) > 0 || l.Rollouts["web_app"] != want {
		t.Errorf("%+v, newer %v: %v", l.Rollouts, l.Newer, err)
	}
}
