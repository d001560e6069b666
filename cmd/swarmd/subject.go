package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec/file"
)

// subject is what is asked about.
type subject struct {
	title, wants, has string
	within            string   // the object that it is part of, "" if none
	objects           []string // as holds, steps and events name it, and what is part of it
	settled           bool     // it has what it wants
	bakes             bool     // it has it, and not yet for long enough
}

// subjectOf finds it by a name that people use: of a pool, a service with or without the cluster's name, a node by name, id, droplet, address, or the
// beginning of its name that no other node has. Before it may stand what it is, as holds and events have it: service/web. What else is held is found by
// the name that the hold has.
func subjectOf(r report.Report, name string) (subject, bool) {
	kind, rest := kindOf(name)
	for _, look := range []struct {
		kind string
		in   func(report.Report, string) (subject, bool)
	}{{"pool", poolOf}, {"service", serviceNamed}, {"node", nodeOf}, {"droplet", nodeOf}} {
		if rest == "" || kind != "" && kind != look.kind {
			continue
		}
		if s, ok := look.in(r, rest); ok {
			return s, true
		}
	}
	return leftOver(r, name)
}

// kindOf takes what stands before a name off it, such as service/ before web; "" if nothing does.
func kindOf(name string) (kind, rest string) {
	if kind, rest, ok := strings.Cut(name, "/"); ok {
		return kind, rest
	}
	return "", name
}

func poolOf(r report.Report, name string) (subject, bool) {
	i := slices.IndexFunc(r.Pools, func(p plan.PoolCount) bool { return p.Pool == name })
	if i < 0 {
		return subject{}, false
	}
	return poolSubject(r, r.Pools[i]), true
}

func serviceNamed(r report.Report, name string) (subject, bool) {
	var services []string
	for _, s := range r.Services {
		services = append(services, s.Service)
	}
	i := slices.Index(services, serviceOf(r.Cluster, name, services))
	if i < 0 {
		return subject{}, false
	}
	return serviceSubject(r.Services[i]), true
}

func nodeOf(r report.Report, name string) (subject, bool) {
	var begins []report.Node
	for _, n := range r.Nodes {
		if slices.Contains([]string{n.Name, n.NodeID, n.PublicIPv4, n.Address}, name) || name == fmt.Sprint(n.DropletID) && n.DropletID != 0 {
			return nodeSubject(r, n), true
		}
		if strings.HasPrefix(n.Name, name) {
			begins = append(begins, n)
		}
	}
	if len(begins) != 1 {
		return subject{}, false
	}
	return nodeSubject(r, begins[0]), true
}

// leftOver is a service that the file does not have any more, or a network, config or secret, that is held or that something is done about next.
func leftOver(r report.Report, name string) (subject, bool) {
	var objects []string
	for _, h := range r.Holds {
		objects = append(objects, h.Object)
	}
	for _, step := range r.Steps {
		objects = append(objects, step.Object)
	}
	for _, object := range objects {
		kind, of, _ := strings.Cut(object, "/")
		short := strings.TrimPrefix(of, r.Cluster+"_")
		if of == "" || !slices.Contains([]string{object, of, short, kind + "/" + short}, name) {
			continue
		}
		s := subject{title: kind + " " + of, wants: "to be as the file has it", has: "what is held, or done next", objects: []string{object}}
		if kind == "service" {
			s.wants, s.has = "nothing: the file does not have it", "it goes on running"
		}
		return s, true
	}
	return subject{}, false
}

// unknownSubject says that there is nothing of the name, what may be meant, and what there is.
func unknownSubject(r report.Report, name string, unread func([]world.Gap) []string) error {
	kind, rest := kindOf(name)
	known := slices.Concat(poolNames(r), serviceNames(r))
	for _, n := range r.Nodes {
		known = append(known, n.Name)
	}
	if r.Error != "" {
		return fmt.Errorf("what cluster %s has is not known: %s", r.Cluster, r.Error)
	}
	gaps := slices.DeleteFunc(slices.Clone(r.Gaps), func(g world.Gap) bool { return g.What == world.GapDroplets }) // the swarm has the names, too
	if len(gaps) > 0 {
		return fmt.Errorf("whether cluster %s has %s is not known: %s", r.Cluster, plain(name), strings.Join(unread(gaps), "; "))
	}
	what := "node, pool or service " + plain(name)
	if slices.Contains([]string{"network", "config", "secret", "droplet"}, kind) {
		what = plain(name) + " that is held"
	}
	return fmt.Errorf("cluster %s has no %s%s; it has the pools %s, the services %s, and the nodes that swarmd status shows", r.Cluster, what, file.DidYouMean(rest, known),
		cmp.Or(strings.Join(poolNames(r), ", "), "(none)"), cmp.Or(strings.Join(serviceNames(r), ", "), "(none)"))
}

func poolNames(r report.Report) (names []string) {
	for _, p := range r.Pools {
		names = append(names, p.Pool)
	}
	return names
}

func serviceNames(r report.Report) (names []string) {
	for _, s := range r.Services {
		names = append(names, strings.TrimPrefix(s.Service, r.Cluster+"_"))
	}
	return names
}

func poolSubject(r report.Report, p plan.PoolCount) subject {
	s := subject{title: "pool " + p.Pool, wants: plural(p.Desired, "ready "+p.Role), has: fmt.Sprintf("%s, %d ready", plural(p.Have, "machine"), p.Ready),
		objects: []string{"pool/" + p.Pool}, settled: p.Have == p.Desired && p.Ready == p.Desired}
	for _, n := range r.Nodes {
		if n.Pool == p.Pool {
			s.objects = append(s.objects, nodeObjects(n)...)
		}
	}
	return s
}

func serviceSubject(c plan.ServiceCount) subject {
	s := subject{title: "service " + c.Service, wants: plural(c.Desired, "running task") + " of " + cmp.Or(c.Image, "an image that is not known"), has: fmt.Sprintf("%d running", c.Running),
		objects: []string{"service/" + c.Service}, settled: c.Running == c.Desired && c.Error == "" && c.Surge == 0}
	if c.Runs != "" {
		s.has += " (" + c.Runs + ")"
	}
	if c.Job {
		s.title, s.wants, s.settled = "job "+c.Service, plural(c.Desired, "completed task")+" of "+orNone(c.Image), c.Whole() && c.Error == ""
		s.has = fmt.Sprintf("%d completed, %d running", c.Completed, c.Running)
	}
	switch {
	case c.RollOut.State != "":
		s.bakes = s.settled && bakesNow(c)
		s.settled = s.settled && c.RollOut.State == plan.RollOutSucceeded
		s.has += ", roll-out " + c.RollOut.Text(c.Desired)
	case c.Update != "":
		s.has += ", roll-out " + string(c.Update)
	}
	if c.Error != "" && c.RollOut.Error == "" {
		s.has += ": " + c.Error
	}
	if c.Protected != "" {
		s.has += "; it is protected (" + c.Protected + ")"
	}
	return s
}

func nodeSubject(r report.Report, n report.Node) subject {
	s := subject{title: "node " + n.Name, wants: "nothing: it is no machine of the cluster", has: cmp.Or(n.State, "no node in the swarm"), objects: nodeObjects(n)}
	if n.DropletID != 0 {
		s.title += fmt.Sprintf(", droplet %d", n.DropletID)
	}
	if n.Pool != "" {
		s.wants, s.within = "to be a ready machine of pool "+n.Pool, "pool/"+n.Pool
		s.settled = n.Class == "ready"
	}
	for _, said := range []string{n.Availability, n.Role} {
		if said != "" {
			s.has += ", " + said
		}
	}
	if n.Class != "" {
		s.has += " (" + sinceWords(n) + ")"
	}
	if n.Why != "" {
		s.has += ": " + n.Why
	}
	return s
}

// nodeObjects are the names under which holds, steps and events speak of a machine.
func nodeObjects(n report.Node) []string {
	objects := []string{"node/" + n.Name}
	if n.NodeID != "" {
		objects = append(objects, "node/"+n.NodeID)
	}
	if n.DropletID != 0 {
		objects = append(objects, fmt.Sprintf("droplet/%d", n.DropletID))
	}
	return objects
}
