package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/errgroup"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/health"
)

type runFlags struct {
	file, cluster, listen, readToken string
	debug                            bool
	begin                            beginFlags
	deny                             denial
}

func runCommand(a *cli) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [-f FILE | --cluster NAME]",
		Short: "The daemon: follow the accepted revision, and the file as a source of revisions",
		Long: `Runs on the managers. With -f it also watches the file: each edit becomes a revision, and takes along
what it names in the file's folder or below. Without a file it follows the revisions in the swarm's own store, where bootstrap
and apply put them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.daemon(cmd.Context(), f) },
	}
	fileFlag(cmd, &f.file)
	cmd.Flags().StringVar(&f.cluster, "cluster", "", "name of the cluster, when there is no file here")
	cmd.Flags().StringVar(&f.listen, "listen", health.DefaultListen, "address of /metrics, /healthz, /readyz and /status; the host \"node\" is this node's address in the swarm; \"\" for none")
	f.begin.flags(cmd)
	f.deny.flag(cmd, "hold services that would be root on the machines: with the Docker socket, the machine's disk or network, or a capability such as SYS_ADMIN")
	cmd.Flags().StringVar(&f.readToken, "read-token-file", "", "file with the bearer token that shows /status in full to other machines; without one they get counts (default: the unit's credential "+access.ReadCredential+")")
	cmd.Flags().BoolVar(&f.debug, "debug", false, "log more")
	return cmd
}

// tidiness is how much may be left over of what lives before it is collected, in percent. Go's own is 100. A daemon at rest has time, and its
// machine may have 1 GB.
const tidiness = 60

func (a *cli) daemon(ctx context.Context, f runFlags) error {
	if a.Getenv("GOGC") == "" {
		debug.SetGCPercent(tidiness)
	}
	level := zapcore.InfoLevel
	if f.debug {
		level = zapcore.DebugLevel
	}
	log := a.logger(level)
	a.Held = append(a.Held, f.readToken)
	first, err := app.LookFirst(ctx, f.file, f.cluster, a.Own(), func(ctx context.Context) (string, error) {
		only, err := a.chooseCluster(ctx, "")
		return only.Name, err
	})
	if err != nil {
		return err
	}
	token, err := a.ReadToken(f.readToken)
	if err != nil {
		return err
	}
	s, err := a.connect(first.Cluster, log, false)
	if err != nil {
		return err
	}
	defer s.Close()
	switch {
	case s.OwnsNothing(ctx, f.begin.newCluster):
		s.WithoutCloud()
	case s.Cloud == nil:
		log.Warn("no API token: droplets are left alone")
	}
	g, ctx := errgroup.WithContext(ctx)
	role := app.Role{TakeOver: f.begin.takeOver, NewCluster: f.begin.newCluster, Beginning: first.Spec, DenyHostAccess: f.deny.wanted, Events: s.Swarm.Events(ctx)}
	if f.file != "" {
		host, _ := os.Hostname() // for people only
		role.File = first.Watch(ctx, f.file, "file "+host+":"+f.file, log)
	}
	loop := s.Loop(role)
	page := app.Page{Token: token}
	if page.Listener, err = s.Listen(ctx, f.listen); err != nil {
		return err
	}
	g.Go(func() error { return s.Run(ctx, loop, page) })
	g.Go(func() error { app.NotifySystemd(ctx, loop); return nil })
	log.Info("running", zap.String("cluster", first.Cluster), zap.String("version", version))
	err = g.Wait()
	log.Info("stopped")
	return err
}
