package explore

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/docean"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
	specfile "github.com/swarmd/swarmd/pkg/spec/file"
)

// clusterName is the explored cluster's.
const clusterName = "web"

// The bounds of a run, in virtual time.
const (
	prepareWithin  = 10 * time.Minute // the start is as wanted
	convergeWithin = 15 * time.Minute // after the last edit and the last fault
	stillFor       = 14 * time.Second // more than a resync, and a renewal of the lease, and a look at the tasks
)

// Violation is an invariant that did not hold.
type Violation struct {
	Invariant string
	Call      int // number of the call since the workflow was armed
	Text      string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s after call %d: %s", v.Invariant, v.Call, v.Text)
}

// Outcome is what came of a plan.
type Outcome struct {
	Plan       Plan
	Violations []Violation
	Calls      int // since the workflow was armed
	Active     int // those of them that came before everything was as wanted
	Signs      []Sign
	Virtual    time.Duration
	Injected   map[Kind]int
	Brakes     map[string]int
	Digest     uint64   // of the whole run: every call and what came of it, every note, every violation, and when
	Calm       uint64   // the same, whatever faults made of the calls that they happened to
	Deeds      uint64   // calls that wrote, in any order and whatever they were for, but for those of configs: the lease's and the ledger's
	Trace      []string // the lines that were kept: all if the plan says so
	States     []uint64 // digests of the states that were visited
	Creates    int
	Deletes    int
}

// run is a plan under way.
type run struct {
	explorer  *Explorer
	plan      Plan
	workflow  Workflow
	mutant    Mutant
	cluster   string
	world     *sim.World
	scheduler *scheduler
	actors    *actors
	check     *checks
	faults    *injector
	armed     int // calls before the workflow was armed
	isArmed   bool
	ended     bool   // the cluster is destroyed
	only      string // the one machine that has a swarmd, "" is every manager
	want      file
	secret    *atomic.Value                      // what is in the file of the secret, or of a registry's password, beside each swarmd
	refusing  atomic.Bool                        // the registry tells nobody about its images
	wanted    func() (*specfile.Document, error) // the same, read
	most      int                                // calls until it is stopped
	counts    map[string]int                     // pool → what the last file wants
	recorded  *opening                           // what is being recorded
	welcome   string                             // the rogue that a person keeps
	seen      *state                             // by the last look at the world
	out       *Outcome
	broken    bool // nothing more needs to be done
	caught    bool // nor played
}

// Run plays a plan. It needs t for its bubble alone and never fails it.
func (e *Explorer) Run(t *testing.T, p Plan) Outcome {
	out := Outcome{Plan: p, Injected: map[Kind]int{}, Brakes: map[string]int{}}
	from := e.opening(t, p)
	synctest.Test(t, func(*testing.T) { e.play(p, from, &out) })
	return out
}

func (e *Explorer) play(p Plan, from *opening, out *Outcome) {
	w, ok := workflowNamed(p.Workflow)
	if !ok {
		out.Violations = append(out.Violations, Violation{Invariant: "harness", Text: "no workflow " + p.Workflow})
		return
	}
	m, ok := mutantNamed(p.Mutant)
	if !ok {
		out.Violations = append(out.Violations, Violation{Invariant: "harness", Text: "no mutant " + p.Mutant})
		return
	}
	r := e.newRun(p, w, m, out)
	r.play(func() { r.drive(from) })
	r.conclude()
}

func (e *Explorer) newRun(p Plan, w Workflow, m Mutant, out *Outcome) *run {
	r := &run{explorer: e, plan: p, workflow: w, mutant: m, cluster: clusterName, out: out, most: maxCalls, counts: map[string]int{}, secret: &atomic.Value{}}
	r.secret.Store(firstSecret)
	r.wants(w.Start)
	r.scheduler = newScheduler(p.Seed)
	r.scheduler.keepAll = p.Watch
	r.world = sim.New(r.options())
	r.actors, r.check, r.faults = newActors(r), newChecks(r), newInjector(r)
	r.scheduler.judge, r.scheduler.look, r.scheduler.saw = r.faults.judge, r.check.before, r.check.after
	return r
}

// play plays something with the scheduler, until nobody is left.
func (r *run) play(play func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { r.scheduler.schedule(stop); close(stopped) }()
	play()
	r.actors.killAll()
	close(stop)
	<-stopped
	time.Sleep(maxWay) // answers that are on their way come to nobody
	synctest.Wait()
}

// options is a world that is quicker than DigitalOcean's, so that a run has fewer calls that only wait. With some seeds a list lags for as
// long as several looks take, with others for less than one.
func (r *run) options() sim.Options {
	lag := time.Duration(1+(r.plan.Seed-1)%4) * 900 * time.Millisecond
	return sim.Options{Seed: r.plan.Seed, BootTime: 700 * time.Millisecond, JoinTime: 300 * time.Millisecond, ShutdownTime: 400 * time.Millisecond, DialTimeout: time.Second,
		Fault: r.scheduler.hook, TraceLimit: 1,
		Cloud: docean.Options{ActionTime: 300 * time.Millisecond, ListLag: lag, TagDelay: lag + 400*time.Millisecond, PageSize: r.workflow.Pages, DropletLimit: 100,
			Hook: func(e docean.Event) { r.check.droplet(e) }},
		Docker: dockerd.Options{Release: r.plan.Engine, HeartbeatTimeout: 2 * time.Second, ElectionTime: time.Second, ReconnectTime: time.Second, RoleRetry: time.Second,
			PromoteDelay: 600 * time.Millisecond, DemoteDelay: 1500 * time.Millisecond}}
}

// begin makes the world that a workflow starts in, and reports whether it could.
func (r *run) begin() bool {
	if err := r.workflow.populate(r.world, r.cluster); err != nil {
		r.violate("harness", "%v", err)
		return false
	}
	r.images()
	if first := r.firstMachine(); r.workflow.Empty {
		r.only = nowhere
	} else {
		r.actors.files[first] = r.want.yaml(r.cluster)
		if !r.workflow.Several {
			r.only = first
		}
	}
	r.check.begin()
	return true
}

// drive plays the workflow to its end.
func (r *run) drive(from *opening) {
	if !r.begin() {
		return
	}
	if r.workflow.Fresh {
		r.arm()
	}
	if from != nil {
		r.restore(from)
	}
	r.actors.supervise()
	if !r.workflow.Fresh {
		r.converge("prepare", prepareWithin)
		r.arm()
	}
	if r.broken {
		return
	}
	if r.workflow.Play != nil {
		r.workflow.Play(r)
	}
	if r.ended {
		r.out.Active = r.scheduler.count() - r.armed
		return
	}
	r.converge("converge", convergeWithin)
	r.still()
}

func (r *run) arm() {
	r.armed, r.isArmed = r.scheduler.count(), true
	r.faults.arm()
	r.scheduler.remark("armed")
}

// number is the call's number since the workflow was armed, 0 or less before.
func (r *run) number(t *ticket) int {
	if !r.isArmed {
		return 0
	}
	return t.n - r.armed
}

// step is one tick of the world around swarmd.
func (r *run) step() {
	r.scheduler.sync()
	defer r.scheduler.sync()
	r.world.Advance()
	r.faults.step()
	r.actors.supervise()
	r.check.tick()
	if r.scheduler.count() > r.most {
		r.stop("calls", "more than %d calls", r.most)
	}
}

// edit is a new file, applied by an operator.
func (r *run) edit(f file) {
	if r.broken {
		return
	}
	r.wants(f)
	r.check.wants(f)
	r.faults.last = time.Now()
	if err := r.actors.submit(f.yaml(r.cluster), convergeWithin); err != nil {
		r.stop("accept", "%v", err)
	}
}

// wants has everything be as the file says from now on.
func (r *run) wants(f file) {
	r.want = f
	r.wanted = sync.OnceValues(func() (*specfile.Document, error) { return r.parse(f) })
}

// parse reads a file.
func (r *run) parse(f file) (*specfile.Document, error) {
	return r.explorer.parse("cluster.yaml", f.yaml(r.cluster))
}

// wait lets time go on.
func (r *run) wait(d time.Duration) {
	if !r.broken {
		r.actors.elapse(d)
	}
}

// converge waits until everything is as the file says, for as long as the limit after the last fault.
func (r *run) converge(what string, limit time.Duration) {
	why, met := "it never began", 0
	began := time.Now()
	for !r.broken && (time.Since(began) < limit || time.Since(r.faults.last) < limit) {
		if why = r.unmet(); why != "" {
			met = 0
		} else if met++; met == 3 {
			r.scheduler.remark("%s: done", what)
			r.check.settled()
			return
		}
		r.actors.elapse(tick)
	}
	if !r.broken {
		r.stop(what, "not within %s: %s", limit, why)
	}
}

// still holds that nothing is written once all is as wanted: one pass, then every timer that is pending.
func (r *run) still() {
	if r.broken {
		return
	}
	for _, p := range r.actors.all {
		if !p.gone() {
			p.loop.Kick()
		}
	}
	r.out.Active = r.scheduler.count() - r.armed
	r.faults.rest()
	r.check.quiet(true)
	r.actors.elapse(stillFor)
	r.check.quiet(false)
	if why := r.unmet(); why != "" && !r.broken {
		r.violate("still", "it did not stay as wanted: %s", why)
	}
}

// restarting reports whether the machine's engine is down for a moment only: its processes outlive that.
func (r *run) restarting(machine string) bool { return r.faults.restarting(machine) }

func (r *run) braked(process, brake string) {
	r.out.Brakes[brake]++
	r.scheduler.remark("%s: the brake %s held", process, brake)
	r.enough()
}

func (r *run) violate(invariant, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.scheduler.remark("VIOLATION %s: %s", invariant, text)
	r.out.Violations = append(r.out.Violations, Violation{Invariant: invariant, Call: r.scheduler.count() - r.armed, Text: text})
	r.enough()
}

// enough ends a hunt in which something was noticed.
func (r *run) enough() {
	if r.plan.Hunt && caught(*r.out) != "" {
		r.broken, r.caught = true, true
	}
}

// stop is a violation after which the rest has no meaning.
func (r *run) stop(invariant, format string, args ...any) {
	r.broken = true
	r.violate(invariant, format, args...)
}

func (r *run) conclude() {
	r.check.conclude()
	r.out.Calls = r.scheduler.count() - r.armed
	r.out.Virtual = time.Since(r.scheduler.began)
	if r.plan.Watch || len(r.out.Violations) > 0 {
		r.out.Trace = r.scheduler.trace()
	}
	r.out.Digest, r.out.Calm = r.scheduler.digests()
	r.out.Deeds = uint64(r.check.deeds)
	r.out.Signs = slices.Clone(r.faults.signs[:min(r.out.Active, len(r.faults.signs))])
}
