package conform

import (
	"maps"
	"net/http"
	"time"

	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// takeOverCases are what taking over rests on that was deployed without swarmd.
func takeOverCases() []Case {
	return []Case{
		{"take-over: the adapter writes labels alone, no task is replaced", Together, relabelled},
		{"take-over: the adapter writes labels at a stale version, nothing is sent", Together, relabelledStale},
		{"take-over: the adapter writes a login and replicas, no task is replaced", Together, loggedIn},
		{"config: its content is compared before its version", Together, func(t *T) { comparedFirst(t, "config") }},
		{"secret: its content is compared before its version", Together, func(t *T) { comparedFirst(t, "secret") }},
		{"secret: the adapter tells whether it has a value", Together, secretIs},
	}
}

// adapter is the adapter on the first machine.
func (t *T) adapter() *docker.Client {
	t.Helper()
	c, err := docker.New(docker.Options{HTTP: &http.Client{Transport: t.testbed.Machines[0].Transport}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// asDeployed has what `docker stack deploy` writes and what would restart every task if it were left out or written in another way.
func (t *T) asDeployed(s *api.ServiceSpec) {
	grace := time.Second
	s.Labels = map[string]string{"com.docker.stack.namespace": "shop", "theirs": "stays"}
	s.TaskTemplate.Resources, s.TaskTemplate.Placement = &api.ResourceRequirements{}, &api.Placement{}
	s.TaskTemplate.ForceUpdate = 5
	box := s.TaskTemplate.ContainerSpec
	box.Labels = map[string]string{"com.docker.stack.namespace": "shop"}
	box.Privileges, box.StopGracePeriod, box.Env = &api.Privileges{}, &grace, []string{"Z=1", "A=2", "M=3"}
}

func relabelled(t *T) {
	secret := t.createEntry("secret", "token", nil, "value")
	id := t.create(t.spec("web", Good, 2, t.asDeployed, t.using("secret", secret, "token")))
	before, was := t.untilRunning(id, 2), t.service(id)
	labels := maps.Clone(was.Spec.Labels)
	labels["swarmd.cluster"] = "web"
	if err := t.adapter().RelabelService(t.Context(), id, was.Version.Index, labels); err != nil {
		t.Fatal(err)
	}
	now := t.service(id)
	t.same("labels", labels, now.Spec.Labels)
	t.same("forced updates", uint64(5), now.Spec.TaskTemplate.ForceUpdate)
	now.Spec.Labels = was.Spec.Labels
	t.same("specification", was.Spec, now.Spec)
	t.update(id, func(s *api.ServiceSpec) { *s.Mode.Replicated.Replicas = 3 }) // when the third one runs, the others would have been replaced
	t.untilRunning(id, 3)
	t.same("kept", 2, t.kept(id, before))
}

// loggedIn renews the login of a service that keeps its networks where old clients put them, and scales it.
func loggedIn(t *T) {
	network := t.createNetwork("front", network.CreateOptions{Driver: "overlay"})
	id := t.create(t.spec("web", Good, 2, t.asDeployed, func(s *api.ServiceSpec) {
		//lint:ignore SA1019 older clients still send it
		s.Networks = []api.NetworkAttachmentConfig{{Target: network}}
	}))
	before, was, c := t.untilRunning(id, 2), t.service(id), t.adapter()
	live := t.adapted(c, id)
	if err := c.UpdateService(t.Context(), id, live.Version, live.Spec.LoggedInAs(swarm.NewLogin("127.0.0.1:1", "ci", "opensesame"), "mark")); err != nil {
		t.Fatal(err)
	}
	now := t.service(id)
	t.same("mark", "mark", now.Spec.Labels[swarm.LabelLogin])
	now.Spec.Labels = was.Spec.Labels
	t.same("specification", was.Spec, now.Spec)
	t.until("the update is taken", func() (bool, any) {
		live := t.adapted(c, id)
		err := c.UpdateService(t.Context(), id, live.Version, live.Spec.Scaled(3))
		return err == nil, err
	})
	t.untilRunning(id, 3) // when the third one runs, the others would have been replaced
	t.same("kept", 2, t.kept(id, before))
}

func relabelledStale(t *T) {
	id := t.create(t.spec("web", Good, 0, t.asDeployed))
	was := t.service(id)
	err := t.adapter().RelabelService(t.Context(), id, was.Version.Index+1, map[string]string{"swarmd.cluster": "web"})
	t.same("refused", true, err != nil)
	t.same("labels", was.Spec.Labels, t.service(id).Spec.Labels)
}

func comparedFirst(t *T, kind string) {
	id := t.createEntry(kind, "x", map[string]string{"a": "1"}, "value")
	was := t.getEntry(kind, id)
	try := func(version uint64, data string) answer {
		s := api.ConfigSpec{Annotations: api.Annotations{Name: was.Spec.Name, Labels: map[string]string{"b": "2"}}, Data: []byte(data)}
		return t.ask(0, "POST", "/"+kind+"s/"+id+"/update", at(version), s)
	}
	for _, version := range []uint64{0, was.Version.Index - 1, was.Version.Index + 1000} {
		t.refused(try(version, "value"), 500, outOfSequence)
		t.refused(try(version, "other"), 400, badArgument+"only updates to Labels are allowed")
	}
	now := t.getEntry(kind, id)
	t.same("labels", was.Spec.Labels, now.Spec.Labels)
	t.same("version", was.Version, now.Version)
}

func secretIs(t *T) {
	labels := map[string]string{"a": "1"}
	id := t.createEntry("secret", "x", labels, "value")
	was, c := t.getEntry("secret", id), t.adapter()
	for value, want := range map[string]bool{"value": true, "other": false, "valu": false} {
		got, err := c.SecretIs(t.Context(), id, was.Spec.Name, labels, []byte(value))
		if err != nil {
			t.Fatal(err)
		}
		t.same(value, want, got)
	}
	t.same("version", was.Version, t.getEntry("secret", id).Version)
	if err := c.RelabelSecret(t.Context(), id, was.Version.Index, was.Spec.Name, map[string]string{"b": "2"}); err != nil {
		t.Fatal(err)
	}
	t.same("labels", map[string]string{"b": "2"}, t.getEntry("secret", id).Spec.Labels)
	same, err := c.SecretIs(t.Context(), id, was.Spec.Name, nil, []byte("value"))
	t.same("its value stays", true, same && err == nil)
}
