package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/errgroup"

	"github.com/swarmd/swarmd/pkg/health"
	"github.com/swarmd/swarmd/pkg/reconcile"
)

// nodeHost in a listen address stands for this node's own address in the swarm.
const nodeHost = "node"

type runFlags struct {
	file, cluster, listen, readToken string
	debug                            bool
	begin                            beginFlags
	deny                             denial
}

func runCommand(a *app) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [-f FILE | --cluster NAME]",
		Short: "The daemon: follow the accepted revision, and the file as a source of revisions",
		Long: `Runs on the managers. With -f it also watches the file: each edit becomes a revision. Without a file it follows the
revisions in the swarm's own store, where bootstrap and apply put them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.daemon(cmd.Context(), f) },
	}
	fileFlag(cmd, &f.file)
	cmd.Flags().StringVar(&f.cluster, "cluster", "", "name of the cluster, when there is no file here")
	cmd.Flags().StringVar(&f.listen, "listen", health.DefaultListen, "address of /metrics, /healthz, /readyz and /status; the host \"node\" is this node's address in the swarm; \"\" for none")
	f.begin.flags(cmd)
	f.deny.flag(cmd, "hold services that would be root on the machines: with the Docker socket, the machine's disk or network, or a capability such as SYS_ADMIN")
	cmd.Flags().StringVar(&f.readToken, "read-token-file", "", "file with the bearer token that shows /status in full to other machines; without one they get counts (default: the unit's credential "+readCredential+")")
	cmd.Flags().BoolVar(&f.debug, "debug", false, "log more")
	return cmd
}

// tidiness is how much may be left over of what lives before it is collected, in percent. Go's own is 100. A daemon at rest has time, and its
// machine may have 1 GB.
const tidiness = 60

func (a *app) daemon(ctx context.Context, f runFlags) error {
	if a.getenv("GOGC") == "" {
		debug.SetGCPercent(tidiness)
	}
	level := zapcore.InfoLevel
	if f.debug {
		level = zapcore.DebugLevel
	}
	log := a.logger(level)
	first, err := a.firstFile(ctx, f)
	if err != nil {
		return err
	}
	token, err := a.readToken(f.readToken)
	if err != nil {
		return err
	}
	s, err := a.assemble(first.cluster, log, false)
	if err != nil {
		return err
	}
	defer s.close()
	s.takeOver, s.newCluster, s.beginning, s.denyHostAccess = f.begin.takeOver, f.begin.newCluster, first.spec, f.deny.wanted
	switch {
	case s.servicesOnly(ctx):
		s.withoutCloud()
	case s.cloud == nil:
		log.Warn("no API token: droplets are left alone")
	}
	g, ctx := errgroup.WithContext(ctx)
	cfg := s.config(instanceName(), false)
	cfg.Events = s.swarm.Events(ctx)
	if f.file != "" {
		host, _ := os.Hostname() // for people only
		cfg.Initial, cfg.Source, cfg.File = first.data, "file "+host+":"+f.file, f.file
		cfg.Edits, cfg.Unread = watchFile(ctx, f.file, first, log)
	}
	loop := reconcile.New(cfg)
	if err := s.serve(ctx, g, loop, f.listen, token); err != nil {
		return err
	}
	g.Go(func() error { return loop.Run(ctx) })
	g.Go(func() error { notifySystemd(ctx, loop); return nil })
	log.Info("running", zap.String("cluster", first.cluster), zap.String("version", version))
	err = g.Wait()
	log.Info("stopped")
	return err
}

// servicesOnly reports whether the cluster has no nodes of its own, by its ledger or by what it is to be begun as.
func (s *assembly) servicesOnly(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	st, err := s.store.Look(ctx)
	if err == nil && st.Exists {
		return st.Ledger.ServicesOnly
	}
	return s.newCluster // without an answer: whatever it owns is looked at after a restart
}

// instanceName tells this process from an earlier one on the same node.
func instanceName() string { return reconcile.RandomOpIDs(1)[0][:5] }

// serve starts the HTTP side.
func (s *assembly) serve(ctx context.Context, g *errgroup.Group, loop *reconcile.Loop, listen string, token func() string) error {
	if listen == "" {
		return nil
	}
	addr, err := s.listenAddr(ctx, listen)
	if err != nil {
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	s.log.Info("listening", zap.String("address", l.Addr().String()))
	g.Go(func() error { return health.Serve(ctx, l, s.handler(loop, token), s.log) })
	return nil
}

func (s *assembly) handler(loop *reconcile.Loop, token func() string) http.Handler {
	return health.Handler(health.Sources{Metrics: s.registry, Alive: loop.Alive, Ready: loop.Ready,
		Status: func() any { return loop.Last() }, Counts: func() any { return loop.Last().Counts() }, Token: token})
}

func (s *assembly) listenAddr(ctx context.Context, listen string) (string, error) {
	port, ok := strings.CutPrefix(listen, nodeHost+":")
	if !ok {
		return listen, nil
	}
	info, err := s.swarm.Info(ctx)
	if err != nil {
		return "", fmt.Errorf("find this node's address: %w", err)
	}
	if info.NodeAddr == "" {
		return "", fmt.Errorf("--listen %s: this machine is in no swarm and has no address there", listen)
	}
	return net.JoinHostPort(info.NodeAddr, port), nil
}

// notifySystemd says READY when the first pass is over, feeds the watchdog while the loop turns, and says STOPPING at the end. Without
// systemd it does nothing.
func notifySystemd(ctx context.Context, loop *reconcile.Loop) {
	notify := func(state string) { _, _ = daemon.SdNotify(false, state) } // without a socket there is nobody to tell
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval == 0 {
		interval = time.Minute
	}
	ready, tick := false, time.NewTicker(min(interval/3, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			notify(daemon.SdNotifyStopping)
			return
		case <-tick.C:
		}
		last := loop.Last()
		if !ready && last.Result != reconcile.Starting {
			ready = true
			notify(daemon.SdNotifyReady)
		}
		if loop.Alive() == nil {
			notify(daemon.SdNotifyWatchdog + "\nSTATUS=" + statusLine(last))
		}
	}
}

func statusLine(r reconcile.Report) string {
	who := "watching"
	if r.Lease.Held {
		who = "acting"
	}
	return fmt.Sprintf("%s, revision %d, %s", who, r.Revision, r.Result)
}
