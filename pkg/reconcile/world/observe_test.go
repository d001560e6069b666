package world_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// side answers every read after one second, and fails those that are named.
type side struct {
	calls    atomic.Int32
	fail     map[string]error
	listed   []cloud.Droplet
	unlisted []cloud.Droplet
	nodes    []swarm.Node
	ledger   ledger.Ledger
	confused bool     // answers a GET with another droplet
	asked    []string // nodes whose tasks were asked for
	stopping []swarm.Task
	ended    []swarm.Task
	tasks    []swarm.Task    // nil: one that nobody owns
	services []swarm.Service // nil: one that nobody owns
}

func (s *side) call(what string) error {
	s.calls.Add(1)
	time.Sleep(time.Second)
	return s.fail[what]
}

func (s *side) Droplets(_ context.Context, tag string) ([]cloud.Droplet, error) {
	if tag != "swarmd:web" {
		return nil, errors.New("asked for the tag " + tag)
	}
	return s.listed, s.call("droplets")
}

func (s *side) Droplet(_ context.Context, id int) (cloud.Droplet, error) {
	for _, d := range s.unlisted {
		if d.ID == id || s.confused {
			return d, s.call("droplet")
		}
	}
	if err := s.call("droplet"); err != nil {
		return cloud.Droplet{}, err
	}
	return cloud.Droplet{}, &apierr.Error{Kind: apierr.NotFound, Op: "get droplet", Err: errors.New("404")}
}

func (s *side) Info(context.Context) (swarm.Info, error) {
	return swarm.Info{NodeID: "n1"}, s.call("info")
}
func (s *side) Cluster(context.Context) (swarm.Cluster, error) {
	return swarm.Cluster{ID: "c"}, s.call("cluster")
}
func (s *side) Nodes(context.Context) ([]swarm.Node, error) { return s.nodes, s.call("nodes") }
func (s *side) Services(context.Context) ([]swarm.Service, error) {
	if s.services != nil {
		return s.services, s.call("services")
	}
	return []swarm.Service{{ID: "s"}}, s.call("services")
}
func (s *side) Tasks(context.Context) ([]swarm.Task, error) {
	if s.tasks != nil {
		return s.tasks, s.call("tasks")
	}
	return []swarm.Task{{ID: "t"}}, s.call("tasks")
}
func (s *side) TasksOn(_ context.Context, nodes []string) ([]swarm.Task, error) {
	s.asked = append(s.asked, nodes...)
	return s.stopping, s.call("tasks on nodes")
}
func (s *side) TasksEnded(_ context.Context, services []string) ([]swarm.Task, error) {
	return s.ended, s.call("tasks ended of " + strings.Join(services, ","))
}
func (s *side) Networks(context.Context) ([]swarm.Network, error) {
	return []swarm.Network{{ID: "n"}}, s.call("networks")
}
func (s *side) Load(context.Context) (ledger.Ledger, error) { return s.ledger, s.call("ledger") }

func (s *side) reads() world.Reads { return world.Reads{Cloud: s, Swarm: s, Ledger: s} }

func TestObserveReadsSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &side{listed: []cloud.Droplet{ownDroplet(5)}, nodes: []swarm.Node{boundNode("n5", 5)}}
		began := time.Now()
		w := world.Observe(t.Context(), s.reads(), "web", nil)
		if took := time.Since(began); took != time.Second || s.calls.Load() != 8 {
			t.Errorf("%d calls in %s, want 8 in 1s", s.calls.Load(), took)
		}
		if !w.At.Equal(began) || w.Self.NodeID != "n1" || w.Cluster.ID != "c" || len(w.Services)+len(w.Tasks)+len(w.Networks) != 3 || len(w.Gaps) != 0 {
			t.Errorf("not all that was answered is in the world: %+v", w)
		}
	})
}

func TestObserveConfirmsWhatTheListDoesNotShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &side{
			listed:   []cloud.Droplet{ownDroplet(5)},
			unlisted: []cloud.Droplet{ownDroplet(6), {ID: 8, PrivateIPv4: "10.0.0.8"}},
			nodes:    []swarm.Node{boundNode("n7", 7)},
			ledger:   ledger.Ledger{Ops: []ledger.Op{{ID: opA, Kind: ledger.Create, DropletID: 6}, {ID: opB, Kind: ledger.Create, DropletID: 5}}},
		}
		w := world.Observe(t.Context(), s.reads(), "web", map[int]string{8: "pets", 9: "pets"})
		want := []string{"5 -  workers owned create:v", "6 -  workers owned create:a", "8 -  pets adopted", "- n7 bound workers missing"}
		if diff := cmp.Diff(want, said(w.Machines)); diff != "" || !slices.Equal(w.Gone, []int{7, 9}) || s.calls.Load() != 12 {
			t.Errorf("gone %v, %d calls, -want +got\n%s", w.Gone, s.calls.Load(), diff)
		}
	})
}

func TestObserveConfirmsAManagersClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := claimant("n6", 6, "10.0.0.6")
		first.Manager = &swarm.ManagerStatus{Addr: "10.0.0.6:2377"}
		s := &side{unlisted: []cloud.Droplet{ownDroplet(6), ownDroplet(7)}, nodes: []swarm.Node{first, claimant("n7", 7, "10.0.0.7")}}
		w := world.Observe(t.Context(), s.reads(), "web", nil)
		want := []string{"6 n6 claimed workers owned", "- n7 contradicted : claims droplet 7, which is not the cluster's"}
		if diff := cmp.Diff(want, said(w.Machines)); diff != "" || s.calls.Load() != 9 {
			t.Errorf("%d calls, a worker's claim costs none; -want +got\n%s", s.calls.Load(), diff)
		}
	})
}

func TestObserveKeepsEveryFailureAsAGap(t *testing.T) {
	for _, what := range []string{"droplets", "info", "cluster", "nodes", "services", "tasks", "networks", "ledger"} {
		synctest.Test(t, func(t *testing.T) {
			s := &side{fail: map[string]error{what: errors.New("broken")}, listed: []cloud.Droplet{ownDroplet(5)}, nodes: []swarm.Node{boundNode("n5", 5)}}
			w := world.Observe(t.Context(), s.reads(), "web", nil)
			if diff := cmp.Diff([]world.Gap{{What: what, Err: "broken", Kind: apierr.Unknown}}, w.Gaps); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if empty := len(w.Services) * len(w.Tasks) * len(w.Networks); (empty == 0) != slices.Contains([]string{"services", "tasks", "networks"}, what) {
				t.Errorf("%s failed, and something else is missing: %+v", what, w)
			}
			if s.calls.Load() != 8 {
				t.Errorf("%d calls: a failed read is not tried twice, nor followed by others", s.calls.Load())
			}
		})
	}
}

// TestObserveAsksForAllTasksOfTheNodesThatLeave and for those of no others: the list does not show what is told to stop.
func TestObserveAsksForAllTasksOfTheNodesThatLeave(t *testing.T) {
	drained := boundNode("n5", 5)
	drained.Spec.Availability = swarm.Drain
	nameless := func(state swarm.NodeState, age time.Duration) swarm.Node {
		return swarm.Node{ID: "n6", State: state, Created: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(-age)} // when a bubble begins
	}
	leaving := ledger.Ledger{Ops: []ledger.Op{{ID: opA, Kind: ledger.Delete, DropletID: 5, NodeID: "n5"}}}
	for name, c := range map[string]struct {
		nodes  []swarm.Node
		ledger ledger.Ledger
		asked  []string
	}{
		"drained, and a machine is to leave": {[]swarm.Node{drained, boundNode("n7", 7)}, leaving, []string{"n5"}},
		"drained by a person":                {[]swarm.Node{drained}, ledger.Ledger{}, nil},
		"to leave, and not drained yet":      {[]swarm.Node{boundNode("n5", 5)}, leaving, nil},
		"a ghost":                            {[]swarm.Node{nameless(swarm.NodeDown, time.Hour)}, ledger.Ledger{}, []string{"n6"}},
		"one that has just joined":           {[]swarm.Node{nameless(swarm.NodeUnknown, time.Minute)}, ledger.Ledger{}, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &side{nodes: c.nodes, ledger: c.ledger, listed: []cloud.Droplet{ownDroplet(5), ownDroplet(7)}, stopping: []swarm.Task{{ID: "t", State: "shutdown"}, {ID: "old"}}}
			w := world.Observe(t.Context(), s.reads(), "web", nil)
			if diff := cmp.Diff(c.asked, s.asked); diff != "" || len(w.Gaps) > 0 {
				t.Errorf("%s: gaps %v, asked for the tasks on -want +got\n%s", name, w.Gaps, diff)
			}
			want := []swarm.Task{{ID: "t"}}
			if c.asked != nil { // what was read later counts, once
				want = []swarm.Task{{ID: "old"}, {ID: "t", State: "shutdown"}}
			}
			if diff := cmp.Diff(want, w.Tasks); diff != "" {
				t.Errorf("%s: -want +got\n%s", name, diff)
			}
			s.fail = map[string]error{"tasks on nodes": errors.New("broken")}
			if w := world.Observe(t.Context(), s.reads(), "web", nil); (len(w.Gaps) == 1) != (c.asked != nil) {
				t.Errorf("%s: gaps %v when the tasks on nodes cannot be read", name, w.Gaps)
			}
		})
	}
}

func TestObserveTakesAFailedConfirmationForAGapNotForGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &side{fail: map[string]error{"droplet": &apierr.Error{Kind: apierr.Unavailable, Op: "get droplet", Err: errors.New("502")}},
			nodes: []swarm.Node{boundNode("n7", 7)}}
		w := world.Observe(t.Context(), s.reads(), "web", nil)
		if len(w.Gone) != 0 || len(w.Gaps) != 1 || w.Gaps[0].What != "droplets" || w.Machines[0].Missing {
			t.Errorf("gone %v, gaps %v", w.Gone, w.Gaps)
		}
	})
}

func TestObserveBelievesNoAnswerAboutAnotherDroplet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &side{confused: true, unlisted: []cloud.Droplet{ownDroplet(6)}, nodes: []swarm.Node{boundNode("n7", 7)}}
		w := world.Observe(t.Context(), s.reads(), "web", nil)
		if len(w.Gone) != 0 || len(w.Gaps) != 1 || len(w.Machines) != 1 {
			t.Errorf("gone %v, gaps %v, machines %v", w.Gone, w.Gaps, said(w.Machines))
		}
	})
}

func TestObserveWithoutACloud(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &side{nodes: []swarm.Node{boundNode("n5", 5)}}
		w := world.Observe(t.Context(), world.Reads{Swarm: s, Ledger: s}, "web", map[int]string{8: "pets"})
		if !w.NoDroplets || len(w.Gaps) != 0 || s.calls.Load() != 7 || w.Machines[0].Binding != world.Bound {
			t.Errorf("%d calls, %+v", s.calls.Load(), w)
		}
	})
}

// What became of tasks is asked for where some are missing, of the cluster's services, in one call; and it is no gap where it cannot be told.
func TestWhyTasksEndedIsReadOfServicesThatLackSome(t *testing.T) {
	ours, old := map[string]string{swarm.LabelCluster: "web"}, time.Now().Add(-time.Hour)
	replicas := func(n string) swarm.Base {
		return swarm.NewBase(swarm.Form{"Mode.Replicated.Replicas": n}, nil, swarm.Pin{})
	}
	side := &side{services: []swarm.Service{
		{ID: "short", Updated: old, Spec: swarm.ServiceSpec{Base: replicas("1"), Labels: ours}},
		{ID: "whole", Updated: old, Spec: swarm.ServiceSpec{Base: replicas("0"), Labels: ours}},
		{ID: "fresh", Updated: time.Now(), Spec: swarm.ServiceSpec{Base: replicas("1"), Labels: ours}},
		{ID: "theirs", Updated: old, Spec: swarm.ServiceSpec{Base: replicas("1")}},
		{ID: "everywhere", Updated: old, Spec: swarm.ServiceSpec{Mode: swarm.Global, Labels: ours}},
	}, ended: []swarm.Task{
		{ID: "1", ServiceID: "short", State: "failed", Updated: old}, {ID: "2", ServiceID: "short", State: "rejected", Updated: old.Add(time.Second)},
		{ID: "3", ServiceID: "short", State: "shutdown", Updated: old.Add(time.Minute)},
	}}
	w := world.Observe(t.Context(), side.reads(), "web", nil)
	if len(w.Failed) != 1 || w.Failed[0].ID != "2" || len(w.Gaps) > 0 {
		t.Errorf("%+v, gaps %v", w.Failed, w.Gaps)
	}
	side.fail = map[string]error{"tasks ended of everywhere,short": errors.New("gone")}
	if w := world.Observe(t.Context(), side.reads(), "web", nil); len(w.Failed) > 0 || len(w.Gaps) > 0 {
		t.Errorf("%+v, gaps %v", w.Failed, w.Gaps)
	}
}

// Of a job that is asked of which not all is complete in its present run, and only the failures of that run count, on each node.
func TestWhyTasksEndedIsReadOfJobsThatAreNotDone(t *testing.T) {
	ours, old := map[string]string{swarm.LabelCluster: "web"}, time.Now().Add(-time.Hour)
	of := func(mode swarm.Mode) swarm.ServiceSpec {
		form := swarm.Form{}
		if mode == swarm.ReplicatedJob {
			form["Mode.ReplicatedJob.TotalCompletions"] = "1"
		}
		return swarm.ServiceSpec{Mode: mode, Labels: ours, Base: swarm.NewBase(form, nil, swarm.Pin{})}
	}
	complete := func(service string, iteration uint64, node string) swarm.Task {
		return swarm.Task{ID: service + node, ServiceID: service, NodeID: node, State: "complete", DesiredState: "complete", Job: true, Iteration: iteration}
	}
	before, node := boundNode("n1", 1), boundNode("n2", 2)
	before.Created, node.Created = old.Add(-time.Hour), old.Add(-time.Hour)
	side := &side{nodes: []swarm.Node{before, node}, services: []swarm.Service{
		{ID: "done", Updated: old, Iteration: 1, Spec: of(swarm.ReplicatedJob)}, {ID: "again", Updated: old, Iteration: 1, Spec: of(swarm.ReplicatedJob)},
		{ID: "each", Updated: old, Spec: of(swarm.GlobalJob)}, {ID: "most", Updated: old, Spec: of(swarm.GlobalJob)},
	}, tasks: []swarm.Task{complete("done", 1, "n1"), complete("again", 0, "n1"), complete("each", 0, "n1"), complete("each", 0, "n2"), complete("most", 0, "n1")},
		ended: []swarm.Task{
			{ID: "1", ServiceID: "again", NodeID: "n1", State: "failed", Job: true, Updated: old.Add(time.Minute)}, // of the run before
			{ID: "2", ServiceID: "again", NodeID: "n1", State: "failed", Job: true, Iteration: 1, Updated: old},
			{ID: "3", ServiceID: "most", NodeID: "n1", State: "failed", Job: true, Updated: old.Add(time.Minute)},
			{ID: "4", ServiceID: "most", NodeID: "n2", State: "failed", Job: true, Updated: old},
		}}
	w := world.Observe(t.Context(), side.reads(), "web", nil)
	var got []string
	for _, k := range w.Failed {
		got = append(got, k.ID)
	}
	if !slices.Equal(got, []string{"2", "3", "4"}) {
		t.Errorf("failed %v", got)
	}
	side.fail = map[string]error{"tasks ended of again,most": errors.New("gone")}
	if w := world.Observe(t.Context(), side.reads(), "web", nil); len(w.Failed) > 0 {
		t.Errorf("others were asked for: %+v", w.Failed)
	}
}
