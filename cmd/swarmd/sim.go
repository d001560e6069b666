package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
	"github.com/swarmd/swarmd/pkg/spec"
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

// simFlags say what the world of `swarmd sim` is like.
type simFlags struct {
	listen, engine string
	speed          float64
	limit          int
	seeded         sim.Seeded
	provided       spec.DigitalOcean
	file           string
	images         []string // NAME=crash or NAME=missing
}

func simCommand(a *cli) *cobra.Command {
	var f simFlags
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "The simulated DigitalOcean and Docker Engine as servers; prints the environment to use them",
		Long: `Serves a simulated DigitalOcean account and the Docker API of a simulated swarm on one address, until interrupted.
The lines that it prints are the environment for swarmd and for any other client (docker, doctl, terraform):

    swarmd sim >sim.env & until [ -s sim.env ]; do sleep 0.1; done; set -a; . ./sim.env; set +a; docker node ls

The swarm has one manager, or as many machines as --managers and --workers say. With --managers 0 the account is empty, and
nothing answers at DOCKER_HOST until a droplet is there.
With -f the first manager is as the file has it: its cluster, region, size and image; the ssh keys and the VPC that it names are there.
Simulated machines have no ssh, which swarmd bootstrap needs: begin with swarmd plan and swarmd apply.
Every image is there, whatever its name and tag, so that no typing error in one shows; it is for linux/amd64 and runs for ever, but in a
job, whose containers end after two seconds. To try one that is missing, or one that crashes: --image nginx:1.28=missing --image web:2=crash`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.asFileWants(a.err); err != nil {
				return err
			}
			world, err := f.world(cmd.Flags().Changed("droplet-limit"))
			if err != nil {
				return err
			}
			if len(f.images) == 0 {
				printf(a.err, "every image is there, whatever its tag; to try one that is not: --image NAME:TAG=missing, or =crash\n")
			}
			return a.serveSim(cmd.Context(), world, f.listen)
		},
	}
	f.register(cmd)
	return cmd
}

func (f *simFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:0", "address to serve on")
	flags.StringVar(&f.engine, "engine", string(dockerd.DefaultRelease), "Docker Engine that the simulated ones speak as: 20.10, 26.1 or 28.5")
	flags.StringVarP(&f.file, "file", "f", "", "file of the cluster to begin: what it names is there")
	flags.StringVar(&f.seeded.Cluster, "cluster", "sim", "cluster name in the droplets' names and tags")
	flags.StringVar(&f.seeded.Region, "region", "fra1", "region of the droplets to start with, which the examples name too")
	flags.IntVar(&f.limit, "droplet-limit", usualDropletLimit, "droplets that the account may have; more to start with raise it if it is not given")
	flags.IntVar(&f.seeded.Managers, "managers", 1, "managers to start with; 0 is an empty account")
	flags.IntVar(&f.seeded.Workers, "workers", 0, "workers to start with")
	flags.IntVar(&f.seeded.Services, "services", 0, "services to start with, two tasks each")
	flags.StringArrayVar(&f.images, "image", nil, "NAME:TAG=crash: containers of the image exit with code 1 after two seconds; NAME:TAG=missing: no registry has it; without a tag latest is meant (repeatable)")
	flags.Float64Var(&f.speed, "speed", 10, "how much faster than the real one machines boot and join")
}

// asFileWants makes the world begin as the file has its first manager.
func (f *simFlags) asFileWants(warnings io.Writer) error {
	if f.file == "" {
		return nil
	}
	s, _, err := readFile(f.file, nil, warnings)
	if err != nil {
		return err
	}
	f.provided, f.seeded.Cluster = s.Cloud, s.Cluster
	for _, p := range s.Pools {
		if p.Role == "manager" {
			f.seeded.Pool, f.seeded.Region, f.seeded.Size, f.seeded.Image = p.Name, p.Region, p.Size, p.Image
			return nil
		}
	}
	return fmt.Errorf("%s has no pool of managers: leave out -f", f.file)
}

// usualDropletLimit is what an account may have unless more is asked for.
const usualDropletLimit = 25

// world makes the world that the flags ask for. limited says that the limit of droplets was given: it is not raised then.
func (f simFlags) world(limited bool) (*sim.World, error) {
	if err := f.check(limited); err != nil {
		return nil, err
	}
	release, err := dockerd.ParseRelease(f.engine)
	if err != nil {
		return nil, fmt.Errorf("--engine: %w", err)
	}
	images, err := simImages(f.images)
	if err != nil {
		return nil, err
	}
	o := simOptions(f.speed)
	o.Docker.Release, o.Cloud.DropletLimit = release, max(f.limit, f.seeded.Managers+f.seeded.Workers)
	world := sim.New(o)
	for name, image := range images {
		world.Swarm.SetImage(name, image)
	}
	world.Cloud.Provide(f.seeded.Region, f.provided.VPC, f.provided.SSHKeys)
	if f.seeded.Managers == 0 {
		return world, nil
	}
	return world, world.Populate(f.seeded)
}

// check finds what the flags ask for and cannot get.
func (f simFlags) check(limited bool) error {
	seeded := f.seeded
	droplets := seeded.Managers + seeded.Workers
	switch {
	case f.speed <= 0:
		return errors.New("--speed must be above 0")
	case f.limit <= 0:
		return errors.New("--droplet-limit must be above 0")
	case min(seeded.Managers, seeded.Workers, seeded.Services) < 0:
		return errors.New("--managers, --workers and --services must be 0 or more")
	case seeded.Managers == 0 && seeded.Workers+seeded.Services > 0:
		return errors.New("--workers and --services need a swarm: give --managers 1 or more")
	case limited && droplets > f.limit:
		return fmt.Errorf("--droplet-limit is %d, and %s are asked for to start with: raise it, or leave it out", f.limit, plural(droplets, "droplet"))
	}
	return nil
}

// simImages reads how images behave: NAME=crash or NAME=missing, where a name may have a port and a tag.
func simImages(given []string) (map[string]dockerd.Image, error) {
	images := map[string]dockerd.Image{}
	for _, text := range given {
		name, how, _ := strings.Cut(text, "=")
		switch {
		case name == "":
			return nil, fmt.Errorf("--image %s: write NAME=crash or NAME=missing", text)
		case how == "crash":
			images[name] = dockerd.Image{CrashAfter: 2 * time.Second}
		case how == "missing":
			images[name] = dockerd.Image{Missing: true}
		default:
			return nil, fmt.Errorf("--image %s: write %s=crash or %s=missing", text, name, name)
		}
	}
	return images, nil
}

func (a *cli) serveSim(ctx context.Context, world *sim.World, listen string) error {
	server, err := world.Serve(ctx, listen)
	if err != nil {
		return err
	}
	// At once: who waits for the file to have something in it sources all of it.
	fmt.Fprintln(a.out, strings.Join(simEnvironment(world, server), "\n"))
	return server.Wait()
}

// simEnvironment is what a shell sources to talk to the world. doctl reads its token from a variable of its own.
func simEnvironment(w *sim.World, s *sim.Server) []string {
	return []string{
		"DIGITALOCEAN_API_URL=" + s.CloudURL(),
		"DIGITALOCEAN_TOKEN=" + w.Token(),
		"DIGITALOCEAN_ACCESS_TOKEN=" + w.Token(),
		"DOCKER_HOST=" + s.DockerHost(),
	}
}
