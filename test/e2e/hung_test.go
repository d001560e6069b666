//go:build linux

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/swarmd/swarmd/pkg/lab"
)

// TestHung lets workers hang: their engines are stopped, and answer nothing while their machines run.
func TestHung(t *testing.T) {
	s := newStage(t, "hung", want{managers: 1, workers: 2, web: "1", webReplicas: 3, workerRepair: "1m"})
	for _, step := range []struct {
		name string
		run  func(*stage)
	}{
		{"1 an engine hangs, and a power cycle heals it", (*stage).hangs},
		{"2 an engine hangs, and no power cycle heals it", (*stage).staysDead},
	} {
		began := time.Now()
		if !t.Run(step.name, func(t *testing.T) {
			was := s.T
			s.T = t
			defer func() { s.T = was }()
			step.run(s)
		}) {
			t.Fatal("stopped")
		}
		t.Logf("%s: %v", step.name, time.Since(began).Round(100*time.Millisecond))
	}
}

// hang stops a worker's engine and waits until its power was cycled. It returns when it was stopped.
func (s *stage) hang(d lab.Droplet) time.Time {
	s.Helper()
	at := time.Now()
	if err := s.lab.Signal(d.ID, "dockerd", unix.SIGSTOP); err != nil {
		s.Fatal(err)
	}
	s.until("the power is cycled", 5*time.Minute, func() (bool, string) {
		for _, now := range s.droplets(d.Name) {
			return now.Since.After(at), fmt.Sprint(now.State)
		}
		return false, "it is gone"
	})
	return at
}

// wellAgain waits until everything is as the file wants it, and every machine answers.
func (s *stage) wellAgain() {
	s.Helper()
	s.until("all is well", 5*time.Minute, func() (bool, string) {
		r := s.statusQuiet()
		return r.Converged, r.Result + " " + r.Error
	})
	s.wholeAndQuiet(s.want.managers, s.want.workers)
	s.answers(s.want.webReplicas, "v1")
}

func (s *stage) hangs() {
	was, hung := s.ids("shop-"), s.droplets("shop-workers-")[0]
	node := s.nodes(s.docker)[hung.Name].ID
	at := s.hang(hung)
	s.until("its node is ready", 2*time.Minute, func() (bool, string) { return s.works(hung) })
	s.Logf("report: a worker's engine hangs: its power is cycled and it is ready again after %.0f s, %s of it waited for", time.Since(at).Seconds(), s.want.workerRepair)
	s.wellAgain()
	s.stay(was)
	if now := s.nodes(s.docker)[hung.Name].ID; now != node || len(s.ids("shop-")) != len(was) {
		s.Errorf("node %s before, %s after; machines %v before, %v after", node, now, was, s.ids("shop-"))
	}
}

// staysDead stops the engine of a machine whose disk lets none start any more.
func (s *stage) staysDead() {
	workers := s.droplets("shop-workers-")
	dead, known := workers[len(workers)-1], s.ids("shop-workers-")
	if out, err := s.lab.Exec(s.Context(), dead.ID, "systemctl", "mask", "docker.service", "docker.socket"); err != nil {
		s.Fatalf("mask: %v: %s", err, out)
	}
	end, others := s.stream(8080, s.droplets("shop-")...), append(s.droplets("shop-managers-"), workers[0])
	at := s.hang(dead)
	if out, err := s.lab.Exec(s.Context(), dead.ID, "readlink", "/etc/systemd/system/docker.service"); strings.TrimSpace(out) != "/dev/null" {
		s.Fatalf("the power cycle heals it, so this shows nothing: %q, %v", out, err)
	}
	s.until("another machine took its place", 5*time.Minute, func() (bool, string) {
		d, _ := s.lab.Cloud.Droplet(dead.ID)
		return !d.Deleted.IsZero(), dead.Name + " is there"
	})
	s.wellAgain()
	s.onlyTheLostFail("a machine hung and was replaced", end(), others)
	came := s.newcomer(known)
	old, _ := s.lab.Cloud.Droplet(dead.ID)
	if joined := s.nodes(s.docker)[came.Name].CreatedAt; came.Name == "" || !joined.Before(old.Deleted) {
		s.Errorf("%s joined at %v, and %s was deleted at %v: the new one comes first", came.Name, joined, old.Name, old.Deleted)
	}
	s.Logf("report: a worker's engine hangs and no power cycle heals it: another one has joined and the old one is gone after %.0f s, twice %s of it waited for",
		old.Deleted.Sub(at).Seconds(), s.want.workerRepair)
}
