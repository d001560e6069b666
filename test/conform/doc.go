// Package conform says, case by case, how a swarm of Docker engines behaves, in a form that can be asked of any engines: the simulated
// ones of pkg/sim/dockerd and the real ones of the lab. A case was seen on a real 20.10.24 first, and
// what 26.1.5 and 28.5.2 do otherwise stands in it beside that; where the two disagree, the simulation is wrong.
//
// The package decides what is asked and what the answer must be. It starts no engine, and it knows nothing of swarmd but the
// adapter, which one case writes and reads with: what it says is what the rest of the tree may rely on.
//
// Words: a *testbed* is three engines, whoever runs them. A case is *together* with others on one swarm of a manager and two workers
// if it minds only its own services; it is *alone* there if it changes nodes or the swarm itself; and it is *fresh* if it wants engines
// that are in no swarm. A *fact* is what a case compares: a state, a text, a code, never an id or an address.
package conform
