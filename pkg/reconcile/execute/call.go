package execute

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// call sends one step's call through the limiter.
func (e *Executor) call(r *run, s plan.Step) (Result, *kept) {
	begun := time.Now()
	warning, droplet, err := e.enter(r, s)
	res := result(s, err)
	res.Warning, res.Took = warning, time.Since(begun)
	return res, keptOf(res, droplet)
}

func (e *Executor) enter(r *run, s plan.Step) (warning string, droplet int, err error) {
	release, err := e.cfg.Limiter.Acquire(r.ctx, s.ID)
	if err != nil {
		return "", 0, err
	}
	defer release()
	defer func() {
		if p := recover(); p != nil { // in a goroutine of its own nobody else can
			err = &apierr.Error{Kind: apierr.Unknown, Op: "execute", Err: fmt.Errorf("panic: %v", p)}
		}
	}()
	if err := r.permit(); err != nil { // before a registry is asked, too
		return "", 0, err
	}
	return e.apply(r, s.Action)
}

// keptOf is what is to be kept of a call's result.
func keptOf(res Result, droplet int) *kept {
	n := kept{droplet: droplet}
	switch res.Outcome {
	case Done:
		n.changes = res.Step.IfDone
	case Refused, Dropped: // surely without effect
		n.changes, n.refused = res.Step.IfRefused, res.Kind
	}
	if len(n.changes) == 0 {
		return nil
	}
	return &n
}

// apply does what an action says. Those that are ledger writes alone never come here. What asks or makes something first is a case of its own; all
// others are one write.
func (e *Executor) apply(r *run, a plan.Action) (warning string, droplet int, err error) {
	switch a := a.(type) {
	case plan.CreateDroplet:
		droplet, err = e.createDroplet(r, a)
	case plan.CreateKey:
		name, key := e.cfg.NewKey()
		err = r.send(func() error { _, err := e.cfg.Objects.CreateConfig(r.calls, name, nil, key); return err })
	case plan.CreateSecret:
		err = e.createSecret(r, a)
	case plan.TakeSecret:
		err = e.takeSecret(r, a)
	case plan.CreateService:
		warning, err = e.createService(r, a)
	case plan.UpdateService:
		warning, err = e.updateService(r, a)
	default:
		err = r.send(func() error { return e.write(r.calls, a) })
	}
	return warning, droplet, err
}

// write makes the one call of an action that is no more than that.
func (e *Executor) write(ctx context.Context, a plan.Action) (err error) {
	switch a := a.(type) {
	case plan.ShutdownDroplet:
		_, err = e.cfg.Droplets.Shutdown(ctx, a.DropletID)
	case plan.PowerOffDroplet:
		_, err = e.cfg.Droplets.PowerOff(ctx, a.DropletID)
	case plan.PowerOnDroplet:
		_, err = e.cfg.Droplets.PowerOn(ctx, a.DropletID)
	case plan.ResizeDroplet:
		_, err = e.cfg.Droplets.Resize(ctx, a.DropletID, a.Size)
	case plan.PowerCycleDroplet:
		_, err = e.cfg.Droplets.PowerCycle(ctx, a.DropletID)
	case plan.DeleteDroplet:
		err = e.cfg.Droplets.DeleteDroplet(ctx, a.DropletID)
	case plan.TagDroplet:
		err = e.cfg.Droplets.TagDroplet(ctx, a.DropletID, cloud.SwarmTag(a.SwarmID))
	case plan.UpdateNode:
		err = e.cfg.Nodes.UpdateNode(ctx, a.NodeID, a.Version, a.Spec)
	case plan.RemoveNode:
		err = e.cfg.Nodes.RemoveNode(ctx, a.NodeID)
	case plan.RotateToken:
		err = e.cfg.Tokens.RotateWorkerToken(ctx, a.Version, a.Spec)
	case plan.CreateNetwork:
		_, err = e.cfg.Networks.CreateNetwork(ctx, a.Spec)
	case plan.RemoveNetwork:
		err = e.cfg.Networks.RemoveNetwork(ctx, a.ID)
	case plan.CreateConfig:
		_, err = e.cfg.Objects.CreateConfig(ctx, a.Spec.Name, a.Spec.Labels, a.Spec.Data)
	case plan.RemoveConfig:
		err = e.cfg.Objects.DropConfig(ctx, a.ID)
	case plan.TakeConfig:
		err = e.cfg.Objects.UpdateConfig(ctx, a.ID, a.Version, a.Labels)
	case plan.RemoveSecret:
		err = e.cfg.Objects.RemoveSecret(ctx, a.ID)
	case plan.TakeService:
		err = e.cfg.Services.RelabelService(ctx, a.ID, a.Version, a.Labels)
	case plan.RemoveService:
		err = e.cfg.Services.RemoveService(ctx, a.ID)
	default:
		err = refuse("execute", errors.New("no such action"))
	}
	return err
}

// send sends one write, if it is permitted at this moment.
func (r *run) send(write func() error) error {
	if err := r.permit(); err != nil {
		return err
	}
	return write()
}

func (e *Executor) createDroplet(r *run, a plan.CreateDroplet) (int, error) {
	data, err := e.cfg.UserData(r.calls, a)
	if err != nil {
		return 0, notSent("render user-data", err)
	}
	var d cloud.Droplet
	err = r.send(func() error {
		d, err = e.cfg.Droplets.CreateDroplet(r.calls, cloud.CreateDroplet{Name: a.Name, Region: a.Region, Size: a.Size, Image: a.Image,
			VPC: a.VPC, SSHKeys: a.SSHKeys, Tags: a.Tags, UserData: data})
		return err
	})
	if err == nil && d.ID <= 0 {
		err = strangeAnswer("the answer has no id")
	}
	if err == nil && d.Name != a.Name && d.OpID() != a.OpID {
		err = strangeAnswer(fmt.Sprintf("the answer is about droplet %d, which has neither the name nor the tag that were asked for", d.ID))
	}
	return d.ID, err
}

// strangeAnswer leaves open what became of a create: its droplet is looked for by its op tag.
func strangeAnswer(why string) error {
	return &apierr.Error{Kind: apierr.Unknown, Side: "cloud", Op: "create droplet", Err: errors.New(why)}
}

// notSent makes an error of something before the call certain to have had no effect.
func notSent(op string, err error) error {
	kind := apierr.KindOf(err)
	if !kind.Refused() {
		kind = apierr.Precondition
	}
	return &apierr.Error{Kind: kind, Op: op, Err: err}
}

func (e *Executor) createService(r *run, a plan.CreateService) (warning string, err error) {
	spec, warning, err := e.ready(r, a.Spec, true, a.BestEffort)
	if err != nil {
		return warning, err
	}
	return warning, r.send(func() error { _, err := e.cfg.Services.CreateService(r.calls, spec); return err })
}

func (e *Executor) updateService(r *run, a plan.UpdateService) (warning string, err error) {
	spec, warning, err := e.ready(r, a.Spec, a.ResolveImage, a.BestEffort)
	if err != nil {
		return warning, err
	}
	return warning, r.send(func() error { return e.cfg.Services.UpdateService(r.calls, a.ID, a.Version, spec) })
}

// ready is the specification as it is sent: with the login to its image's registry that counts now, and with what the registry says of the image: its
// platforms, and its digest unless it has one, which is what the file names. Where the login cannot be read here, the engine keeps the one that it has,
// which is good enough for what has its image already.
func (e *Executor) ready(r *run, spec swarm.ServiceSpec, resolve, bestEffort bool) (swarm.ServiceSpec, string, error) {
	login, mark, err := e.cfg.Login(spec.Registry)
	switch {
	case err != nil && resolve:
		return spec, "", notSent("log in to "+spec.Registry, err)
	case err == nil:
		spec = spec.LoggedInAs(login, mark)
	}
	if !resolve {
		return spec, "", nil
	}
	l := e.images.resolve(r.calls, spec, bestEffort, e.cfg.Services.ResolveImage)
	return e.marked(spec.Pinned(l.pin), l.later), l.warning, l.err
}

// marked says in the specification's labels since when its registry is to be asked again, or nothing.
func (e *Executor) marked(spec swarm.ServiceSpec, later bool) swarm.ServiceSpec {
	since := cmp.Or(spec.Labels[swarm.LabelUnpinned], e.cfg.Wall().UTC().Format(time.RFC3339))
	spec.Labels = maps.Clone(spec.Labels)
	delete(spec.Labels, swarm.LabelUnpinned)
	if later && spec.Labels != nil {
		spec.Labels[swarm.LabelUnpinned] = since
	}
	return spec
}

// createSecret makes a secret of the value that its file has now. If that is another one than the plan was made for, nothing is sent.
func (e *Executor) createSecret(r *run, a plan.CreateSecret) error {
	const op = "create secret"
	name, value, err := e.cfg.Seal(a.Spec)
	if err != nil {
		return notSent(op, err)
	}
	if name != a.Name {
		return notSent(op, fmt.Errorf("the file of %s has changed since it was looked at", a.Spec.Of))
	}
	return r.send(func() error { _, err := e.cfg.Objects.CreateSecret(r.calls, a.Name, a.Spec.Labels, value); return err })
}

// takeSecret takes a secret over, and has its labels say whether its value is that of its file.
func (e *Executor) takeSecret(r *run, a plan.TakeSecret) error {
	const op = "take over secret"
	name, value, err := e.cfg.Seal(a.Spec)
	if err != nil {
		return notSent(op, err)
	}
	if name != a.Hashed {
		return notSent(op, fmt.Errorf("the file of %s has changed since it was looked at", a.Spec.Of))
	}
	var same bool
	if err := r.send(func() error { same, err = e.cfg.Objects.SecretIs(r.calls, a.ID, a.Name, a.Was, value); return err }); err != nil {
		return err
	}
	labels := maps.Clone(a.Labels)
	if same {
		labels[swarm.LabelStandsFor] = a.Hashed
	}
	return r.send(func() error { return e.cfg.Objects.RelabelSecret(r.calls, a.ID, a.Version, a.Name, labels) })
}
