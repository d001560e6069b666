// Package explore tries to break swarmd. It plays whole workflows with the swarmd that ships, as pkg/app puts it together, against the
// simulated world, in a testing/synctest bubble, and makes one call after the other crash, fail, lie or lose its answer. After every call it
// looks at the simulator's ground truth and holds it against the invariants; at the end the faults stop, and then everything must become as
// the file says and stay so.
//
// # Words
//
// A plan is one run: a workflow, a seed, faults at call numbers, and perhaps a mutant. The same plan gives the same trace, byte for byte,
// because operation ids, jitter, the time a call takes and which of several waiting calls goes next all come from the seed. The scheduler keeps every
// call waiting until nothing else moves, and lets one go. A process is one swarmd on one machine. The actors are all processes, the supervisor that
// starts one on every manager, and the operator who edits the file. A workflow is armed when the cluster that it starts from is as wanted; its calls
// are counted from then on.
//
// # What is played
//
// Some workflows have a part of the world out of order for minutes: a side that fails, a token that is refused, a machine that nobody reaches, a clock
// that is wrong. Of their single faults one of so many is played, and so of faults that are lies in good form or set a clock.
//
// Every other single fault: each kind at each call of each workflow, but for those that cannot differ from one that is played:
//
//   - Reads of one kind in the same state of the world, after the same write, under the same lease, are one: swarmd waits there, and looks again.
//     A renewal is no such write: it leaves the lease with the one who has it, and repeats as reads do. Of faults that mislead, failures and lies, the
//     last of these reads is played besides the first if a write follows from it: this is the look that swarmd acts upon.
//   - A process that dies takes along what it has read and what it was about to write: to it reads of all kinds are one, a write is one with the look that
//     it follows from, and after a write that was done is before the call that comes at once behind it.
//   - Without its own engine's word, the cluster's identity or the nodes, a look decides nothing at all, whatever else it shows: which of them is
//     missing is one, for a failure and for an engine that is down before one was read; and so is another leader before the nodes were read. Why one is
//     missing counts for the nodes alone, where "no leader" is news; else it is one with a failure. Of the ledger, which whoever looks after the lease
//     reads too, all is played.
//   - While its only swarmd waits, nobody changes networks or how the swarm is set up: a process that stands still before such a read is one with the
//     same before the call at once behind it, and which of these reads is slow is one. What a person does before a read that does not show it is one
//     with the same before the first that does.
//     Each campaign plays some of what these last three leave out, too: the same must be written as often; see Campaign.Twins.
//   - What the clients make one error of is one, because everything above them decides by the error's kind alone (see package apierr): a call that
//     is cut, answered with 500, with a page, with half of a good answer; an effect whose answer is cut or is one of the 5xx. One of each class is played, in turns.
//     Each campaign plays some of the others too, which must make the same calls at the same instants; see Campaign.Twins.
//   - A lie that is the truth, such as an empty list of what has no entries, is no fault, and two lies that are one answer are one.
//   - Where a swarm has one manager, a change of its leader is a restart of its engine.
//   - The loss of the lease shows to whoever reads the lease, that of an engine or of a leader to whoever calls one. Before a read that shows neither,
//     with one at once behind it that does, it is the same as before that one.
//
// What follows its last fault is a run without faults from the state that was reached: so all states that a fault leads to are shown to converge
// within a bound, then to stay still for a pass that writes nothing and for as long as it takes all timers but the hourly ones to fire; some run for
// seven days more. Pairs of faults are drawn by chance; mixes have edits and faults at random, for minutes or for days. With other seeds the calls
// come in another order, and lists lag for longer.
//
// Besides every swarmd, the commands of people are played so: apply, bootstrap from an empty account, alone and two at once, and destroy. One that
// dies or fails is run again, as its person would; a hand is one such run, and a laptop what is kept between them. The file that a swarmd watches is
// handed to it whole: the watcher itself goes by the operating system's events, which have no virtual time.
//
// The engines are the simulator's default ones; a sample of the single faults is played on 20.10 too, and such a plan begins with "20.10:".
//
// Each process goes by the clock on its machine's wall where a time leaves it or comes from another; the monotonic clock is one for all.
//
// A mutant is swarmd with a deliberate bug, put in from outside: by wrapping a client, a transport, the planner's input or its output. The
// checker is checked by it: each mutant must be caught.
//
// The package decides what may never be and what must come true. It must not know how swarmd decides: it judges by ground truth, never by
// what swarmd believes. Nothing but tests imports it.
package explore
