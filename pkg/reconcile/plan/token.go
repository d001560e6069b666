package plan

import "github.com/swarmd/swarmd/pkg/reconcile/ledger"

// A worker join token is known to whoever reads a droplet's user-data, for as long as the droplet lives. So it is replaced once the machines
// that were made with it have joined.

// proposeToken proposes to replace the worker token if it was handed out. Which token was handed out last is in the ledger before any droplet has it, so what
// is owed survives whoever owes it.
func proposeToken(v *view) []wish {
	l, c := v.in.World.Ledger, v.in.World.Cluster
	owed := v.in.Spec.Policies.RotateWorkerToken && !v.outdated() && l.Handed > 0 && l.Token == ledger.Fingerprint(c.WorkerToken)
	if !owed && !v.rotating() || len(c.Spec) == 0 {
		return nil
	}
	return []wish{{kind: rotate, object: "cluster"}}
}

// rotating reports whether a rotation that was begun may still come. It names a version of the swarm and is refused at any other, so it is over
// when the swarm has another one. Until then no create is opened: its machine would have a token that is gone when it joins.
func (v *view) rotating() bool {
	return v.in.World.Ledger.Rotate != 0 && v.in.World.Ledger.Rotate == v.in.World.Cluster.Version
}

// outrun reports whether a machine cannot join any more, because the token that it was made with was replaced meanwhile: by a person, since
// swarmd waits for it. Only the token of the last create is known.
func (v *view) outrun(m machine) bool {
	l, now := v.in.World.Ledger, ledger.Fingerprint(v.in.World.Cluster.WorkerToken)
	return m.Op != nil && m.Op.Kind == ledger.Create && l.Token != "" && now != "" && l.Token != now
}

const outrunWhy = " cannot join: the worker join token that it was made with was replaced while it booted"
