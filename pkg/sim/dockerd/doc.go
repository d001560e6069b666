// Package dockerd simulates the swarm side of the Docker Engine: one Swarm is a world of engines, each Engine is one machine's
// dockerd and serves that machine's HTTP API. Raft membership, node states, scheduling, restarts and roll-outs behave as a Docker
// 20.10.24 (API 1.41) was seen to behave, with its error codes and texts; where 26.1.5 and 28.5.2 were seen to differ, the table of dialects has
// it, and Options say which of them the engines of a world speak as. What the later two die of they die of here too: see panic.go.
//
// The package decides how a swarm reacts to calls, faults and the passing of time. It does not run containers, moves no packets,
// and knows nothing of droplets, of specs or of swarmd. It has no goroutine and reads no clock of its own: every change is an event
// in a queue, and the queue is worked off up to Options.Now at each request and at each Advance. The same seed and the same calls at
// the same times give the same ids and the same answers.
//
// What is told of a real engine is a case in test/conform, which runs on both. Where time alone differs, there is none: a leader that has
// lost its majority has no leader to speak of at once, while a real one answers reads for some ten seconds more, lets writes hang, and
// answers nothing for twenty after that.
//
// Words: an engine is *linked* to another when both are up and no partition lies between them. A *member* is a node in the Raft
// group, whatever its Spec.Role wishes. A *slot* is a replica's place in a service, or for a global service the node.
package dockerd
