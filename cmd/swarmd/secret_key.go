package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/install"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

func secretKeyCommand(a *cli) *cobra.Command {
	var cluster, identity string
	cmd := &cobra.Command{
		Use:   "secret-key",
		Short: "Give swarmd the age identity for encrypted secrets, if it has none, and print the recipient to encrypt to",
		Long: `Prints the age recipient to which the file's secrets are encrypted: age -r RECIPIENT -o db.age, or age: in .sops.yaml.

If swarmd has no identity yet, one is made (or --identity is taken), kept as the Docker secret swarmd.CLUSTER.age-key, and given to
swarmd's service, which restarts for it, one manager after the other, and is waited for. Nobody can read it back: encrypt to a key of your own as well.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.secretKey(cmd.Context(), cluster, identity) },
	}
	clusterFlag(cmd, &cluster)
	cmd.Flags().StringVar(&identity, "identity", "", "file with the identity to give, as age-keygen writes it (default: a new one)")
	return cmd
}

func (a *cli) secretKey(ctx context.Context, asked, identity string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	known, err := a.chooseCluster(ctx, asked)
	if err != nil {
		return err
	}
	var given []byte
	if identity != "" {
		if given, err = os.ReadFile(identity); err != nil {
			return err
		}
	}
	engine, closer, err := a.Engine(nil)
	if err != nil {
		return err
	}
	defer closer()
	place := install.Identity{Engine: engine, Cluster: known.Name, Given: given, Secrets: a.Secrets}
	placed, err := place.Place(ctx)
	if err != nil {
		return fmt.Errorf("secret-key: %w", err)
	}
	secret := docker.IdentitySecret(known.Name)
	switch {
	case placed.Made:
		printf(a.err, "the identity is the secret %s; %s reads it\n", secret, placed.Service)
	case identity != "":
		printf(a.err, "warning: the cluster has an identity already, %s, and keeps it\n", secret)
	}
	printf(a.out, "%s\n", placed.Recipient)
	return place.Restarted(ctx, placed)
}
