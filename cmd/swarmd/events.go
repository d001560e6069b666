package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/internal/clock"
	"github.com/swarmd/swarmd/pkg/health"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// eventsPace is how often a followed timeline is asked for what is new.
const eventsPace = time.Second

// maxTimeline bounds an answer: a thousand events of long messages have less.
const maxTimeline = 16 << 20

func eventsCommand(a *cli) *cobra.Command {
	var f eventsFlags
	cmd := &cobra.Command{
		Use:   "events",
		Short: "What a swarmd has done and seen change, its last 1,000 events: steps, what was held, what ended",
		Long: `What a swarmd has done and seen change since it started, its last 1,000 events.

It asks the swarmd of one machine: with DOCKER_HOST=ssh://… that of the machine there, else the one on this machine. Each
manager's swarmd keeps its own timeline. The one that acts has the steps.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.events(cmd.Context(), f) },
	}
	cmd.Flags().StringVar(&f.address, "address", "", "HOST:PORT where the swarmd listens (default: port 9810, as it listens by default)")
	cmd.Flags().StringVar(&f.token, "read-token-file", "", "file with the token that a swarmd of another machine wants")
	cmd.Flags().BoolVarP(&f.follow, "follow", "f", false, "go on until interrupted")
	cmd.Flags().BoolVar(&f.warnings, "warnings", false, "only what a person should look at")
	cmd.Flags().BoolVar(&f.json, "json", false, "as JSON, an event a line")
	return cmd
}

type eventsFlags struct {
	address, token         string
	follow, warnings, json bool
}

func (a *cli) events(ctx context.Context, f eventsFlags) error {
	page, err := a.Page(ctx, f.address, health.DefaultListen)
	if err != nil {
		return err
	}
	defer page.Close()
	token, err := a.ReadToken(f.token)
	if err != nil {
		return err
	}
	if token == nil {
		token = func() string { return "" }
	}
	for after := uint64(0); ; {
		events, err := timeline(ctx, page.Client, page.URL, token(), after)
		if err != nil {
			return fmt.Errorf("ask the swarmd at %s: %w", page.URL, err)
		}
		if err := a.printEvents(events, f); err != nil || !f.follow {
			return err
		}
		if len(events) > 0 {
			after = events[len(events)-1].Seq
		}
		if clock.Sleep(ctx, eventsPace) != nil {
			return nil
		}
	}
}

// timeline asks a swarmd for its events after a number.
func timeline(ctx context.Context, c *http.Client, url, token string, after uint64) (events []report.Event, err error) {
	switch status, body, err := ask(ctx, c, fmt.Sprintf("%s/events?after=%d", url, after), token); {
	case err != nil:
		return nil, err
	case status == http.StatusNotFound:
		return nil, errors.New("it has no timeline: it is an older swarmd")
	case status != http.StatusOK:
		return nil, errors.New(strings.TrimSpace(string(body)))
	default:
		return events, json.Unmarshal(body, &events)
	}
}

// ask gets an answer of a swarmd.
func ask(ctx context.Context, c *http.Client, url, token string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("%w; does it run there? --address names another place", err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxTimeline))
	return resp.StatusCode, body, err
}

func (a *cli) printEvents(events []report.Event, f eventsFlags) error {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, e := range events {
		switch {
		case f.warnings && e.Type != report.Warning:
		case f.json:
			line, err := json.Marshal(e)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s\n", line)
		default:
			printf(w, "%s\t%s\t%s\t%s\t%s\n", e.At.Local().Format(time.DateTime), e.Type, e.Reason, e.Object, e.Message)
		}
	}
	return w.Flush()
}
