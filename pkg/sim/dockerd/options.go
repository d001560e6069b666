package dockerd

import "time"

// Options set the pace of the simulated swarm. Zero values take the defaults named with each field.
type Options struct {
	Now  func() time.Time // the world's clock; time.Now by default
	Seed uint64           // ids, tokens and the choice of a leader derive from it

	Release Release // which engine the simulated ones speak as; DefaultRelease

	TaskPrepare      time.Duration // assigned → ready, the pull included; 200 ms
	TaskStart        time.Duration // ready → running; 300 ms
	TaskStop         time.Duration // asked to stop → shutdown; 500 ms
	JoinTime         time.Duration // a join accepted → node ready; 300 ms
	PromoteDelay     time.Duration // role manager wished → Raft member; 1 s
	DemoteDelay      time.Duration // role worker wished → no Raft member any more; 1 s
	RoleRetry        time.Duration // how often a deferred promotion, demotion or eviction is tried again; 5 s
	ElectionTime     time.Duration // leader lost → next leader; 5 s
	ReconnectTime    time.Duration // linked again, or a new leader → the node's agent has a session; up to this; 6 s
	HeartbeatTimeout time.Duration // silence → down; three periods of 5 s: 15 s
	OrphanAfter      time.Duration // down → its tasks are orphaned; 24 h
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.TaskPrepare, 200 * time.Millisecond},
		{&o.TaskStart, 300 * time.Millisecond},
		{&o.TaskStop, 500 * time.Millisecond},
		{&o.JoinTime, 300 * time.Millisecond},
		{&o.PromoteDelay, time.Second},
		{&o.DemoteDelay, time.Second},
		{&o.RoleRetry, 5 * time.Second},
		{&o.ElectionTime, 5 * time.Second},
		{&o.ReconnectTime, 6 * time.Second},
		{&o.HeartbeatTimeout, 15 * time.Second},
		{&o.OrphanAfter, 24 * time.Hour},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return o
}

func text(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// EngineConfig describes one machine.
type EngineConfig struct {
	Name        string            // host name
	Addr        string            // private IP address, without a port
	Labels      map[string]string // engine labels, as daemon.json sets them
	NCPU        int               // 2 by default
	MemoryBytes int64             // 2 GiB by default
}
