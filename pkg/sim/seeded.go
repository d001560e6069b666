package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	api "github.com/docker/docker/api/types/swarm"
)

// Seeded is what a world has in it at the start.
type Seeded struct {
	Cluster  string // names and tags the droplets as swarmd would; default "sim"
	Region   string // default: the first
	Managers int    // default 1, if there is anything at all
	Next     int    // managers too, of a pool named next
	Workers  int
	Services int // replicated, two tasks each
	From     int // number of the first machine: a second seeding with another one makes a swarm beside the first, and other names
}

// Populate fills the world at once: no boot, join or lag takes time. The nodes are active, the services on their way.
func (w *World) Populate(s Seeded) error {
	if s.Cluster == "" {
		s.Cluster = "sim"
	}
	if s.Managers == 0 && s.Workers+s.Services > 0 {
		s.Managers = 1
	}
	defer w.hurry()()
	var names []string
	for i := range s.Managers + s.Next + s.Workers {
		pool := "managers"
		switch {
		case i >= s.Managers+s.Next:
			pool = "workers"
		case i >= s.Managers:
			pool = "next"
		}
		name := fmt.Sprintf("%s-%s-%s", s.Cluster, pool, letters(s.From+i))
		if err := w.order(s, name, letters(s.From+i)); err != nil {
			return err
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil
	}
	if err := w.form(names, s.Managers+s.Next); err != nil {
		return err
	}
	return w.employ(s)
}

// hurry takes all delays away and returns what puts them back.
func (w *World) hurry() func() {
	w.mu.Lock()
	boot := w.opts.BootTime
	w.opts.BootTime = 0
	w.mu.Unlock()
	w.Cloud.SetLags(0, 0, 0)
	join := w.Swarm.SetJoinTime(0)
	return func() {
		w.Swarm.SetJoinTime(join)
		w.mu.Lock()
		w.opts.BootTime = boot
		w.mu.Unlock()
		w.Cloud.SetLags(w.opts.Cloud.ListLag, w.opts.Cloud.TagDelay, w.opts.Cloud.ActionTime)
	}
}

// order creates a droplet over the API.
func (w *World) order(s Seeded, name, op string) error {
	body, err := json.Marshal(map[string]any{
		"name": name, "region": s.Region, "size": "s-1vcpu-1gb", "image": "docker-20-04",
		"tags": []string{"swarmd:" + s.Cluster, "swarmd-op:" + op}, "user_data": "# " + DropletLabel,
	})
	if err != nil {
		return err
	}
	r, err := http.NewRequest(http.MethodPost, "http://api.digitalocean.com/v2/droplets", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+w.Token())
	st := newPage()
	w.Cloud.ServeHTTP(st, r)
	if st.status != http.StatusAccepted {
		return fmt.Errorf("populate: create %s: %s", name, bytes.TrimSpace(st.body))
	}
	return nil
}

// form makes a swarm of the machines: the first managers of them are managers.
func (w *World) form(names []string, managers int) error {
	w.Advance()
	first := w.Engine(names[0])
	if first == nil {
		return fmt.Errorf("populate: %s has no engine", names[0])
	}
	if _, err := first.Init(); err != nil {
		return fmt.Errorf("populate: init: %w", err)
	}
	var swarm api.Swarm
	if err := ask(first.Handler(), http.MethodGet, "/swarm", nil, &swarm); err != nil {
		return fmt.Errorf("populate: join tokens: %w", err)
	}
	for i, name := range names[1:] {
		token := swarm.JoinTokens.Worker
		if i+1 < managers {
			token = swarm.JoinTokens.Manager
		}
		if err := w.Engine(name).Join(token, "active", []string{first.Addr()}); err != nil {
			return fmt.Errorf("populate: join %s: %w", name, err)
		}
	}
	return nil
}

func (w *World) employ(s Seeded) error {
	for i := range s.Services {
		two := uint64(2)
		spec := api.ServiceSpec{
			Annotations:  api.Annotations{Name: fmt.Sprintf("service-%03d", i+1)},
			TaskTemplate: api.TaskSpec{ContainerSpec: &api.ContainerSpec{Image: "nginx:1.27"}},
			Mode:         api.ServiceMode{Replicated: &api.ReplicatedService{Replicas: &two}},
		}
		if err := w.Ask(http.MethodPost, "/services/create", spec, nil); err != nil {
			return fmt.Errorf("populate: %w", err)
		}
	}
	return nil
}

// letters writes a number as five letters, as the ends of swarmd's droplet names are.
func letters(n int) string {
	b := []byte("aaaaa")
	for i := len(b) - 1; n > 0 && i >= 0; i-- {
		b[i] += byte(n % 26)
		n /= 26
	}
	return string(b)
}
