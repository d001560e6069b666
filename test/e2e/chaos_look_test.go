//go:build linux

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"
)

// watch looks at the engines all the time until it is stopped.
func (c *chaos) watch() (stop func()) {
	ctx, cancel := context.WithCancel(c.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for pause(ctx, 700*time.Millisecond) {
			s, err := c.see(ctx)
			if err == nil {
				c.look(s)
			}
			c.blind(err)
		}
	}()
	return func() { cancel(); <-done }
}

// leaderless is how long the managers may be without an answer while none of them is harmed: elections, and engines that start.
const leaderless = 90 * time.Second

// blind finds a swarm that has no leader any more, although no machine of it is harmed.
func (c *chaos) blind(err error) {
	for _, d := range c.own("managers") {
		if c.isHarmed(d.ID) {
			c.wellSince = time.Now()
		}
	}
	if err == nil {
		c.wellSince = time.Now()
	}
	if lasts := time.Since(c.wellSince); lasts > leaderless {
		c.find(lostQuorum, "no manager answered for %v, and all were let alone: %v", lasts, err)
		c.wellSince = time.Now()
	}
}

func (c *chaos) see(ctx context.Context) (scene, error) { _, s, err := c.seeWith(ctx); return s, err }

// seeWith asks the engines of the managers that are well, past all networks, until one answers.
func (c *chaos) seeWith(ctx context.Context) (*client.Client, scene, error) {
	err := errors.New("no manager is well")
	for _, d := range c.own("managers") {
		host := c.lab.EngineHost(d.ID)
		if host == "" || c.isHarmed(d.ID) {
			continue
		}
		engine, failed := c.engineAt(host)
		if failed != nil {
			return nil, scene{}, failed
		}
		var s scene
		if s, err = ask(ctx, engine); err == nil {
			return engine, s, nil
		}
	}
	return nil, scene{}, err
}

// engineAt keeps one client for each socket; a machine that boots again has another one.
func (c *chaos) engineAt(host string) (*client.Client, error) {
	c.hurt.Lock()
	defer c.hurt.Unlock()
	if e := c.engines[host]; e != nil {
		return e, nil
	}
	e, err := client.NewClientWithOpts(client.WithHost(host), client.WithVersion(c.state.Engine.API))
	if err != nil {
		return nil, err
	}
	c.Cleanup(func() { _ = e.Close() })
	c.engines[host] = e
	return e, nil
}

func ask(ctx context.Context, engine *client.Client) (s scene, err error) {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	s.at = time.Now()
	if s.nodes, err = engine.NodeList(ctx, swarm.NodeListOptions{}); err != nil {
		return s, err
	}
	if s.services, err = engine.ServiceList(ctx, swarm.ServiceListOptions{Status: true}); err != nil {
		return s, err
	}
	s.configs, err = engine.ConfigList(ctx, swarm.ConfigListOptions{})
	return s, err
}

// mark makes somebody's own config and notes how that, the foreign service and the foreign label look.
func (c *chaos) mark() {
	c.Helper()
	if _, err := c.docker.ConfigCreate(c.Context(), swarm.ConfigSpec{Annotations: swarm.Annotations{Name: "shop.spec.1"}, Data: []byte("a person's own")}); err != nil {
		c.Fatal(err)
	}
	s, err := ask(c.Context(), c.docker)
	if err != nil {
		c.Fatal(err)
	}
	m := &marks{node: c.nodes(c.docker)[c.first.Name].ID, key: "somebody.else", value: "wrote this"}
	for _, v := range s.services {
		if v.Spec.Name == "foreign" {
			m.service = v.Spec
		}
	}
	for _, v := range s.configs {
		if v.Spec.Name == "shop.spec.1" {
			m.config = v.Spec
		}
	}
	c.witness.mu.Lock()
	defer c.witness.mu.Unlock()
	c.marks = m
}

// secrets looks for the API token and the swarm's join tokens in all that containers have logged, and on swarmd's pages.
func (c *chaos) secrets() {
	c.Helper()
	engine, _, err := c.seeWith(c.Context())
	if err != nil {
		c.Fatal(err)
	}
	info, err := engine.SwarmInspect(c.Context())
	if err != nil {
		c.Fatal(err)
	}
	canaries := map[string]string{"the API token": c.state.Token, "a worker's join token": info.JoinTokens.Worker, "a manager's join token": info.JoinTokens.Manager}
	texts := c.pages()
	logs, err := filepath.Glob(filepath.Join(c.at, "droplets", "*", "docker", "containers", "*", "*-json.log"))
	if err != nil || len(logs) == 0 {
		c.Fatalf("no container has a log: %v", err)
	}
	for _, path := range logs {
		texts[path], _ = os.ReadFile(path) // a container may go at any moment
	}
	c.read(texts, canaries)
}

// pages are what swarmd serves on each manager.
func (c *chaos) pages() map[string][]byte {
	c.Helper()
	out := map[string][]byte{}
	for _, d := range c.own("managers") {
		for _, page := range []string{"/metrics", "/status"} {
			url := fmt.Sprintf("http://%s:9810%s", d.Private, page)
			text, err := c.lab.Exec(c.Context(), d.ID, "curl", "-fsS", "--max-time", "5", url)
			if err != nil {
				c.Errorf("%s does not answer: %v", url, err)
			}
			out[url] = []byte(text)
		}
	}
	return out
}
