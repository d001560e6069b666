package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// simOptions is a world in which a person need not wait: seconds where the real one takes a minute.
func simOptions(speed float64) sim.Options {
	scale := func(d time.Duration) time.Duration { return time.Duration(float64(d) / speed) }
	o := sim.Options{
		Seed: 1, BootTime: scale(20 * time.Second), JoinTime: scale(3 * time.Second), ShutdownTime: scale(5 * time.Second),
	}
	o.Cloud.ActionTime = scale(8 * time.Second)
	o.Cloud.ListLag, o.Cloud.TagDelay = scale(2*time.Second), scale(3*time.Second)
	return o
}

func simCommand(a *app) *cobra.Command {
	var listen, engine string
	var speed float64
	var seeded sim.Seeded
	var limit int
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "The simulated DigitalOcean and Docker Engine as servers; prints the environment to use them",
		Long: `Serves a simulated DigitalOcean account and the Docker API of a simulated swarm on one address, until interrupted.
The lines that it prints are the environment for swarmd and for any other client (docker, doctl, terraform):

    swarmd sim >sim.env & sleep 1; set -a; . ./sim.env; docker node ls`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if speed <= 0 {
				return fmt.Errorf("--speed must be above 0")
			}
			if limit <= 0 {
				return fmt.Errorf("--droplet-limit must be above 0")
			}
			release, err := dockerd.ParseRelease(engine)
			if err != nil {
				return fmt.Errorf("--engine: %w", err)
			}
			o := simOptions(speed)
			o.Docker.Release, o.Cloud.DropletLimit = release, limit
			world := sim.New(o)
			if seeded.Managers+seeded.Workers+seeded.Services > 0 {
				if err := world.Populate(seeded); err != nil {
					return err
				}
			}
			return a.serveSim(cmd.Context(), world, listen)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "address to serve on")
	cmd.Flags().StringVar(&engine, "engine", string(dockerd.DefaultRelease), "Docker Engine that the simulated ones speak as: 20.10, 26.1 or 28.5")
	cmd.Flags().StringVar(&seeded.Cluster, "cluster", "sim", "cluster name in the droplets' names and tags")
	cmd.Flags().StringVar(&seeded.Region, "region", "fra1", "region of the droplets to start with, which the examples name too")
	cmd.Flags().IntVar(&limit, "droplet-limit", 25, "droplets that the account may have")
	cmd.Flags().IntVar(&seeded.Managers, "managers", 0, "managers to start with")
	cmd.Flags().IntVar(&seeded.Workers, "workers", 0, "workers to start with")
	cmd.Flags().IntVar(&seeded.Services, "services", 0, "services to start with, two tasks each")
	cmd.Flags().Float64Var(&speed, "speed", 10, "how much faster than the real one machines boot and join")
	return cmd
}

func (a *app) serveSim(ctx context.Context, world *sim.World, listen string) error {
	server, err := world.Serve(ctx, listen)
	if err != nil {
		return err
	}
	for _, line := range simEnvironment(world, server) {
		fmt.Fprintln(a.out, line)
	}
	return server.Wait()
}

// simEnvironment is what a shell sources to talk to the world.
func simEnvironment(w *sim.World, s *sim.Server) []string {
	return []string{
		"DIGITALOCEAN_API_URL=" + s.CloudURL(),
		"DIGITALOCEAN_TOKEN=" + w.Token(),
		"DOCKER_HOST=" + s.DockerHost(),
	}
}
