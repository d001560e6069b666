package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/apierr"
)

// TestAMachineThatIsNoMoreIsNoMatterOfKeys: who recovers a swarm may well name one that was destroyed.
func TestAMachineThatIsNoMoreIsNoMatterOfKeys(t *testing.T) {
	a := &cli{Access: access.Access{Getenv: func(string) string { return "ssh://root@203.0.113.13" }, Secrets: apierr.NewRedactor()}}
	for text, want := range map[string]string{
		"dial ssh: ssh to 203.0.113.13:22: dial tcp 203.0.113.13:22: connect: no route to host":                       "set DOCKER_HOST to another manager",
		"dial ssh: ssh to 203.0.113.13:22: ssh: handshake failed: ssh: unable to authenticate, attempted [publickey]": "let you in with ssh?",
	} {
		said := a.advised(&apierr.Error{Side: "swarm", Op: "engine info", Kind: apierr.Unavailable, Err: errors.New(text)})
		if !strings.Contains(said, want) {
			t.Errorf("%q, want %q", said, want)
		}
	}
}

// TestWhatIsNoEngineIsNamed: who names another server's address in DOCKER_HOST is told so.
func TestWhatIsNoEngineIsNamed(t *testing.T) {
	a := &cli{Access: access.Access{Getenv: func(string) string { return "tcp://web.example:80" }, Secrets: apierr.NewRedactor()}}
	for op, want := range map[string]bool{"list configs": true, "inspect service": false} {
		said := a.advised(&apierr.Error{Side: "swarm", Op: op, Kind: apierr.NotFound, Code: 404, Err: errors.New("404 page not found")})
		if strings.HasSuffix(said, ": is DOCKER_HOST (tcp://web.example:80) an engine's? what answers there does not know that call") != want {
			t.Errorf("%s: %q", op, said)
		}
	}
}
