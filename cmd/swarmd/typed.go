package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"
)

// typed wants a name typed that is called so, unless it is given. Whatever else comes ends the command: so far it has done nothing, which is said in
// its own words.
func (a *cli) typed(ctx context.Context, called, want, given, nothing string) error {
	if given == "" {
		printf(a.out, "type %s to go on: ", called)
		line := make(chan string, 1)
		go func() { // a read cannot be ended, the program can
			text, _ := bufio.NewReader(a.in).ReadString('\n')
			line <- text
		}()
		select {
		case given = <-line:
		case <-ctx.Done():
			fmt.Fprintln(a.out)
			return fmt.Errorf("wait for the confirmation: %w; %s", ctx.Err(), nothing)
		}
		if given == "" {
			return &exitError{code: 1, msg: "no confirmation; " + nothing}
		}
		given = strings.TrimSpace(given)
	}
	if given != want {
		return &exitError{code: 1, msg: fmt.Sprintf("%q is not %q; %s", given, want, nothing)}
	}
	return nil
}
