package explore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func wireMutants() []Mutant {
	return []Mutant{
		wires("retry-post", "trap 1: godo's NewFromToken sends a POST again", func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
			body, err := slurp(r)
			if err != nil {
				return nil, err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			resp, err := next.RoundTrip(r)
			if r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/v2/") || err == nil && resp.StatusCode < 500 {
				return resp, err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			return next.RoundTrip(r)
		}),
		wires("delete-by-tag", "S1: a delete by tag takes all that carries it", func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodDelete && strings.HasPrefix(r.URL.Path, "/v2/droplets/") {
				r = r.Clone(r.Context())
				r.URL.Path, r.URL.RawQuery = "/v2/droplets", "tag_name="+cloud.ClusterTag(clusterName)
			}
			return next.RoundTrip(r)
		}),
		wires("force-remove", "D13: node rm --force", func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/nodes/") {
				r = r.Clone(r.Context())
				r.URL.RawQuery = "force=1"
			}
			return next.RoundTrip(r)
		}),
		wires("swallowed-500", "C1: an error's body is taken for an answer", func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err == nil && resp.StatusCode >= 500 && r.Method != http.MethodGet {
				resp.StatusCode = http.StatusOK
			}
			return resp, err
		}),
	}
}

func absenceMutants() []Mutant { return []Mutant{absenceIsGone(), failedPageIsTheEnd()} }

func absenceIsGone() Mutant {
	return believed(clouds("absence-is-gone", "C5: trusts that a list shows all there is", func(real brake.CloudAPI) oddCloud {
		var mu sync.Mutex
		listed := map[int]bool{}
		return oddCloud{
			list: func(ctx context.Context, tag string) ([]cloud.Droplet, error) {
				all, err := real.Droplets(ctx, tag)
				mu.Lock()
				defer mu.Unlock()
				clear(listed)
				for _, d := range all {
					listed[d.ID] = true
				}
				return all, err
			},
			get: func(ctx context.Context, id int) (cloud.Droplet, error) {
				mu.Lock()
				known := listed[id]
				mu.Unlock()
				if !known {
					return cloud.Droplet{}, &apierr.Error{Kind: apierr.NotFound, Op: "get droplet", Err: errors.New("not in the list")}
				}
				return real.Droplet(ctx, id)
			},
		}
	}))
}

func failedPageIsTheEnd() Mutant {
	return believed(clouds("failed-page-is-the-end", "trap 3: a list whose later page failed is taken for the whole list", func(real brake.CloudAPI) oddCloud {
		var mu sync.Mutex
		var kept []cloud.Droplet
		return oddCloud{
			list: func(ctx context.Context, tag string) ([]cloud.Droplet, error) {
				all, err := real.Droplets(ctx, tag)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					kept = slices.Clone(all)
				}
				return slices.Clone(kept[:min(len(kept), 2)]), nil
			},
			get: func(ctx context.Context, id int) (cloud.Droplet, error) {
				d, err := real.Droplet(ctx, id)
				if err != nil {
					err = &apierr.Error{Kind: apierr.NotFound, Op: "get droplet", Err: err}
				}
				return d, err
			},
		}
	}))
}

func listMutants() []Mutant {
	return []Mutant{
		clouds("first-page", "trap 3: reads the first page of the droplets only", func(real brake.CloudAPI) oddCloud {
			return oddCloud{
				list: func(ctx context.Context, tag string) ([]cloud.Droplet, error) {
					all, err := real.Droplets(ctx, tag)
					return all[:min(2, len(all))], err
				},
				get: func(_ context.Context, _ int) (cloud.Droplet, error) {
					return cloud.Droplet{}, &apierr.Error{Kind: apierr.NotFound, Op: "get droplet", Err: errors.New("not on the page")}
				},
			}
		}),
		clouds("no-tags", "trap 9: a token that sees no tags", func(real brake.CloudAPI) oddCloud {
			return oddCloud{list: func(ctx context.Context, tag string) ([]cloud.Droplet, error) {
				all, err := real.Droplets(ctx, tag)
				for i := range all {
					all[i].Tags = nil
				}
				return all, err
			}}
		}),
	}
}

func createMutants() []Mutant {
	return []Mutant{
		clouds("unknown-is-refused", "C1: an answer that was lost counts as no effect", func(real brake.CloudAPI) oddCloud {
			return oddCloud{create: func(ctx context.Context, r cloud.CreateDroplet) (cloud.Droplet, error) {
				d, err := real.CreateDroplet(ctx, r)
				if apierr.KindOf(err) == apierr.Unknown {
					err = &apierr.Error{Kind: apierr.Invalid, Op: "create droplet", Err: err}
				}
				return d, err
			}}
		}),
		namesake(clouds("somebody-else", "C23: the id in an answer is taken for that of the droplet that was asked for", func(real brake.CloudAPI) oddCloud {
			return oddCloud{create: func(ctx context.Context, r cloud.CreateDroplet) (cloud.Droplet, error) {
				d, err := real.CreateDroplet(ctx, r)
				if all, listErr := real.Droplets(ctx, cloud.ClusterTag(clusterName)); listErr == nil && err == nil {
					d.ID = all[0].ID
				}
				return d, err
			}}
		})),
		clouds("two-at-once", "C47: one create makes two", func(real brake.CloudAPI) oddCloud {
			return oddCloud{create: func(ctx context.Context, r cloud.CreateDroplet) (cloud.Droplet, error) {
				if _, err := real.CreateDroplet(ctx, r); err != nil {
					return cloud.Droplet{}, err
				}
				return real.CreateDroplet(ctx, r)
			}}
		}),
		clouds("no-op-tag", "C1: a create that cannot be found again", func(real brake.CloudAPI) oddCloud {
			return oddCloud{create: func(ctx context.Context, r cloud.CreateDroplet) (cloud.Droplet, error) {
				r.Tags = []string{cloud.ClusterTag(clusterName)}
				return real.CreateDroplet(ctx, r)
			}}
		}),
	}
}

func paceMutants() []Mutant {
	return []Mutant{
		clouds("old-list", "C4: the list of a minute ago is good enough", func(real brake.CloudAPI) oddCloud {
			var mu sync.Mutex
			var kept []cloud.Droplet
			var at time.Time
			return oddCloud{
				list: func(ctx context.Context, tag string) ([]cloud.Droplet, error) {
					mu.Lock()
					old, fresh := kept, time.Since(at) < time.Minute && !at.IsZero()
					mu.Unlock()
					if fresh {
						return slices.Clone(old), nil
					}
					all, err := real.Droplets(ctx, tag)
					mu.Lock()
					defer mu.Unlock()
					kept, at = slices.Clone(all), time.Now()
					return all, err
				},
				get: func(context.Context, int) (cloud.Droplet, error) {
					return cloud.Droplet{}, &apierr.Error{Kind: apierr.NotFound, Op: "get droplet", Err: errors.New("not asked")}
				},
			}
		}),
		clouds("chatty", "C17: asks far too often", func(real brake.CloudAPI) oddCloud {
			return oddCloud{list: func(ctx context.Context, tag string) ([]cloud.Droplet, error) {
				for range 40 {
					if _, err := real.Droplets(ctx, tag); err != nil {
						return nil, err
					}
				}
				return real.Droplets(ctx, tag)
			}}
		}),
	}
}

func sightMutants() []Mutant {
	return []Mutant{
		seeing("role-is-membership", "trap 7: Spec.Role taken for the membership", func(n *swarm.Node) {
			if n.Spec.Role == swarm.Worker {
				n.Manager = nil
			}
		}),
		seeing("unknown-is-down", "trap 6: UNKNOWN taken for dead", func(n *swarm.Node) {
			if n.State == swarm.NodeUnknown {
				n.State = swarm.NodeDown
			}
		}),
		seeing("unknown-is-ready", "trap 6: UNKNOWN taken for alive", func(n *swarm.Node) {
			if n.State != swarm.NodeReady {
				n.State = swarm.NodeReady
			}
		}),
		seeing("drained-at-once", "T11: a drain is not waited for", func(n *swarm.Node) { n.Spec.Availability = swarm.Drain }),
		seeing("no-leader-seen", "D3: nobody leads, it seems", func(n *swarm.Node) {
			if n.Manager != nil {
				n.Manager.Leader = false
			}
		}),
		seeing("wrong-address", "D21: a node is known by something else than its address", func(n *swarm.Node) { n.Addr = "10.0.0.1" }),
	}
}

func engineMutants() []Mutant {
	return []Mutant{
		engines("no-tasks", "T11: tasks that still run are not seen", func(brake.Engine) oddEngine {
			return oddEngine{tasks: func(context.Context) ([]swarm.Task, error) { return nil, nil },
				tasksOn: func(context.Context, []string) ([]swarm.Task, error) { return nil, nil }}
		}),
		engines("nodes-that-are-ready", "D4: nodes that are not ready are left out of the list", func(real brake.Engine) oddEngine {
			return oddEngine{nodes: func(ctx context.Context) ([]swarm.Node, error) {
				all, err := real.Nodes(ctx)
				return slices.DeleteFunc(all, func(n swarm.Node) bool { return n.State != swarm.NodeReady }), err
			}}
		}),
		engines("wipes-labels", "D24: an update replaces labels that people have put there", func(real brake.Engine) oddEngine {
			return oddEngine{node: func(ctx context.Context, id string, version uint64, spec swarm.NodeSpec) error {
				spec.Labels = maps.Clone(spec.Labels)
				maps.DeleteFunc(spec.Labels, func(k, _ string) bool { return !strings.HasPrefix(k, "swarmd.") })
				return real.UpdateNode(ctx, id, version, spec)
			}}
		}),
		engines("resets-availability", "D24: a partial node spec resets the rest", func(real brake.Engine) oddEngine {
			return oddEngine{node: func(ctx context.Context, id string, version uint64, spec swarm.NodeSpec) error {
				spec.Availability = swarm.Active
				return real.UpdateNode(ctx, id, version, spec)
			}}
		}),
	}
}

func serviceMutants() []Mutant {
	return []Mutant{
		engines("update-again", "D2: an update whose answer was lost is sent again", func(real brake.Engine) oddEngine {
			return oddEngine{service: func(ctx context.Context, id string, version uint64, spec swarm.ServiceSpec) error {
				err := real.UpdateService(ctx, id, version, spec)
				if apierr.KindOf(err) != apierr.Unknown {
					return err
				}
				live, listErr := real.Services(ctx)
				for _, s := range live {
					if listErr == nil && s.ID == id {
						return real.UpdateService(ctx, id, s.Version, spec)
					}
				}
				return err
			}}
		}),
		engines("all-services-ours", "S1: every service is the stack's", func(real brake.Engine) oddEngine {
			return oddEngine{services: func(ctx context.Context) ([]swarm.Service, error) {
				all, err := real.Services(ctx)
				for i := range all {
					all[i].Spec.Labels = maps.Clone(all[i].Spec.Labels)
					if all[i].Spec.Labels == nil {
						all[i].Spec.Labels = map[string]string{}
					}
					all[i].Spec.Labels[swarm.LabelCluster] = clusterName
				}
				return all, err
			}}
		}),
		engines("no-digest", "D31: an image without a digest is written", func(real brake.Engine) oddEngine {
			return oddEngine{service: func(ctx context.Context, id string, version uint64, spec swarm.ServiceSpec) error {
				spec.Override.Pin = nil
				return real.UpdateService(ctx, id, version, spec)
			}}
		}),
	}
}

func storeMutants() []Mutant {
	return []Mutant{
		engines("last-write-wins", "P9: a write to the store takes whatever version there is", func(real brake.Engine) oddEngine {
			return oddEngine{config: func(ctx context.Context, id string, version uint64, labels map[string]string) error {
				err := real.UpdateConfig(ctx, id, version, labels)
				if apierr.KindOf(err) != apierr.Conflict {
					return err
				}
				all, _ := real.Configs(ctx, "swarmd."+clusterName)
				for _, c := range all {
					if c.ID == id {
						return real.UpdateConfig(ctx, id, c.Version, labels)
					}
				}
				return err
			}}
		}),
		engines("write-said-done", "P2: a write to the store is taken for done without being sent", func(real brake.Engine) oddEngine {
			return oddEngine{config: func(ctx context.Context, id string, version uint64, labels map[string]string) error {
				if _, lease := labels["swarmd.lease.holder"]; !lease {
					return nil
				}
				return real.UpdateConfig(ctx, id, version, labels)
			}}
		}),
		engines("lease-is-free", "P9: the lease is taken from whoever holds it", func(real brake.Engine) oddEngine {
			return oddEngine{configs: func(ctx context.Context, prefix string) ([]swarm.Config, error) {
				all, err := real.Configs(ctx, prefix)
				for i := range all {
					if _, lease := all[i].Labels["swarmd.lease.holder"]; lease {
						all[i].Labels = maps.Clone(all[i].Labels)
						all[i].Labels["swarmd.lease.holder"] = ""
					}
				}
				return all, err
			}}
		}),
		engines("failed-store-is-empty", "P4: a store that cannot be read has nothing in it", func(real brake.Engine) oddEngine {
			return oddEngine{configs: func(ctx context.Context, prefix string) ([]swarm.Config, error) {
				all, err := real.Configs(ctx, prefix)
				if err != nil {
					return nil, nil
				}
				return all, nil
			}}
		}),
	}
}
