package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// NotBegunError is why the cluster's ledger is not made in a swarm that has none. Who acted there would take it for the cluster's.
type NotBegunError struct{ Text string }

func (e *NotBegunError) Error() string { return e.Text }

// Begin returns a *NotBegunError if the swarm has no ledger of the cluster and none may be made there. With Config.TakeOver it makes the ledger
// at once, and with Config.NewCluster, so that every other swarmd finds it. Run must not be running.
func (l *Loop) Begin(ctx context.Context) error {
	st, err := l.cfg.Store.Look(ctx)
	if err != nil || st.Exists {
		return err
	}
	if err := l.mayBegin(ctx); err != nil || !l.cfg.TakeOver && !l.cfg.NewCluster {
		return err
	}
	info, err := l.cfg.Elector.Identity(ctx)
	if err != nil {
		return err
	}
	return l.cfg.Store.Create(ctx, info.ClusterID, 0)
}

// MayBegin is Begin without the write.
func (l *Loop) MayBegin(ctx context.Context) error {
	st, err := l.cfg.Store.Look(ctx)
	if err != nil || st.Exists {
		return err
	}
	return l.mayBegin(ctx)
}

// beginMemory is how long a refusal to begin counts without another look. The elector asks every ledger.RetryPeriod, on each manager, and each
// look lists the account's droplets: the API's limit of calls is the account's.
const beginMemory = time.Minute

// mayBeginAgain is mayBegin, with a refusal from memory.
func (l *Loop) mayBeginAgain(ctx context.Context) error {
	l.mu.Lock()
	why, until := l.notBegun, l.notBegunUntil
	l.mu.Unlock()
	if why != nil && time.Now().Before(until) {
		return why
	}
	err := l.mayBegin(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notBegunUntil = time.Now().Add(beginMemory) // notBegun follows with the elector's word
	return err
}

// mayBegin is asked before the ledger is made.
func (l *Loop) mayBegin(ctx context.Context) error {
	others, err := l.cfg.Store.Others(ctx)
	if err != nil {
		return fmt.Errorf("look for other clusters: %w", err)
	}
	c, err := l.cfg.Reads.Swarm.Cluster(ctx)
	if err != nil {
		return fmt.Errorf("look at the swarm: %w", err)
	}
	if err := l.maySideBySide(others, c.ID); err != nil || l.cfg.NewCluster || l.cfg.TakeOver || l.cfg.Reads.Cloud == nil {
		return err
	}
	droplets, err := l.cfg.Reads.Cloud.Droplets(ctx, cloud.ClusterTag(l.cfg.Cluster))
	if err != nil {
		return fmt.Errorf("look for the cluster's droplets: %w", err)
	}
	nodes, err := l.cfg.Reads.Swarm.Nodes(ctx)
	if err != nil {
		return fmt.Errorf("look at the nodes: %w", err)
	}
	strays := world.Strays(world.Answers{Name: l.cfg.Cluster, Droplets: droplets, Nodes: nodes, Cluster: c})
	if len(strays) == 0 {
		return nil
	}
	return &NotBegunError{fmt.Sprintf("swarmd never acted in this swarm (%s), and the account has %s of a cluster %s that are none of its nodes: %s. "+
		"Is DOCKER_HOST another swarm's, or do two clusters have one name? If swarmd is to act here all the same, say so once with "+
		"swarmd apply -f FILE --take-over: those droplets stay held until they join this swarm or somebody deletes them", c.ID, count(len(strays), "droplet"), l.cfg.Cluster, names(strays))}
}

func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// names of the first droplets.
func names(droplets []cloud.Droplet) string {
	const most = 5
	var out []string
	for _, d := range droplets[:min(len(droplets), most)] {
		out = append(out, d.Name)
	}
	if len(droplets) > most {
		out = append(out, "…")
	}
	return strings.Join(out, ", ")
}

// refused remembers why the ledger is not begun; any other news of the lease forgets it.
func (l *Loop) refused(err error) {
	var why *NotBegunError
	if !errors.As(err, &why) {
		why = nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.notBegun = why
}

// unbegun is why the ledger is not begun, nil if it is or nothing is against it.
func (l *Loop) unbegun() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.notBegun == nil {
		return nil
	}
	return l.notBegun
}
