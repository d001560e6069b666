// swarmd is a reconciling controller for Docker Swarm on DigitalOcean: it reads the desired state from one file, compares it with
// the live droplets and the live swarm, and converges. Exit codes are part of the contract, see each command's help.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// version is set at link time.
var version = "dev"

// exitHeld is the code when nothing is wrong, and the file does not become true without a person.
const exitHeld = 3

// exitInterrupted is the shell's code for a command that Ctrl-C ended.
const exitInterrupted = 130

// exitError ends the program with a code; an empty message prints nothing.
type exitError struct {
	code int
	msg  string
}

func (e *exitError) Error() string { return e.msg }

func main() {
	ctx, stop := untilEnded()
	code := run(ctx, newCLI(), os.Args[1:])
	stop()
	os.Exit(code)
}

// untilEnded returns a context that ends when the program is asked to end: by Ctrl-C, by a supervisor, or by a terminal or an SSH session that is closed,
// unless it was started with nohup.
func untilEnded() (context.Context, context.CancelFunc) {
	asked := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		asked = append(asked, syscall.SIGHUP)
	}
	return signal.NotifyContext(context.Background(), asked...)
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, a *cli, args []string) int {
	cmd := rootCommand(a)
	cmd.SetArgs(args)
	cmd.SetOut(a.out)
	cmd.SetErr(a.err)
	err := cmd.ExecuteContext(ctx)
	var exit *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		if exit.msg != "" {
			printf(a.err, "swarmd: %s\n", exit.msg)
		}
		return exit.code
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintln(a.err, "swarmd: interrupted")
		return exitInterrupted
	}
	a.failed(err)
	return 1
}

// failed tells why a command ends.
func (a *cli) failed(err error) { fmt.Fprintln(a.err, "swarmd:", paragraph(a.advised(err))) }
