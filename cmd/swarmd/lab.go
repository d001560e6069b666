package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap/zapcore"

	"github.com/swarmd/swarmd/pkg/lab"
)

func labCommand(a *cli) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "Real droplets on this machine behind the same API (Linux, root)",
		Long: `A DigitalOcean-like cloud on one Linux machine: each droplet is a real systemd, cloud-init and dockerd in namespaces of its
own. Its network is a data centre of its own; run what has to reach droplets inside it: swarmd lab exec -- COMMAND.`,
	}
	cmd.PersistentFlags().StringVar(&dir, "dir", lab.DefaultDir, "where the lab keeps its machines and its image")
	cmd.AddCommand(labUp(a, &dir), labServe(a, &dir), labDown(a, &dir), labStatus(a, &dir), labExec(a, &dir))
	return cmd
}

func labServe(a *cli, dir *string) *cobra.Command {
	engine := lab.DefaultEngine
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the lab in the foreground until interrupted", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return lab.Serve(cmd.Context(), lab.Options{Dir: *dir, Engine: engine, Log: a.logger(zapcore.InfoLevel)}, a.printLab)
		},
	}
	engineFlag(cmd, &engine)
	return cmd
}

func engineFlag(cmd *cobra.Command, engine *lab.Engine) {
	cmd.Flags().TextVar(engine, "engine", *engine, "Docker release of the droplets: 20.10, 26.1, or 28.5, which is whatever Debian's unstable has")
}

// labLog is where a lab in the background writes.
func labLog(dir string) string { return filepath.Join(dir, "lab.log") }

// labUp starts the lab as a process of its own and waits until it serves.
func labUp(a *cli, dir *string) *cobra.Command {
	engine := lab.DefaultEngine
	cmd := &cobra.Command{
		Use: "up", Short: "Build the image once, start the lab in the background, print the environment to use it", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if st, err := lab.ReadStatus(*dir); err == nil {
				a.printLab(st)
				return otherEngine(cmd, st, engine)
			}
			self, err := os.Executable()
			if err != nil {
				return err
			}
			if err := os.MkdirAll(*dir, 0o755); err != nil {
				return err
			}
			log, err := os.Create(labLog(*dir))
			if err != nil {
				return err
			}
			defer log.Close()
			server := exec.Command(self, "lab", "serve", "--dir", *dir, "--engine", string(engine))
			server.Stdout, server.Stderr, server.SysProcAttr = log, log, detached()
			if err := server.Start(); err != nil {
				return err
			}
			ended := make(chan error, 1)
			go func() { ended <- server.Wait() }()
			return a.awaitLab(cmd, *dir, log.Name(), ended)
		},
	}
	engineFlag(cmd, &engine)
	return cmd
}

// otherEngine says that the lab that runs has not the engine that was asked for.
func otherEngine(cmd *cobra.Command, st lab.Status, wanted lab.Engine) error {
	if !cmd.Flags().Changed("engine") || st.Engine.Engine == wanted {
		return nil
	}
	return fmt.Errorf("the lab runs already, with engine %s: end it first (swarmd lab down) to have %s", st.Engine.Engine, wanted)
}

func (a *cli) awaitLab(cmd *cobra.Command, dir, log string, ended <-chan error) error {
	for {
		if st, err := lab.ReadStatus(dir); err == nil {
			a.printLab(st)
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("the lab did not start (%w): see %s", err, log)
		case <-cmd.Context().Done():
			return errors.New("interrupted; the lab goes on starting: swarmd lab status")
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func labDown(a *cli, dir *string) *cobra.Command {
	var image bool
	cmd := &cobra.Command{
		Use: "down", Short: "End the lab and leave nothing of it but the image", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := lab.Down(cmd.Context(), lab.Options{Dir: *dir}, image); err != nil {
				return err
			}
			_ = os.Remove(labLog(*dir)) // a lab that runs in the foreground has none
			if image {
				_ = os.Remove(*dir) // unless somebody put something there
			}
			fmt.Fprintln(a.out, "the lab is down")
			return nil
		},
	}
	cmd.Flags().BoolVar(&image, "image", false, "remove the image too")
	return cmd
}

func labStatus(a *cli, dir *string) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "The lab's droplets, and what this machine lacks", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			for _, c := range lab.Capabilities() {
				if !c.OK {
					printf(a.out, "missing here: %s: %s\n", c.Name, c.Effect)
				}
			}
			st, err := lab.ReadStatus(*dir)
			if err != nil {
				return err
			}
			a.printLab(st)
			w := tabwriter.NewWriter(a.out, 0, 0, 3, ' ', 0)
			fmt.Fprintln(w, "ID\tNAME\tSTATE\tPUBLIC\tPRIVATE")
			for _, d := range st.Droplets {
				printf(w, "%d\t%s\t%s\t%s\t%s\n", d.ID, d.Name, d.State, d.Public, d.Private)
			}
			return w.Flush()
		},
	}
}

// labExec runs a command in the data centre's network, where droplets can be reached, with the environment to talk to the lab.
func labExec(a *cli, dir *string) *cobra.Command {
	return &cobra.Command{
		Use: "exec -- COMMAND …", Short: "Run a command inside the data centre's network", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			st, err := lab.ReadStatus(*dir)
			if err != nil {
				return err
			}
			c, err := lab.Command(cmd.Context(), *dir, args...)
			if err != nil {
				return err
			}
			c.Stdin, c.Stdout, c.Stderr = a.in, a.out, a.err
			c.Env = append(os.Environ(), labEnvironment(st)...)
			err = c.Run()
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
				return &exitError{code: exit.ExitCode()}
			}
			return err
		},
	}
}

// labEnvironment is the environment inside the data centre: the API's address there is the one that droplets use.
func labEnvironment(st lab.Status) []string {
	return []string{"DIGITALOCEAN_API_URL=" + st.DropletURL, "DIGITALOCEAN_TOKEN=" + st.Token, "SWARMD_SSH_KEY=" + st.SSHKeyFile}
}

func (a *cli) printLab(st lab.Status) {
	for _, line := range st.Environ() {
		fmt.Fprintln(a.out, line)
	}
	printf(a.out, "# %v\n", st.Engine)
	printf(a.out, "# ssh_keys: [\"%s\"], registry %s; to reach droplets: swarmd lab exec -- COMMAND\n", st.SSHKeyID, st.Registry)
}
