package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// knownCluster is a cluster that the swarm's store knows.
type knownCluster struct {
	name         string
	servicesOnly bool // it owns none of the nodes
}

var errNoCluster = errors.New("this swarm knows no cluster of swarmd: run swarmd bootstrap, or swarmd apply")

// knownClusters returns the clusters that the swarm's store knows, sorted by name.
func (a *app) knownClusters(ctx context.Context) ([]knownCluster, error) {
	engine, closer, err := a.engineClient(nil)
	if err != nil {
		return nil, err
	}
	defer closer()
	configs, err := engine.Configs(ctx, "swarmd.")
	if err != nil {
		return nil, err
	}
	servicesOnly := map[string]bool{}
	for _, c := range configs {
		name := c.Labels[swarm.LabelCluster]
		if name == "" || c.Name != "swarmd."+name && !strings.HasPrefix(c.Name, "swarmd."+name+".") {
			continue
		}
		l, _, err := ledger.Decode(c.Labels)
		servicesOnly[name] = servicesOnly[name] || c.Name == "swarmd."+name && err == nil && l.ServicesOnly
	}
	var known []knownCluster
	for name, services := range servicesOnly {
		known = append(known, knownCluster{name, services})
	}
	slices.SortFunc(known, func(a, b knownCluster) int { return strings.Compare(a.name, b.name) })
	return known, nil
}

func namesOf(known []knownCluster) string {
	var names []string
	for _, c := range known {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// choose returns the cluster that is asked for, or else the only one.
func choose(known []knownCluster, asked string) (knownCluster, error) {
	i := slices.IndexFunc(known, func(c knownCluster) bool { return c.name == asked })
	switch {
	case len(known) == 0:
		return knownCluster{}, errNoCluster
	case asked == "" && len(known) > 1:
		return knownCluster{}, fmt.Errorf("this swarm knows the clusters %s: choose with --cluster", namesOf(known))
	case asked == "":
		return known[0], nil
	case i < 0:
		return knownCluster{}, fmt.Errorf("this swarm knows no cluster %s; it knows: %s", asked, namesOf(known))
	}
	return known[i], nil
}

// chooseCluster returns the cluster that is asked for, or else the only one, if the swarm's store knows it.
func (a *app) chooseCluster(ctx context.Context, asked string) (string, error) {
	known, err := a.knownClusters(ctx)
	if err != nil {
		return "", err
	}
	c, err := choose(known, asked)
	return c.name, err
}

// chooseOwner is chooseCluster for who changes nodes: of several clusters it is the one that owns them.
func (a *app) chooseOwner(ctx context.Context, asked string) (string, error) {
	known, err := a.knownClusters(ctx)
	if err != nil {
		return "", err
	}
	if asked == "" && len(known) > 1 {
		known = slices.DeleteFunc(known, func(c knownCluster) bool { return c.servicesOnly })
	}
	c, err := choose(known, asked)
	if err == nil && c.servicesOnly {
		return "", fmt.Errorf("cluster %s has services only, and none of the nodes: docker node update changes one that is no cluster's", c.name)
	}
	return c.name, err
}

// statusOfAll shows each cluster of the swarm in a line.
func (a *app) statusOfAll(ctx context.Context, known []knownCluster, f statusFlags) error {
	reports, errs := make([]reconcile.Report, len(known)), make([]error, len(known))
	var looks sync.WaitGroup
	for i, c := range known {
		looks.Go(func() {
			asm, r, err := a.look(ctx, c, f.deny)
			if reports[i], errs[i] = r, err; err == nil {
				asm.close()
			}
		})
	}
	looks.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if f.json {
		if err := writeJSON(a.out, map[string]any{"clusters": reports}); err != nil {
			return err
		}
	} else {
		for _, r := range reports {
			printf(a.out, "%s\n", oneLine(r))
		}
		printf(a.out, "swarmd status --cluster NAME shows one\n")
	}
	if f.check {
		return worst(reports)
	}
	return nil
}

// oneLine is a cluster's status where there are several.
func oneLine(r reconcile.Report) string {
	has := plural(len(r.Services), "service")
	if r.ServicesOnly {
		has += " and none of the nodes"
	} else {
		has += ", owner of the nodes"
	}
	line := fmt.Sprintf("cluster %s, revision %d, %s: %s", r.Cluster, r.Revision, has, verdict(r))
	if who := acting(r); who != "" {
		line += "; acting: " + who
	}
	return line
}

// worst is the exit code of status --check for several clusters.
func worst(reports []reconcile.Report) error {
	var held error
	for _, r := range reports {
		var exit *exitError
		if !errors.As(checked(r), &exit) {
			continue
		}
		if exit.code != exitHeld {
			return exit
		}
		held = exit
	}
	return held
}
