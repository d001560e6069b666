package maintenance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// How long a pause lasts.
const (
	DefaultPause = 4 * time.Hour
	maxPause     = 30 * 24 * time.Hour // who wants more wants one without an end
)

// Pause has swarmd leave an object alone: "" for the cluster, "pool/NAME", "service/NAME", "node/NAME", or a name that only one of these has. It ends
// by itself after that time, 0: when a person ends it. One that is paused already is paused by this one instead.
func (c Cluster) Pause(ctx context.Context, object string, length time.Duration, why string) (said string, err error) {
	if length < 0 || length > maxPause {
		return "", fmt.Errorf("--for %s: from a second to %dh, or 0 for one that lasts until swarmd resume", length, int(maxPause.Hours()))
	}
	off, err := c.handsOff(why)
	if err != nil {
		return "", err
	}
	ends := "until swarmd resume"
	if length > 0 {
		off.Until = off.Since.Add(length)
		ends = "until " + off.Until.UTC().Format(time.RFC3339) + "; it ends before with swarmd resume"
	}
	return c.keepOff(ctx, object, func(u *upkeep, t target) (string, string) {
		return off.String(), fmt.Sprintf("%s is paused %s%s; %s", t.thing(c.Name), ends, t.name(), u.meaning(t))
	})
}

// handsOff is the word of who asks, from now on.
func (c Cluster) handsOff(why string) (swarm.HandsOff, error) {
	off := swarm.HandsOff{Since: time.Now(), By: c.By, Why: strings.Join(strings.Fields(why), " ")}
	if len(off.Why) > ledger.MaxWhy {
		return off, fmt.Errorf("--why has %d bytes: at most %d", len(off.Why), ledger.MaxWhy)
	}
	return off, nil
}

// meaning says what swarmd does not do while the target is paused.
func (u *upkeep) meaning(t target) string {
	switch kind, _, _ := strings.Cut(t.object, "/"); kind {
	case ledger.PausedCluster:
		return "swarmd looks and reports, and begins and finishes nothing"
	case "pool":
		return "swarmd creates, deletes, drains and repairs nothing there, and writes to no node of it"
	case "service":
		return "swarmd does not write it; its tasks are counted"
	}
	return "swarmd does not judge, drain, repair or replace it, and does not write to it"
}

// Resume ends a pause, and returns what to say of it. What it is said of is found as by Pause.
func (c Cluster) Resume(ctx context.Context, object string) (said string, err error) {
	return c.keepOff(ctx, object, func(u *upkeep, t target) (string, string) {
		text := t.thing(c.Name) + " is paused no longer; nobody is judged for a minute"
		if !u.isPaused(t) {
			text = t.thing(c.Name) + " is not paused"
		}
		if others := u.otherPauses(t); len(others) > 0 {
			text += "; paused: " + strings.Join(others, ", ")
		}
		return "", text
	})
}

func (u *upkeep) isPaused(t target) bool {
	if t.object == "" {
		off, ok := t.node.Spec.Paused()
		return ok && off.Active(time.Now())
	}
	_, _, ok := u.ledger.Paused(time.Now(), t.object)
	return ok
}

// otherPauses are the other objects that are paused now, as the commands take them, sorted.
func (u *upkeep) otherPauses(but target) []string {
	var out []string
	for object, off := range u.ledger.Pauses {
		if object != but.object && off.Active(time.Now()) {
			out = append(out, object)
		}
	}
	for _, n := range u.nodes {
		if off, ok := n.Spec.Paused(); ok && off.Active(time.Now()) && n.ID != but.node.ID {
			out = append(out, "node/"+n.Hostname)
		}
	}
	slices.Sort(out)
	return out
}

// keepOff writes the value of a pause, "" for none, where the target's is kept: in the ledger, or on the node.
func (c Cluster) keepOff(ctx context.Context, object string, say func(*upkeep, target) (value, said string)) (string, error) {
	return again(func() (string, error) {
		u, err := c.look(ctx)
		if err != nil {
			return "", err
		}
		t, err := u.target(object)
		if err != nil {
			return "", err
		}
		value, said := say(u, t)
		return said, c.write(ctx, t, swarm.LabelPaused, value)
	})
}

func (c Cluster) write(ctx context.Context, t target, label, value string) error {
	if t.object == "" {
		return c.label(ctx, t.node, label, value)
	}
	var change ledger.Change = ledger.Resume{Object: t.object}
	if value != "" {
		change = ledger.Pause{Object: t.object, Off: swarm.ParseHandsOff(value)}
	}
	_, err := c.Store.Update(ctx, func(l *ledger.Ledger) error { return l.Apply(ledger.Moment{Now: time.Now()}, change) })
	return err
}

// label writes a node's label, if it is another one.
func (c Cluster) label(ctx context.Context, n swarm.Node, label, value string) error {
	if n.Spec.Labels[label] == value {
		return nil
	}
	n.Spec.Labels = withLabel(n.Spec.Labels, label, value)
	return c.Swarm.UpdateNode(ctx, n.ID, n.Version, n.Spec)
}

// Protect has swarmd never take a machine away, until Unprotect. The node is found as by Drain.
func (c Cluster) Protect(ctx context.Context, node, why string) (said string, err error) {
	off, err := c.handsOff(why)
	if err != nil {
		return "", err
	}
	return c.change(ctx, node, func(u *upkeep, n swarm.Node) (swarm.NodeSpec, string, error) {
		if _, err := u.ownNode(n.ID); err != nil {
			return n.Spec, "", err
		}
		text := fmt.Sprintf("%s is protected: swarmd does not delete, replace, drain, resize or power it; it counts in its pool as before; swarmd protect %s --off ends it",
			n.Hostname, n.Hostname)
		if u.leaves(n) {
			text += "; it is leaving already: what is begun waits, and it stays as it is now"
		}
		n.Spec.Labels = withLabel(n.Spec.Labels, swarm.LabelProtected, off.String())
		return n.Spec, text, nil
	})
}

// leaves reports whether the node's leave is open.
func (u *upkeep) leaves(n swarm.Node) bool {
	return slices.ContainsFunc(u.ledger.Ops, func(op ledger.Op) bool { return op.Kind == ledger.Delete && op.NodeID == n.ID })
}

// Unprotect ends Protect.
func (c Cluster) Unprotect(ctx context.Context, node string) (said string, err error) {
	return c.change(ctx, node, func(_ *upkeep, n swarm.Node) (swarm.NodeSpec, string, error) {
		if _, ok := n.Spec.Protected(); !ok {
			return swarm.NodeSpec{}, n.Hostname + " is not protected", nil
		}
		n.Spec.Labels = withLabel(n.Spec.Labels, swarm.LabelProtected, "")
		return n.Spec, n.Hostname + " is protected no longer", nil
	})
}
