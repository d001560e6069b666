package sim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/cloud/userdata"
	"github.com/swarmd/swarmd/pkg/sim/docean"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Seeded is what a world has in it at the start.
type Seeded struct {
	Cluster  string // names and tags the droplets as swarmd would; default "sim"
	Region   string // default: the first
	Size     string // default "s-1vcpu-1gb"
	Image    string // default "docker-20-04"
	Pool     string // of the managers, default "managers"
	Managers int    // default 1, if there is anything at all
	Next     int    // managers too, of a pool named next
	Workers  int
	Services int  // replicated, two tasks each
	Untagged bool // the droplets have no tag of their swarm, as those that swarmd made before there was one
	From     int  // number of the first machine: a second seeding with another one makes a swarm beside the first, and other names
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
		pool := cmp.Or(s.Pool, "managers")
		switch {
		case i >= s.Managers+s.Next:
			pool = "workers"
		case i >= s.Managers:
			pool = "next"
		}
		name := fmt.Sprintf("%s-%s-%s", s.Cluster, pool, letters(s.From+i))
		w.Cloud.ForgetRequests() // what a world begins with was not asked for by anybody
		if err := w.order(s, name, letters(s.From+i)); err != nil {
			return err
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil
	}
	swarm, err := w.form(names, s.Managers+s.Next)
	if err != nil {
		return err
	}
	if !s.Untagged {
		if err := w.tag("swarmd-swarm:"+swarm, names); err != nil {
			return fmt.Errorf("populate: tag: %w", err)
		}
	}
	return w.Swarm.Together(func() error { return w.employ(s, w.Engine(names[0]).Handler()) })
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
		"name": name, "region": s.Region, "size": cmp.Or(s.Size, "s-1vcpu-1gb"), "image": cmp.Or(s.Image, "docker-20-04"),
		"tags": []string{"swarmd:" + s.Cluster, "swarmd-op:" + op}, "user_data": fmt.Sprintf("# %s %s=%d", DropletLabel, swarm.LabelTemplate, userdata.Template),
	})
	if err != nil {
		return err
	}
	if err := w.request(http.MethodPost, "/v2/droplets", body, http.StatusAccepted); err != nil {
		return fmt.Errorf("populate: create %s: %w", name, err)
	}
	return nil
}

// request sends the cloud a request that passes no fault hook and is in no trace.
func (w *World) request(method, path string, body []byte, want int) error {
	r, err := http.NewRequest(method, "http://api.digitalocean.com"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+w.Token())
	st := newPage()
	w.Cloud.ServeHTTP(st, r)
	if st.status != want {
		return fmt.Errorf("%s %s: %s", method, path, bytes.TrimSpace(st.body))
	}
	return nil
}

// tag tags the droplets of these names.
func (w *World) tag(tag string, names []string) error {
	if err := w.request(http.MethodPost, "/v2/tags", []byte(`{"name":"`+tag+`"}`), http.StatusCreated); err != nil {
		return err
	}
	return w.tagged(http.MethodPost, tag, func(d docean.Droplet) bool { return slices.Contains(names, d.Name) })
}

// Untag takes the tags of their swarms from the droplets of these names, from all without a name, as if the version before had made them.
func (w *World) Untag(names ...string) error {
	var tags []string
	for _, d := range w.Cloud.Droplets() {
		for _, t := range d.Tags {
			if strings.HasPrefix(t, "swarmd-swarm:") && !slices.Contains(tags, t) {
				tags = append(tags, t)
			}
		}
	}
	for _, tag := range tags {
		if err := w.tagged(http.MethodDelete, tag, func(d docean.Droplet) bool {
			return slices.Contains(d.Tags, tag) && (len(names) == 0 || slices.Contains(names, d.Name))
		}); err != nil {
			return err
		}
	}
	return nil
}

// tagged puts the tag on those droplets, or takes it away.
func (w *World) tagged(method, tag string, which func(docean.Droplet) bool) error {
	type resource struct {
		ID   string `json:"resource_id"`
		Type string `json:"resource_type"`
	}
	var resources []resource
	for _, d := range w.Cloud.Droplets() {
		if which(d) {
			resources = append(resources, resource{strconv.Itoa(d.ID), "droplet"})
		}
	}
	body, err := json.Marshal(map[string]any{"resources": resources})
	if err != nil {
		return err
	}
	return w.request(method, "/v2/tags/"+tag+"/resources", body, http.StatusNoContent)
}

// form makes a swarm of the machines, and returns its id: the first managers of them are managers.
func (w *World) form(names []string, managers int) (id string, err error) {
	w.Advance()
	first := w.Engine(names[0])
	if first == nil {
		return "", fmt.Errorf("populate: %s has no engine", names[0])
	}
	if _, err := first.Init(); err != nil {
		return "", fmt.Errorf("populate: init: %w", err)
	}
	var swarm api.Swarm
	if err := ask(first.Handler(), http.MethodGet, "/swarm", nil, &swarm); err != nil {
		return "", fmt.Errorf("populate: join tokens: %w", err)
	}
	for i, name := range names[1:] {
		token := swarm.JoinTokens.Worker
		if i+1 < managers {
			token = swarm.JoinTokens.Manager
		}
		if err := w.Engine(name).Join(token, "active", []string{first.Addr()}); err != nil {
			return "", fmt.Errorf("populate: join %s: %w", name, err)
		}
	}
	return swarm.ID, nil
}

// employ asks a manager for the services.
func (w *World) employ(s Seeded, manager http.Handler) error {
	for i := range s.Services {
		two := uint64(2)
		spec := api.ServiceSpec{
			Annotations:  api.Annotations{Name: fmt.Sprintf("service-%03d", i+1)},
			TaskTemplate: api.TaskSpec{ContainerSpec: &api.ContainerSpec{Image: "nginx:1.27"}},
			Mode:         api.ServiceMode{Replicated: &api.ReplicatedService{Replicas: &two}},
		}
		if err := ask(manager, http.MethodPost, "/services/create", spec, nil); err != nil {
			return fmt.Errorf("populate: %w", err)
		}
	}
	w.poke()
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
