package ledger

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
)

// LaunchesCount is how long a launch that failed counts: one that fails later is the first of its row.
const LaunchesCount = 3 * time.Hour

// maxPools and maxKept bound what is remembered of launches: with more the oldest is forgotten, since a launch that failed must not be held by it.
const (
	maxPools = 50
	maxKept  = 30
)

// Launch is the launches of a pool that failed in a row. A machine that was made before the last of them failed counts with it: one cause has many fail.
type Launch struct {
	Failures int
	Last     time.Time // when the last one was found to have failed
	Name     string    // of its droplet
	Template string    // of the pool then, see plan: with another one the count begins anew
}

// Kept is a machine that never joined and is kept for a look. It is switched off, and no place of its pool.
type Kept struct {
	DropletID  int
	Pool, Name string
	Since      time.Time
}

// RetriesAnHour is how many machines that never joined an hour has deleted, of a cluster with so many bound nodes. No work is lost with them, so there
// are more than repairs: a batch of the creates that run at once by default, and as many as repairs in a large cluster.
func RetriesAnHour(nodes int) int { return max(12, RepairsAnHour(nodes)) }

// KeptDroplet returns what is kept of the droplet, or nil.
func (l *Ledger) KeptDroplet(id int) *Kept {
	for i := range l.Kept {
		if l.Kept[i].DropletID == id {
			return &l.Kept[i]
		}
	}
	return nil
}

type (
	// FailLaunch counts the open create as one that failed, with the template of its pool.
	FailLaunch struct {
		OpID, Template string
	}
	// Launched ends the row of failures of the pool of an open create that was opened after the last of them.
	Launched struct {
		OpID string
	}
	// KeepDroplet closes an open delete and keeps its droplet.
	KeepDroplet struct {
		OpID string
	}
	// ForgetKept says that a droplet is not kept any more. One that is not kept is no error.
	ForgetKept struct {
		DropletID int
	}
)

func (c FailLaunch) apply(l *Ledger, m Moment) error {
	op := l.ByID(c.OpID)
	if op == nil || op.Kind != Create {
		return refusef(apierr.NotFound, "no create %s is open", c.OpID)
	}
	was, known := l.Launches[op.Pool]
	if was.Template != c.Template || m.Now.Sub(was.Last).Abs() > LaunchesCount {
		was = Launch{Template: c.Template}
	}
	if op.Started.After(was.Last) {
		was.Failures++
	}
	was.Last, was.Name = m.Now, op.Name
	if !known && len(l.Launches) >= maxPools {
		delete(l.Launches, oldest(l.Launches))
	}
	put(&l.Launches, op.Pool, was)
	return nil
}

// oldest is the pool whose last failure is the longest ago.
func oldest(launches map[string]Launch) string {
	var pools []string
	for pool := range launches {
		pools = append(pools, pool)
	}
	return slices.MinFunc(pools, func(a, b string) int {
		return cmp.Or(launches[a].Last.Compare(launches[b].Last), strings.Compare(a, b))
	})
}

func (c Launched) apply(l *Ledger, _ Moment) error {
	if op := l.ByID(c.OpID); op != nil && op.Started.After(l.Launches[op.Pool].Last) {
		delete(l.Launches, op.Pool)
	}
	return nil
}

func (c KeepDroplet) apply(l *Ledger, m Moment) error {
	op := l.ByID(c.OpID)
	if op == nil || op.Kind != Delete || !op.Keep {
		return refusef(apierr.NotFound, "no delete %s of a machine to keep is open", c.OpID)
	}
	if len(l.Kept) >= maxKept {
		return refusef(apierr.Busy, "%d machines are kept already", maxKept)
	}
	l.Kept = append(l.Kept, Kept{DropletID: op.DropletID, Pool: op.Pool, Name: op.Name, Since: m.Now})
	slices.SortFunc(l.Kept, func(a, b Kept) int { return cmp.Compare(a.DropletID, b.DropletID) })
	l.close(c.OpID)
	return nil
}

func (c ForgetKept) apply(l *Ledger, _ Moment) error {
	l.forgetKept(c.DropletID)
	return nil
}

func (l *Ledger) forgetKept(id int) {
	l.Kept = slices.DeleteFunc(l.Kept, func(k Kept) bool { return k.DropletID == id })
}

// launchRecord and keptRecord are both as they are stored, times in unix seconds.
type (
	launchRecord struct {
		Failures int    `json:"f"`
		Last     int64  `json:"t"`
		Name     string `json:"n,omitempty"`
		Template string `json:"h,omitempty"`
	}
	keptRecord struct {
		Pool  string `json:"p"`
		Name  string `json:"n"`
		Since int64  `json:"s"`
	}
)

func (l Ledger) launchLabels(out map[string]string) error {
	records := map[string]any{}
	for pool, f := range l.Launches {
		records[prefixLaunch+pool] = launchRecord{f.Failures, seconds(f.Last), f.Name, f.Template}
	}
	for _, k := range l.Kept {
		records[prefixKept+strconv.Itoa(k.DropletID)] = keptRecord{k.Pool, k.Name, seconds(k.Since)}
	}
	for key, r := range records {
		raw, err := json.Marshal(r)
		if err != nil {
			return failed("encode ledger", apierr.Invalid, err)
		}
		out[key] = string(raw)
	}
	return nil
}

// decodeLaunch reads what is remembered of launches. A field that this swarmd does not know is a newer one's, and no error.
func (l *Ledger) decodeLaunch(key, value string) (known bool, err error) {
	if pool, ok := strings.CutPrefix(key, prefixLaunch); ok {
		var r launchRecord
		known, err := strictly(value, &r)
		if known && err == nil {
			put(&l.Launches, pool, Launch{max(r.Failures, 0), moment(r.Last), r.Name, r.Template})
		}
		return known || err != nil, err
	}
	droplet, ok := strings.CutPrefix(key, prefixKept)
	if !ok {
		return false, nil
	}
	id, err := natural(droplet)
	if err == nil && id == 0 {
		err = fmt.Errorf("droplet %q", droplet)
	}
	var r keptRecord
	if err == nil {
		known, err = strictly(value, &r)
	}
	if known && err == nil {
		l.Kept = append(l.Kept, Kept{id, r.Pool, r.Name, moment(r.Since)})
		slices.SortFunc(l.Kept, func(a, b Kept) int { return cmp.Compare(a.DropletID, b.DropletID) })
	}
	return known || err != nil, err
}

// strictly reads a value; it is not known if it has a field that is not.
func strictly(value string, to any) (known bool, err error) {
	if err := json.Unmarshal([]byte(value), to); err != nil {
		return false, err
	}
	dec := json.NewDecoder(strings.NewReader(value))
	dec.DisallowUnknownFields()
	return dec.Decode(to) == nil, nil
}
