// Package plan is the decision: a function of one value (desired, seen, remembered, now) to steps and holds. It has no context,
// logger, clock, random number or error return; same input, same bytes out. It imports no client.
//
// It decides which droplets are created and which machines leave, what nodes are labelled with, who is promoted and demoted, and
// what is written to services and networks. It must not read anything, and it must not plan a step that something else than the
// input would have to permit.
//
// # Stages
//
// Compute is five of them and a report, each a function of what those before it made. What is known is a view, which only answers; what is decided
// goes into a builder, which only writes. No function does both, but for admit and finish, which return what they have decided.
//
//   - survey classifies machines and says how much may be decided at all. It must not look at what is wished.
//   - propose says what is not as it should be, as wishes: a pool is short, a machine broken, a node's label wrong, a service new. It must not
//     look at guards or budgets; a wish that cannot come true yet is one all the same.
//   - admit asks the guards of each wish, by one table, see rules. It must not plan a step. What a guard needs to know of this pass, what was
//     granted so far and what that leaves of the budgets, it is given as a value, see spent.
//   - advance moves each open operation one stage on, and begins what was granted. The stage follows from what is seen: it must not be remembered.
//   - converge makes nodes, services and networks what was granted. It must not decide anything, and writes to an object once in a pass.
//   - report says what is neither wished nor done: what could not be seen, what is left alone, what comes by itself, and the counts.
//
// The order of the steps is that of the wishes; what a create or a failed join left behind comes before what is begun, and that before what leaves.
// The order in which holds are said does not matter: finish sorts them, and says each once.
//
// # Words
//
// Every machine (a droplet, a node, or both) is in exactly one class:
//
//   - foreign: not the cluster's. Reported, never counted, never touched.
//   - disputed: its identity is contradicted, or nothing but its tags and name shows that it is this swarm's. Counted if it is known to be a
//     droplet of a pool, otherwise left alone until a person has looked.
//   - removed: made for this swarm, by its tag, and no node here is on it: somebody took its node out while its droplet lives.
//   - rejoined: bound, and its node is Down because its droplet's engine has joined anew, as another node.
//   - leaving: a Delete operation is open on it. Not counted any more. Not a repair whose machine is up again: that ends.
//   - resizing: a Resize operation is open on it. It is counted, and whatever is seen of it, it is neither down nor ill.
//   - orphaned: ours, but the file no longer has its pool.
//   - dead: bound, and its droplet does not exist any more.
//   - booting: a droplet that has not joined yet; overdue: one that is over its time to become active or to join.
//   - kept: one that never joined and is kept for a look, switched off. Not counted.
//   - arriving: joined, and not bound yet.
//   - down: bound, and its node is Down or its droplet is off.
//   - unknown: bound, and the leader does not know how it is. Every node is so for some seconds after a change of leader.
//   - ready: bound, and its node is Ready.
//
// A machine is counted in its pool if it is disputed, removed, rejoined, resizing, dead, booting, overdue, arriving, down, unknown or ready: what is broken is
// repaired, or held and reported, and only one that is dead gives its place to another. A Create operation whose droplet is not seen yet is counted as well, so nothing is created twice.
//
// The leaving machines of a pool that carry tasks are drained one after the other, see drainTurn.
//
// A step is destructive if something is gone or stopped after it: begin to leave, drain, demote, shut down, power off, remove a node,
// a service or a network, delete a droplet, and giving up an operation. A view with a gap gives no destructive step.
package plan
