package main

import (
	"context"
	"io"
	"net"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/apierr"
)

// cli is what a command line acts with: the streams and the environment, so that tests can bring their own.
type cli struct {
	in     io.Reader
	out    io.Writer
	err    io.Writer
	getenv func(string) string
	sshKey string // file, from --ssh-key
	hosts  string // known_hosts file to go by; "" to look for the one that knows the host

	dial func(ctx context.Context, network, addr string) (net.Conn, error) // how ssh reaches an address; nil as the network has it

	sshAcceptNew bool             // take the key of a host that no known_hosts file knows, and keep it
	secrets      *apierr.Redactor // values that no output may hold
}

func newCLI() *cli {
	return &cli{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: withCredential(os.Getenv), secrets: apierr.NewRedactor()}
}

func rootCommand(a *cli) *cobra.Command {
	root := &cobra.Command{
		Use:           "swarmd",
		Short:         "One file becomes a real swarm: droplets, nodes and services in one loop",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Long: `swarmd reads the desired state of a Docker Swarm on DigitalOcean from one YAML file, compares it with what is
there, and converges: it creates droplets, joins them, keeps the managers' quorum, runs services and rolls updates.

Environment: DIGITALOCEAN_TOKEN (or DIGITALOCEAN_TOKEN_FILE), DIGITALOCEAN_API_URL, and Docker's own DOCKER_HOST
(unix, tcp, ssh), DOCKER_TLS_VERIFY, DOCKER_CERT_PATH.`,
	}
	root.AddCommand(
		validateCommand(a), planCommand(a), applyCommand(a), runCommand(a), statusCommand(a), drainCommand(a), activateCommand(a),
		bootstrapCommand(a), destroyCommand(a), simCommand(a), labCommand(a), demoCommand(a),
		schemaCommand(a), versionCommand(a),
	)
	for _, cmd := range root.Commands() {
		if slices.Contains([]string{"plan", "apply", "run", "status", "drain", "activate", "bootstrap", "destroy"}, cmd.Name()) {
			sshFlags(cmd, a)
		}
	}
	return root
}

// sshFlags are for the commands that speak to an engine, which may be reached through ssh.
func sshFlags(cmd *cobra.Command, a *cli) {
	cmd.Flags().StringVar(&a.sshKey, "ssh-key", "", "private key file for ssh (default: the agent, then ~/.ssh; or SWARMD_SSH_KEY)")
	cmd.Flags().BoolVar(&a.sshAcceptNew, "ssh-accept-new", a.getenv("SWARMD_SSH_ACCEPT_NEW") != "",
		"accept and keep the key of a host that is not known yet, never a changed one (or SWARMD_SSH_ACCEPT_NEW)")
}
