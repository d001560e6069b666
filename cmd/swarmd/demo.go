package main

import (
	"context"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/sync/errgroup"

	"github.com/swarmd/swarmd/deploy"
	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/bootstrap"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// demoSpeed is how much faster than at DigitalOcean machines boot and join.
const demoSpeed = 15

func demoCommand(a *cli) *cobra.Command {
	var once, logs bool
	var listen string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The simulated world, an example, the daemon and its page, in one command",
		Long: `Simulates a DigitalOcean account and a Docker Swarm, runs swarmd on an example file, and gives a tour: the cluster comes up,
the file is edited, a task dies and comes back, somebody scales by hand. Then it stays: edit the file it names, look at
/metrics and /status, or use docker and doctl with the environment it prints. It needs no account, no root and no Docker.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), once, logs, listen) },
	}
	cmd.Flags().BoolVar(&once, "once", false, "play the tour to its end and leave; exit 0 only if every step was seen")
	cmd.Flags().BoolVar(&logs, "logs", false, "show the daemon's log too")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "address of /metrics, /healthz, /readyz and /status")
	return cmd
}

// demonstration is a running demo.
type demonstration struct {
	app   *cli
	world *sim.World
	file  string // that the daemon watches
	loop  *reconcile.Loop
	page  string // URL of the daemon's HTTP side
	env   []string
}

func (a *cli) demo(ctx context.Context, once, logs bool, listen string) error {
	dir, err := os.MkdirTemp("", "swarmd-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	g, ctx := errgroup.WithContext(ctx)
	d := &demonstration{app: a, world: sim.New(simOptions(demoSpeed)), file: filepath.Join(dir, "demo.yaml")}
	if err := os.WriteFile(d.file, deploy.Demo, 0o644); err != nil {
		return err
	}
	level := zapcore.FatalLevel
	if logs {
		level = zapcore.InfoLevel
	}
	if err := d.start(ctx, g, a.logger(level), listen, dir); err != nil {
		stop()
		_ = g.Wait() // the first error is the one to tell
		return err
	}
	g.Go(func() error {
		if err := d.tour(ctx); err != nil || once {
			stop()
			return err
		}
		d.stay()
		<-ctx.Done()
		return nil
	})
	return g.Wait()
}

// start brings up the servers of the simulated world, its first manager, and the daemon on it.
func (d *demonstration) start(ctx context.Context, g *errgroup.Group, log *zap.Logger, listen, dir string) error {
	server, err := d.world.Serve(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	g.Go(server.Wait)
	d.env = simEnvironment(d.world, server)
	there := d.app.at(d.app.With("DIGITALOCEAN_API_URL", server.CloudURL()).With("DIGITALOCEAN_TOKEN", d.world.Token()).
		With("DIGITALOCEAN_TOKEN_FILE", "").With("DOCKER_HOST", server.DockerHost()))
	s, _, err := file.Parse(d.file, deploy.Demo)
	if err != nil {
		return err
	}
	asm, err := there.connect(s.Cluster, log, true)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, asm.Close)
	if err := d.firstManager(ctx, there, s, server.DockerHost(), dir); err != nil {
		return err
	}
	d.loop = asm.Loop(app.Role{Events: asm.Swarm.Events(ctx), File: app.FirstLook{Data: deploy.Demo}.Watch(ctx, d.file, "file "+d.file, log)})
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return err
	}
	d.page = "http://" + l.Addr().String()
	g.Go(func() error { return asm.Run(ctx, d.loop, app.Page{Listener: l}) })
	return nil
}

// firstManager is what `swarmd bootstrap` does, without ssh: the simulated engine is reached over TCP.
func (d *demonstration) firstManager(ctx context.Context, there *cli, s *file.Document, host, dir string) error {
	api, err := there.Cloud(nil)
	if err != nil {
		return err
	}
	o, err := bootstrap.Prepare(ctx, s, api, nil)
	if err != nil {
		return err
	}
	o.Intent, o.Progress = bootstrap.Intent{Dir: dir}, d.say
	o.Dial = func(context.Context, string, []string) (bootstrap.Engine, error) {
		return docker.New(docker.Options{Host: host})
	}
	_, err = bootstrap.FirstManager(ctx, o)
	return err
}

func (d *demonstration) say(format string, args ...any) {
	printf(d.app.out, "  "+format+"\n", args...)
}

// stay tells what there is to look at.
func (d *demonstration) stay() {
	out := d.app.out
	printf(out, "\nThe demo goes on until you interrupt it.\n  edit   %s\n  look   %s/metrics  %s/status\n", d.file, d.page, d.page)
	printf(out, "  and in another shell, with docker, doctl or swarmd status:\n")
	for _, line := range d.env {
		printf(out, "    export %s\n", line)
	}
}
