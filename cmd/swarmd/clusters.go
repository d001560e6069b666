package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

var errNoCluster = errors.New("this swarm knows no cluster of swarmd: run swarmd bootstrap, or swarmd apply")

// knownClusters returns the clusters that the swarm's store knows, sorted by name.
func (a *cli) knownClusters(ctx context.Context) ([]ledger.Known, error) {
	engine, closer, err := a.Engine(nil)
	if err != nil {
		return nil, err
	}
	defer closer()
	return ledger.Clusters(ctx, engine)
}

// clusterNames is knownClusters for who needs no more of them.
func (a *cli) clusterNames(ctx context.Context) ([]string, error) {
	known, err := a.knownClusters(ctx)
	return names(known), err
}

func names(known []ledger.Known) []string {
	var out []string
	for _, c := range known {
		out = append(out, c.Name)
	}
	return out
}

func namesOf(known []ledger.Known) string { return strings.Join(names(known), ", ") }

// choose returns the cluster that is asked for, or else the only one.
func choose(known []ledger.Known, asked string) (ledger.Known, error) {
	i := slices.IndexFunc(known, func(c ledger.Known) bool { return c.Name == asked })
	switch {
	case len(known) == 0:
		return ledger.Known{}, errNoCluster
	case asked == "" && len(known) > 1:
		return ledger.Known{}, fmt.Errorf("this swarm knows the clusters %s: choose with --cluster", namesOf(known))
	case asked == "":
		return known[0], nil
	case i < 0:
		return ledger.Known{}, fmt.Errorf("this swarm knows no cluster %s; it knows: %s", asked, namesOf(known))
	}
	return known[i], nil
}

// chooseCluster returns the cluster that is asked for, or else the only one, if the swarm's store knows it.
func (a *cli) chooseCluster(ctx context.Context, asked string) (ledger.Known, error) {
	known, err := a.knownClusters(ctx)
	if err != nil {
		return ledger.Known{}, err
	}
	return choose(known, asked)
}

// chooseOwner is chooseCluster for who changes nodes: of several clusters it is the one that owns them.
func (a *cli) chooseOwner(ctx context.Context, asked string) (string, error) {
	known, err := a.knownClusters(ctx)
	if err != nil {
		return "", err
	}
	if asked == "" && len(known) > 1 {
		known = slices.DeleteFunc(known, func(c ledger.Known) bool { return c.ServicesOnly })
	}
	c, err := choose(known, asked)
	if err == nil && c.ServicesOnly {
		return "", fmt.Errorf("cluster %s has services only, and none of the nodes: docker node update changes one that is no cluster's", c.Name)
	}
	return c.Name, err
}

// statusOfAll shows each cluster of the swarm in a line.
func (a *cli) statusOfAll(ctx context.Context, known []ledger.Known, f statusFlags) error {
	reports, errs := make([]report.Report, len(known)), make([]error, len(known))
	var looks sync.WaitGroup
	for i, c := range known {
		looks.Go(func() {
			asm, r, err := a.look(ctx, c, f.deny)
			if reports[i], errs[i] = r, err; err == nil {
				asm.Close()
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
func oneLine(r report.Report) string {
	has := plural(len(r.Services), "service")
	if r.ServicesOnly {
		has += " and none of the nodes"
	} else {
		has += ", owner of the nodes"
	}
	line := fmt.Sprintf("cluster %s, revision %d, %s: %s", r.Cluster, r.Revision, has, verdict(r))
	if r.Error != "" {
		line += " (" + r.Error + ")"
	}
	if who := acting(r); who != "" {
		line += "; acting: " + who
	}
	return line
}

// worst is the exit code of status --check for several clusters.
func worst(reports []report.Report) error {
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
