package app

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
)

// VPCs returns the cloud's private networks, as far as they are known; none where the file names none. It never waits.
func (a *App) VPCs(named string) []cloud.VPC {
	if named == "" || a.options.Offer != nil {
		return nil
	}
	return a.networks.now(named)
}

// FetchVPCs asks the cloud for its private networks if the file names one, and waits for the answer, 30 seconds at most. Without one, what was known stays.
func (a *App) FetchVPCs(named string) {
	if named != "" {
		a.networks.fetch()
	}
}

// networks keeps which private networks there are. It is asked on the loop's way and must not wait: what is stale, or does not have the name, is fetched
// beside it.
type networks struct {
	cloud *brake.Cloud

	mu    sync.Mutex
	known []cloud.VPC
	asked time.Time
}

func (n *networks) now(named string) []cloud.VPC {
	n.mu.Lock()
	defer n.mu.Unlock()
	has := slices.ContainsFunc(n.known, func(v cloud.VPC) bool { return v.Name == named || v.UUID == named })
	if age := time.Since(n.asked); n.cloud != nil && (age > 24*time.Hour || !has && age > 10*time.Minute) {
		n.asked = time.Now()
		go n.fetch()
	}
	return n.known
}

func (n *networks) fetch() {
	if n.cloud == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	all, err := n.cloud.VPCs(ctx)
	if err != nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known = all
}
