package main

import (
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/apierr"
)

// cli is what a command line acts with: the streams and the environment, so that tests can bring their own.
type cli struct {
	in  io.Reader
	out io.Writer
	err io.Writer
	access.Access
}

func newCLI() *cli {
	return &cli{in: os.Stdin, out: os.Stdout, err: os.Stderr, Access: access.Access{Getenv: access.WithCredential(os.Getenv), Secrets: apierr.NewRedactor()}}
}

// redact takes the secrets that this command line knows out of a text.
func (a *cli) redact(s string) string { return a.Secrets.String(s) }

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
		validateCommand(a), planCommand(a), applyCommand(a), runCommand(a), statusCommand(a), eventsCommand(a), whyCommand(a), auditCommand(a), drainCommand(a), activateCommand(a),
		replaceCommand(a), pauseCommand(a), resumeCommand(a), protectCommand(a), drillCommand(a), recoverCommand(a), confirmCommand(a), secretKeyCommand(a), historyCommand(a), revertCommand(a), rollbackCommand(a),
		bootstrapCommand(a), destroyCommand(a), simCommand(a), labCommand(a), demoCommand(a),
		schemaCommand(a), versionCommand(a),
	)
	for _, cmd := range root.Commands() {
		if slices.Contains([]string{"plan", "apply", "run", "status", "events", "why", "audit", "drain", "activate", "pause", "resume", "protect", "confirm", "secret-key", "history", "revert", "rollback", "bootstrap", "destroy", "recover"}, cmd.Name()) {
			sshFlags(cmd, a)
		}
	}
	strict(root)
	root.SetFlagErrorFunc(wrongFlag)
	return root
}

// sshFlags are for the commands that speak to an engine, which may be reached through ssh.
func sshFlags(cmd *cobra.Command, a *cli) {
	cmd.Flags().StringVar(&a.SSHKey, "ssh-key", "", "private key file for ssh (default: the agent, then ~/.ssh; or SWARMD_SSH_KEY)")
	cmd.Flags().BoolVar(&a.AcceptNew, "ssh-accept-new", a.Getenv("SWARMD_SSH_ACCEPT_NEW") != "",
		"accept and keep the key of a host that is not known yet, never a changed one (or SWARMD_SSH_ACCEPT_NEW)")
}
