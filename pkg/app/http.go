package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/swarmd/swarmd/pkg/health"
	"github.com/swarmd/swarmd/pkg/reconcile"
)

// nodeHost in a listen address stands for this node's own address in the swarm.
const nodeHost = "node"

// Page is the HTTP side of a swarmd.
type Page struct {
	Listener net.Listener  // nil: there is none
	Token    func() string // shows /status in full to other machines, see health.Sources; nil: to none
}

// Listen listens on the address, whose host may be "node". "" is no listener.
func (a *App) Listen(ctx context.Context, address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	address, err := a.resolve(ctx, address)
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	a.options.Log.Info("listening", zap.String("address", l.Addr().String()))
	return l, nil
}

func (a *App) resolve(ctx context.Context, address string) (string, error) {
	port, ok := strings.CutPrefix(address, nodeHost+":")
	if !ok {
		return address, nil
	}
	info, err := a.Swarm.Info(ctx)
	if err != nil {
		return "", fmt.Errorf("find this node's address: %w", err)
	}
	if info.NodeAddr == "" {
		return "", fmt.Errorf("--listen %s: this machine is in no swarm and has no address there", address)
	}
	return net.JoinHostPort(info.NodeAddr, port), nil
}

// Run runs the loop and serves its page until ctx ends, or one of them does with an error. It is called once.
func (a *App) Run(ctx context.Context, loop *reconcile.Loop, page Page) error {
	g, ctx := errgroup.WithContext(ctx)
	if page.Listener != nil {
		g.Go(func() error { return health.Serve(ctx, page.Listener, a.handler(loop, page.Token), a.options.Log) })
	}
	g.Go(func() error { return loop.Run(ctx) })
	return g.Wait()
}

// handler is the page. What the Go runtime and the process tell of themselves is shown there, too.
func (a *App) handler(loop *reconcile.Loop, token func() string) http.Handler {
	a.Metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return health.Handler(health.Sources{Metrics: a.Metrics, Alive: loop.Alive, Ready: loop.Ready, Status: loop.Last, Events: loop.Events,
		Changed: loop.Changed, Token: token})
}
