//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/lab"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// webService is a replicated service that starts first, behind a proxy on each worker.
func webService(image string) map[string]any {
	return map[string]any{
		"image":       image,
		"healthcheck": map[string]any{"test": []string{"CMD", "/web", "probe"}, "interval": "1s", "timeout": "5s", "retries": 3},
		"deploy": map[string]any{"replicas": 4, "endpoint_mode": "dnsrr", "restart_policy": map[string]any{"delay": "1s"},
			"placement":     map[string]any{"constraints": []string{"node.labels.zone==lab"}},
			"update_config": map[string]any{"order": "start-first"}},
	}
}

// edgeService answers on each worker with what one of web's tasks says: this kernel has no ip_vs, so the engine's own mesh carries nothing.
func edgeService() map[string]any {
	return map[string]any{
		"image": webImage + ":1", "environment": map[string]string{"FORWARD": "web:8080"},
		"ports":  []any{map[string]any{"target": 8080, "published": 8080, "mode": "host"}},
		"deploy": map[string]any{"mode": "global", "placement": map[string]any{"constraints": []string{"node.labels.zone==lab"}}},
	}
}

// badEdit is an edit of web that must not become true.
type badEdit struct {
	name   string
	change func(k *stacks, web map[string]any)
	ends   plan.RollOutState
	says   []string // in status and in `swarmd why`
	pushed int      // how often what is bad is written
	paused bool     // its registry is not asked for anything for a while
}

var badEdits = []badEdit{
	{"a health check that never turns good", func(k *stacks, web map[string]any) { web["image"] = webImage + ":sick" },
		plan.RollOutBack, []string{"stopped because their health check fails"}, 1, false},
	{"an image that crashes after 10 s", func(k *stacks, web map[string]any) { web["image"] = webImage + ":crash" },
		plan.RollOutBack, []string{"non-zero exit (3)"}, 1, false},
	{"no node with the label", func(k *stacks, web map[string]any) {
		web["deploy"].(map[string]any)["placement"] = map[string]any{"constraints": []string{"node.labels.zone==nowhere"}}
	}, plan.RollOutBack, []string{"no suitable node"}, 1, false},
	{"no node with so much memory", func(k *stacks, web map[string]any) {
		web["deploy"].(map[string]any)["resources"] = map[string]any{"reservations": map[string]any{"memory": "64G"}}
	}, plan.RollOutBack, []string{"insufficient resources"}, 1, false},
	{"a tag that is not there", func(k *stacks, web map[string]any) { web["image"] = webImage + ":nope" },
		plan.RollOutWaiting, []string{"manifest unknown", "correct its tag"}, 0, false},
	{"a registry that wants a login", func(k *stacks, web map[string]any) {
		k.refuse("locked", noLogin)
		web["image"] = lab.RegistryAddr + "/locked:2"
	}, plan.RollOutWaiting, []string{"registry.lab:5000 does not tell the digest", "wants a login"}, 0, false},
	{"a registry that gives the manifest and not the bytes", func(k *stacks, web map[string]any) {
		k.refuse("torn", tornPull)
		web["image"] = lab.RegistryAddr + "/torn:2"
	}, plan.RollOutBack, []string{"No such image"}, 1, false},
	{"a registry with too many requests", func(k *stacks, web map[string]any) {
		k.refuse("limited", tooMany)
		web["image"] = lab.RegistryAddr + "/limited:2"
	}, plan.RollOutWaiting, []string{"asked too often, and is asked again"}, 0, true},
}

// badImages hands in one bad edit after the other, each followed by a good one, under a stream of requests through every worker.
func (k *stacks) badImages() {
	k.services["web"], k.services["edge"] = webService(webImage+":1"), edgeService()
	k.good()
	k.serves("v1", time.Minute)
	end := k.stream(8080, k.droplets("shop-workers-")...)
	version, next := "1", "2"
	for _, bad := range badEdits {
		w := k.watch("shop_web")
		told := k.endsWithTheOld(bad, version, w)
		good := webService(webImage + ":" + next)
		if bad.paused { // nothing of this registry is asked for until it may be: the edit is one of what is there
			good = webService(webImage + ":" + version)
			good["environment"] = map[string]string{"NOTE": bad.name}
		} else {
			version, next = next, version
		}
		out := k.goesOutAtOnce(good, version, w)
		w.end()
		k.Logf("report: %s: told after %.0f s, %v; the next good edit was written after %.1f s", bad.name, told.Seconds(), w, out.Seconds())
	}
	t := end()
	k.Logf("report: the requests meanwhile, each %v through each worker: %v", streamPace, t.any)
	k.Logf("by worker: %v", t)
	for who, one := range t.node {
		if broken := one.failed - one.late; broken > 0 {
			k.Errorf("%s refused or broke off %d requests", who, broken)
		}
	}
	if t.any.failed > 0 {
		k.Errorf("%d times no worker answered", t.any.failed)
	}
}

// endsWithTheOld hands a bad edit in, and waits until the old version serves alone and the truth is told everywhere.
func (k *stacks) endsWithTheOld(bad badEdit, version string, w *writes) time.Duration {
	k.Helper()
	old := k.service("shop_web").Spec.TaskTemplate
	web := webService(webImage + ":" + version)
	bad.change(k, web)
	k.services["web"] = web
	if bad.paused { // that may pass by itself, so it is followed to the end
		k.follows = "25s"
		defer func() { k.follows = "2m" }()
	}
	said, code, told := k.edit()
	for _, words := range bad.says {
		if code == 0 || !strings.Contains(said, words) {
			k.Errorf("%s: apply (exit %d) does not say %q", bad.name, code, words)
		}
	}
	k.isTold(bad)
	k.serves("v"+version, time.Minute)
	if bad.pushed > 0 {
		web["deploy"].(map[string]any)["replicas"] = 5 // a scale is no reason to write it again
		k.edit()
		k.until("five of the old run", time.Minute, func() (bool, string) {
			n := 0
			for _, t := range k.running(k.docker, "shop_web") {
				n += toInt(t.Spec.ContainerSpec.Image == old.ContainerSpec.Image)
			}
			return n == 5 && *k.service("shop_web").Spec.Mode.Replicated.Replicas == 5, fmt.Sprint(n)
		})
		k.isTold(bad)
	}
	if n := w.others(templateText(old)); n != bad.pushed {
		k.Errorf("%s: it was written %d times, want %d: %v", bad.name, n, bad.pushed, w)
	}
	if now := k.service("shop_web").Spec.TaskTemplate; templateText(now) != templateText(old) {
		k.Errorf("%s: the old specification is another one now: %s, it was %s", bad.name, templateText(now), templateText(old))
	}
	return told
}

// isTold asserts that status, the metric and `swarmd why` have the truth about web.
func (k *stacks) isTold(bad badEdit) {
	k.Helper()
	k.until("status says "+string(bad.ends), time.Minute, func() (bool, string) {
		got := k.counted("shop_web").RollOut
		return got.State == bad.ends, fmt.Sprintf("%+v", got)
	})
	series := fmt.Sprintf(`swarmd_service_rollout{service="shop_web",state=%q}`, bad.ends)
	k.until("the metric says it, too", 30*time.Second, func() (bool, string) { v := k.metric(series); return v == "1", v })
	status, why := k.must(k.host, "status"), k.must(k.host, "why", "shop_web")
	for _, words := range bad.says {
		for what, text := range map[string]string{"status": status, "why": why} {
			if !strings.Contains(text, words) {
				k.Errorf("%s: %s does not say %q:\n%s", bad.name, what, words, text)
			}
		}
	}
}

// goesOutAtOnce hands a good edit in and tells after which time it was written.
func (k *stacks) goesOutAtOnce(good map[string]any, version string, w *writes) time.Duration {
	k.Helper()
	began, before := time.Now(), templateText(k.service("shop_web").Spec.TaskTemplate)
	k.services["web"] = good
	k.good()
	out := w.firstOther(before, began)
	if out == 0 || out > 15*time.Second {
		k.Errorf("the good edit was written after %v: %v", out, w)
	}
	k.serves("v"+version, time.Minute)
	return out
}

// writes are the versions of a service, as an engine that is asked 20 times a second has them.
type writes struct {
	mu    sync.Mutex
	all   []swarm.Service
	at    []time.Time
	stop  chan struct{}
	under sync.WaitGroup
}

func (k *stacks) watch(service string) *writes {
	w := &writes{stop: make(chan struct{})}
	w.under.Go(func() {
		for {
			if s, _, err := k.docker.ServiceInspectWithRaw(k.Context(), service, swarm.ServiceInspectOptions{}); err == nil {
				w.saw(s)
			}
			select {
			case <-w.stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	return w
}

func (w *writes) end() { close(w.stop); w.under.Wait() }

func (w *writes) saw(s swarm.Service) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.all); n == 0 || w.all[n-1].Version != s.Version {
		w.all, w.at = append(w.all, s), append(w.at, time.Now())
	}
}

// others counts how often another template than this one was written.
func (w *writes) others(template string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := template
	for _, s := range w.all {
		if now := templateText(s.Spec.TaskTemplate); now != last {
			n, last = n+toInt(now != template), now
		}
	}
	return n
}

// firstOther is how long after a moment another template than this one was first written, 0 for never.
func (w *writes) firstOther(template string, since time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, s := range w.all {
		if at := w.at[i]; at.After(since) && templateText(s.Spec.TaskTemplate) != template {
			return at.Sub(since)
		}
	}
	return 0
}

// String counts the specifications that were written, and how often their task's template was another one.
func (w *writes) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	specs, templates, spec, template := -1, -1, "", ""
	for _, s := range w.all {
		text, _ := json.Marshal(s.Spec)
		if string(text) != spec {
			specs, spec = specs+1, string(text)
		}
		if t := templateText(s.Spec.TaskTemplate); t != template {
			templates, template = templates+1, t
		}
	}
	return fmt.Sprintf("%d writes of it, %d of them another template", specs, templates)
}
