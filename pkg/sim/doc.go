// Package sim is a whole world without a network: DigitalOcean's API (docean) and Docker engines (dockerd) over one set of
// machines, behind their real HTTP APIs. A created droplet boots after a while, its engine comes up, and if its user-data says so
// it joins the swarm; a power cut stops the engine, a deleted droplet's engine is gone.
//
// The package decides how the two sides hang together, how a request reaches one of them, and what a fault does to it on the way.
// It must not know swarmd's planner or its rules: it is the world that swarmd has to cope with, for tests, for `swarmd demo` and
// `swarmd sim`, and for any other client. Like docean and dockerd it has no clock of its own; what is due is done at the next
// request, in the order in which it was due, so that it works inside a synctest bubble.
package sim
