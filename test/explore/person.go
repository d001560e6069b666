package explore

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/swarmd/swarmd/pkg/cloud"
)

// person is who edits things by hand, past swarmd. None of it may break anything, and nothing of theirs may be touched.
type person struct {
	run       *run
	strangers int
}

// object is what the Docker API answers, as far as an edit needs it.
type object struct {
	ID      string
	Name    string // of a network
	Version struct{ Index uint64 }
	Spec    map[string]any
}

// edit does one of the things that people do.
func (p *person) edit(n int) {
	switch sortOfEdit(n) {
	case 0:
		p.label(n)
	case 1:
		p.order()
	case 2:
		p.scale()
	case 3:
		p.drain()
	}
}

// sortOfEdit is which of the things that people do is done at a call.
func sortOfEdit(n int) int { return n % 4 }

func itoa(n int) string { return strconv.Itoa(n) }

func (p *person) list(path string) []object {
	var all []object
	if err := p.run.world.Ask(http.MethodGet, path, nil, &all); err != nil {
		return nil // no manager answers: the person gives up
	}
	return all
}

func (p *person) update(kind string, o object) {
	err := p.run.world.Ask(http.MethodPost, fmt.Sprintf("/%s/%s/update?version=%d", kind, o.ID, o.Version.Index), o.Spec, nil)
	p.run.scheduler.remark("a person edits %s %s: %v", kind, o.ID, err)
}

// label puts a label of their own on a node.
func (p *person) label(n int) {
	nodes := p.list("/nodes")
	if len(nodes) == 0 {
		return
	}
	o := nodes[0]
	labels, _ := o.Spec["Labels"].(map[string]any)
	if labels == nil {
		labels = map[string]any{}
	}
	labels["theirs"] = fmt.Sprint(n)
	o.Spec["Labels"] = labels
	p.update("nodes", o)
	p.run.check.theirs[o.ID] = fmt.Sprint(n)
}

// drain drains a worker, as before a repair.
func (p *person) drain() {
	for _, o := range p.list("/nodes") {
		if o.Spec["Role"] == "worker" {
			o.Spec["Availability"] = "drain"
			p.update("nodes", o)
			return
		}
	}
}

// scale changes the replicas of a service of the cluster.
func (p *person) scale() {
	for _, o := range p.list("/services") {
		labels, _ := o.Spec["Labels"].(map[string]any)
		mode, _ := o.Spec["Mode"].(map[string]any)
		replicated, _ := mode["Replicated"].(map[string]any)
		if labels["swarmd.cluster"] == p.run.cluster && replicated != nil {
			replicated["Replicas"] = 4
			clear(p.run.check.pushes) // the engine forgets how the roll-out went when anybody writes
			p.update("services", o)
			return
		}
	}
}

// order makes a droplet of their own with the cluster's tag.
func (p *person) order() {
	if p.strangers >= 3 {
		return
	}
	p.strangers++
	body, err := json.Marshal(map[string]any{"name": fmt.Sprintf("theirs-%d", p.strangers), "region": "fra1", "size": "s-1vcpu-1gb",
		"image": "docker-20-04", "tags": []string{cloud.ClusterTag(p.run.cluster)}})
	if err != nil {
		p.run.violate("harness", "%v", err)
		return
	}
	p.ask(http.MethodPost, "/v2/droplets", body)
}

// ask calls the cloud's API.
func (p *person) ask(method, path string, body []byte) {
	r, err := http.NewRequest(method, "http://api.digitalocean.com"+path, bytes.NewReader(body))
	if err != nil {
		p.run.violate("harness", "%v", err)
		return
	}
	r.Header.Set("Authorization", "Bearer "+p.run.world.Token())
	resp, err := p.run.world.Transport().RoundTrip(r)
	if err != nil {
		p.run.violate("harness", "%v", err)
		return
	}
	resp.Body.Close()
	p.run.scheduler.remark("a person: %s %s → %d", method, path, resp.StatusCode)
}

// employ makes a service of their own.
func (p *person) employ() {
	spec := map[string]any{"Name": "theirs", "TaskTemplate": map[string]any{"ContainerSpec": map[string]any{"Image": "redis:7"}},
		"Mode": map[string]any{"Replicated": map[string]any{"Replicas": 1}}}
	if err := p.run.world.Ask(http.MethodPost, "/services/create", spec, nil); err != nil {
		p.run.violate("harness", "employ: %v", err)
	}
}

// takeLease writes another holder into the lease, one that is never heard of again.
func (p *person) takeLease() {
	for _, o := range p.list("/configs") {
		labels, _ := o.Spec["Labels"].(map[string]any)
		if o.Spec["Name"] != "swarmd."+p.run.cluster+".lease" {
			continue
		}
		var epoch, renewed uint64
		_, _ = fmt.Sscan(fmt.Sprint(labels["swarmd.lease.epoch"]), &epoch)     // a lease without a number counts as the first
		_, _ = fmt.Sscan(fmt.Sprint(labels["swarmd.lease.renewed"]), &renewed) // likewise
		labels["swarmd.lease.holder"], labels["swarmd.lease.epoch"], labels["swarmd.lease.renewed"] = "visitor-ghost", fmt.Sprint(epoch+1), fmt.Sprint(renewed+1)
		p.update("configs", o)
		return
	}
}
