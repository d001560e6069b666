package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// advised is an error with what to do about it as its last words.
func (a *cli) advised(err error) string {
	text := a.redact(err.Error())
	var gaps gapsError
	if errors.As(err, &gaps) {
		return text // each has its own
	}
	var call *apierr.Error
	if !errors.As(err, &call) {
		return text
	}
	return withAdvice(text, a.advice(call))
}

func withAdvice(text, advice string) string {
	if advice == "" {
		return text
	}
	return text + ": " + advice
}

// advice is what to do about a call that failed, "" if its own words say it or nothing is to be done.
func (a *cli) advice(e *apierr.Error) string {
	if errors.Is(e.Err, context.Canceled) {
		return ""
	}
	if e.Side == "swarm" {
		return a.engineAdvice(e)
	}
	if e.Side == "cloud" {
		return a.cloudAdvice(e)
	}
	return ""
}

func (a *cli) cloudAdvice(e *apierr.Error) string {
	switch e.Kind {
	case apierr.Unauthorized:
		return "set DIGITALOCEAN_TOKEN, or DIGITALOCEAN_TOKEN_FILE, to a token that is neither expired nor revoked (README, The token)"
	case apierr.Forbidden:
		return fmt.Sprintf("give the token in DIGITALOCEAN_TOKEN the scope %s, or set another one (README, The token)", digitalocean.Scope(e.Op))
	case apierr.RateLimited:
		return "the account's calls are used up, by all its tokens together: try again " + later(e.RetryAfter)
	case apierr.NotFound:
		if url := a.Getenv("DIGITALOCEAN_API_URL"); url != "" && strings.HasPrefix(e.Op, "list ") {
			return fmt.Sprintf("is DIGITALOCEAN_API_URL (%s) the API's? without it DigitalOcean's own is asked", url)
		}
	case apierr.Unavailable:
		if url := a.Getenv("DIGITALOCEAN_API_URL"); url != "" {
			return fmt.Sprintf("is DIGITALOCEAN_API_URL (%s) right? else try again", url)
		}
		return "is there a way to api.digitalocean.com from here? status.digitalocean.com says whether it is up; else try again"
	}
	return ""
}

func later(after time.Duration) string {
	if after <= 0 {
		return "in a few minutes"
	}
	return "in " + after.Round(time.Second).String()
}

func (a *cli) engineAdvice(e *apierr.Error) string {
	host := a.Getenv("DOCKER_HOST")
	at := "DOCKER_HOST (" + host + ")"
	if host == "" {
		at = "DOCKER_HOST, which is not set,"
	}
	switch e.Kind {
	case apierr.Unavailable:
		if e.Code != 0 {
			return "the engine answered so: try again; its log says more (journalctl -u docker on that machine)"
		}
		if strings.HasPrefix(host, "ssh://") && strings.Contains(e.Error(), "dial tcp") {
			return "is the machine up that DOCKER_HOST (" + host + ") names, and does its sshd answer from here? else set DOCKER_HOST to another manager"
		}
		if strings.HasPrefix(host, "ssh://") {
			return "does " + strings.TrimPrefix(host, "ssh://") + ", which DOCKER_HOST names, let you in with ssh? --ssh-key names the key, --ssh-accept-new takes a host's that is not known"
		}
		return "set " + at + " to a manager that is up: ssh://root@ADDRESS, as bootstrap prints it"
	case apierr.NotManager:
		return "set " + at + " to a manager of the swarm; where there is no swarm yet, swarmd bootstrap makes one"
	case apierr.NotFound:
		if strings.HasPrefix(e.Op, "list ") {
			return "is " + at + " an engine's? what answers there does not know that call"
		}
	case apierr.NoLeader:
		return "the managers have no majority: start those that are down; docs/recovery.md has the way on if they are lost"
	case apierr.Unauthorized, apierr.Forbidden:
		return "the engine at " + strings.TrimSuffix(at, ",") + " does not let you: DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or the user of ssh, must be its administrator's"
	}
	return ""
}

// gapAdvice is advice about what could not be read.
func (a *cli) gapAdvice(g world.Gap) string { return a.advice(callOf(g)) }

// callOf is the call that met a gap.
func callOf(g world.Gap) *apierr.Error {
	side := "swarm"
	if g.What == world.GapDroplets {
		side = "cloud"
	}
	op, _, _ := strings.Cut(g.Err, ": ")
	return &apierr.Error{Kind: g.Kind, Side: side, Op: op, Err: errors.New(g.Err)}
}

// actingAdvice is advice about what the swarmd that acts could not read: what it was given is not what stands in the environment here.
func actingAdvice(g world.Gap) string {
	switch call := callOf(g); {
	case call.Side != "cloud":
	case call.Kind == apierr.Unauthorized:
		return "the token that it was given is expired or revoked: " + renewToken
	case call.Kind == apierr.Forbidden:
		return fmt.Sprintf("give its token the scope %s, or it another token: %s", digitalocean.Scope(call.Op), renewToken)
	case call.Kind == apierr.RateLimited:
		return "the account's calls are used up, by all its tokens together, and it goes on by itself in a few minutes"
	}
	return "it tries again by itself; if that lasts, its log says more"
}

const renewToken = "run swarmd bootstrap again with another one in DIGITALOCEAN_TOKEN, which gives it to every swarmd (README, The token)"

// gapsError is a look that did not see everything.
type gapsError struct{ lines []string }

func (e gapsError) Error() string { return strings.Join(e.lines, "\n") }

// gapError refuses to call a half-seen world a plan.
func (a *cli) gapError(gaps []world.Gap) error {
	if len(gaps) == 0 {
		return nil
	}
	return gapsError{a.gapLines(gaps)}
}
