package ledger

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// The bounds of what is written. MaxBytes has room for as many operations and roll-outs as there may be: keys and values of the labels together, since
// Raft keeps every write until its next snapshot.
const (
	MaxOps      = 60  // that are open at once
	MaxRollouts = 300 // services whose roll-outs are remembered at once
	MaxPauses   = 60  // pools and services that are paused at once
	MaxBytes    = 96 << 10
)

// The bounds of what is read back, bytes: a person may have written anything into a label.
const (
	maxLabels = 256 << 10 // keys and values of one object
	maxShown  = 200       // of a label in an error, and of a text for people
)

// The labels of the ledger's config. Every other label on it is somebody's own, or a later version's, and is preserved.
const (
	format          = "1"
	prefixOwn       = "swarmd.ledger."
	keyFormat       = "swarmd.ledger.format"
	keyRevision     = "swarmd.ledger.revision"
	keyDeleteBudget = "swarmd.ledger.credit"
	keyFreeDeletes  = "swarmd.ledger.uncharged" // unix seconds, comma-separated
	keyRepairs      = "swarmd.ledger.repairs"   // the same
	keyRetries      = "swarmd.ledger.retries"   // the same
	keySwarm        = "swarmd.ledger.swarm"
	keyEpoch        = "swarmd.ledger.epoch"
	keyToken        = "swarmd.ledger.token"
	keyRotate       = "swarmd.ledger.rotate"
	keyServices     = "swarmd.ledger.services_only" // "true"
	prefixOp        = "swarmd.ledger.op."           // + operation id → JSON
	prefixStale     = "swarmd.ledger.stale."        // + holder → revision
	prefixBroken    = "swarmd.ledger.broken."       // + holder → why its file does not count
	prefixLaunch    = "swarmd.ledger.launch."       // + pool → JSON
	prefixKept      = "swarmd.ledger.kept."         // + droplet → JSON
	prefixRollout   = "swarmd.ledger.failed."       // + service → what was rolled out last
	prefixPause     = "swarmd.ledger.paused."       // + object → since when, until when, by whom and why
)

// opRecord is an operation as it is stored: short keys, times in unix seconds, zero values left out.
type opRecord struct {
	Kind     OpKind `json:"k"`
	Pool     string `json:"p,omitempty"`
	Name     string `json:"n,omitempty"`
	Droplet  int    `json:"d,omitempty"`
	Node     string `json:"t,omitempty"`
	Epoch    uint64 `json:"e,omitempty"`
	Started  int64  `json:"s,omitempty"`
	Deadline int64  `json:"x,omitempty"`
	Budgeted bool   `json:"c,omitempty"`
	Repair   bool   `json:"r,omitempty"`
	Keep     bool   `json:"f,omitempty"`
	Shutdown int64  `json:"o,omitempty"`
	Reason   string `json:"w,omitempty"`
	From     string `json:"a,omitempty"`
	To       string `json:"z,omitempty"`
	Phase    Phase  `json:"h,omitempty"`
	Phased   int64  `json:"i,omitempty"`
	Returned int64  `json:"b,omitempty"`
	Failed   string `json:"m,omitempty"`
}

// Encode turns the ledger into labels and adds the labels that are not its own. Times lose what is below a second. A ledger over
// MaxBytes is an error of kind Capacity.
func Encode(l Ledger, others map[string]string) (map[string]string, error) {
	out, err := l.labels()
	if err != nil {
		return nil, err
	}
	for k, v := range others {
		if _, own := out[k]; !own {
			out[k] = v
		}
	}
	if n := size(out); n > MaxBytes {
		return nil, failed("encode ledger", apierr.Capacity, fmt.Errorf("%d bytes of labels, at most %d", n, MaxBytes))
	}
	return out, nil
}

// labels are the ledger's own.
func (l Ledger) labels() (map[string]string, error) {
	out := map[string]string{keyFormat: format}
	out[keyRevision] = strconv.Itoa(l.Revision)
	putNumber(out, keyDeleteBudget, uint64(max(l.DeleteBudget, 0)))
	putNumber(out, keyEpoch, l.Epoch)
	putText(out, keySwarm, l.ClusterID)
	putText(out, keyFreeDeletes, joinTimes(l.FreeDeletes))
	putText(out, keyRepairs, joinTimes(l.Repairs))
	putText(out, keyRetries, joinTimes(l.Retries))
	if l.Token != "" {
		out[keyToken] = l.Token + ":" + strconv.Itoa(l.Handed)
	}
	putNumber(out, keyRotate, l.Rotate)
	putNumber(out, keyConfirmed, uint64(max(l.Confirmed, 0)))
	if l.ServicesOnly {
		out[keyServices] = strconv.FormatBool(true)
	}
	for holder, n := range l.Stale {
		out[prefixStale+holder] = strconv.Itoa(n)
	}
	for holder, why := range l.Broken {
		out[prefixBroken+holder] = why
	}
	for service, r := range l.Rollouts {
		out[prefixRollout+service] = r.String()
	}
	for object, why := range l.Pauses {
		out[prefixPause+object] = why.String()
	}
	if err := l.launchLabels(out); err != nil {
		return nil, err
	}
	for _, op := range l.Ops {
		raw, err := json.Marshal(record(op))
		if err != nil {
			return nil, failed("encode ledger", apierr.Invalid, err)
		}
		out[prefixOp+op.ID] = string(raw)
	}
	return out, nil
}

// Size is how many bytes of labels the ledger takes, of MaxBytes.
func (l Ledger) Size() int {
	labels, err := l.labels()
	if err != nil {
		return MaxBytes + 1
	}
	return size(labels)
}

// Clone returns a copy that shares nothing with the ledger.
func (l Ledger) Clone() Ledger {
	l.Ops, l.FreeDeletes, l.Repairs = slices.Clone(l.Ops), slices.Clone(l.FreeDeletes), slices.Clone(l.Repairs)
	l.Stale, l.Broken, l.Rollouts, l.Pauses = maps.Clone(l.Stale), maps.Clone(l.Broken), maps.Clone(l.Rollouts), maps.Clone(l.Pauses)
	l.Retries, l.Launches, l.Kept = slices.Clone(l.Retries), maps.Clone(l.Launches), slices.Clone(l.Kept)
	return l
}

// Decode reads the ledger from labels and returns the labels that are not its own. What it cannot read is an error of kind
// Invalid, never an empty ledger.
func Decode(labels map[string]string) (Ledger, map[string]string, error) {
	l, others := Ledger{}, map[string]string{}
	if err := bounded(labels); err != nil {
		return l, nil, failed("decode ledger", apierr.Invalid, err)
	}
	if got := labels[keyFormat]; got != format {
		return l, nil, failed("decode ledger", apierr.Invalid, fmt.Errorf("format %q, want %q", brief(got), format))
	}
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		known, err := l.decodeLabel(key, labels[key])
		if err != nil {
			return Ledger{}, nil, failed("decode ledger", apierr.Invalid, fmt.Errorf("label %s: %s", brief(key), brief(err.Error())))
		}
		if !known {
			others[key] = labels[key]
			if strings.HasPrefix(key, prefixOwn) {
				l.Newer = append(l.Newer, brief(key))
			}
		}
	}
	return l, others, nil
}

func (l *Ledger) decodeLabel(key, value string) (known bool, err error) {
	switch key {
	case keyFormat:
		return true, nil
	case keyRevision:
		l.Revision, err = natural(value)
		return true, err
	case keyDeleteBudget:
		l.DeleteBudget, err = natural(value)
		return true, err
	case keyEpoch:
		l.Epoch, err = strconv.ParseUint(value, 10, 64)
		return true, err
	case keySwarm:
		l.ClusterID = value
		return true, nil
	case keyFreeDeletes:
		l.FreeDeletes, err = splitTimes(value)
		return true, err
	case keyRepairs:
		l.Repairs, err = splitTimes(value)
		return true, err
	case keyRetries:
		l.Retries, err = splitTimes(value)
		return true, err
	case keyToken:
		print, handed, _ := strings.Cut(value, ":")
		l.Token = print
		l.Handed, err = natural(handed)
		return true, err
	case keyRotate:
		l.Rotate, err = strconv.ParseUint(value, 10, 64)
		return true, err
	case keyConfirmed:
		l.Confirmed, err = natural(value)
		return true, err
	case keyServices:
		l.ServicesOnly, err = strconv.ParseBool(value)
		return true, err
	}
	return l.decodeEntry(key, value)
}

func (l *Ledger) decodeEntry(key, value string) (known bool, err error) {
	if id, ok := strings.CutPrefix(key, prefixOp); ok {
		op, known, err := operation(id, value)
		if known && err == nil {
			l.Ops = append(l.Ops, op)
		}
		return known || err != nil, err
	}
	if holder, ok := strings.CutPrefix(key, prefixStale); ok {
		n, err := natural(value)
		put(&l.Stale, holder, n)
		return true, err
	}
	if holder, ok := strings.CutPrefix(key, prefixBroken); ok {
		put(&l.Broken, holder, value)
		return true, nil
	}
	if service, ok := strings.CutPrefix(key, prefixRollout); ok {
		r, known := parseRollOut(value)
		if known {
			put(&l.Rollouts, service, r)
		}
		return known, nil
	}
	if object, ok := strings.CutPrefix(key, prefixPause); ok {
		put(&l.Pauses, object, swarm.ParseHandsOff(value))
		return true, nil
	}
	return l.decodeLaunch(key, value)
}

func record(op Op) opRecord {
	return opRecord{Kind: op.Kind, Pool: op.Pool, Name: op.Name, Droplet: op.DropletID, Node: op.NodeID, Epoch: op.Epoch, Started: seconds(op.Started),
		Deadline: seconds(op.Deadline), Budgeted: op.Budgeted, Repair: op.Repair, Keep: op.Keep, Shutdown: seconds(op.Shutdown), Reason: op.Reason,
		From: op.From, To: op.To, Phase: op.Phase, Phased: seconds(op.Phased), Returned: seconds(op.Returned), Failed: op.Failed}
}

// operation reads an operation. One of a kind or with a field that this swarmd does not know is a newer one's, and no error.
func operation(id, value string) (op Op, known bool, err error) {
	var r opRecord
	if err := json.Unmarshal([]byte(value), &r); err != nil {
		return Op{}, false, err
	}
	dec := json.NewDecoder(strings.NewReader(value))
	dec.DisallowUnknownFields()
	if newer := dec.Decode(&opRecord{}); newer != nil || !r.known() {
		return Op{}, false, nil
	}
	if id == "" || r.Kind == "" || r.Droplet < 0 || r.Kind != Create && r.Droplet == 0 {
		return Op{}, false, fmt.Errorf("operation %q of kind %q on droplet %d", brief(id), brief(string(r.Kind)), r.Droplet)
	}
	return Op{ID: id, Kind: r.Kind, Pool: r.Pool, Name: r.Name, DropletID: r.Droplet, NodeID: r.Node, Epoch: r.Epoch, Started: moment(r.Started),
		Deadline: moment(r.Deadline), Budgeted: r.Budgeted, Repair: r.Repair, Keep: r.Keep, Shutdown: moment(r.Shutdown), Reason: r.Reason,
		From: r.From, To: r.To, Phase: r.Phase, Phased: moment(r.Phased), Returned: moment(r.Returned), Failed: r.Failed}, true, nil
}

// known reports whether this swarmd knows the operation's kind, and of a resize its phase. Without a kind it is no newer one's.
func (r opRecord) known() bool {
	switch r.Kind {
	case "", Create, Delete, Replace:
		return true
	case Resize:
		return slices.Contains(Phases(), r.Phase)
	}
	return false
}

func putNumber(m map[string]string, key string, n uint64) {
	if n != 0 {
		m[key] = strconv.FormatUint(n, 10)
	}
}

func putText(m map[string]string, key, text string) {
	if text != "" {
		m[key] = text
	}
}

func put[V any](m *map[string]V, key string, v V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = v
}

// natural is Atoi for the one spelling that Encode writes: no sign, no leading zero.
func natural(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, err
	}
	if n < 0 || strconv.Itoa(n) != s {
		return 0, fmt.Errorf("%q is not a natural number", s)
	}
	return n, nil
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func moment(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

func joinTimes(ts []time.Time) string {
	parts := make([]string, 0, len(ts))
	for _, t := range ts {
		parts = append(parts, strconv.FormatInt(t.Unix(), 10))
	}
	return strings.Join(parts, ",")
}

func splitTimes(s string) ([]time.Time, error) {
	var out []time.Time
	for part := range strings.SplitSeq(s, ",") {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return nil, err
		}
		out = append(out, time.Unix(n, 0).UTC())
	}
	return out, nil
}

func size(labels map[string]string) int {
	n := 0
	for k, v := range labels {
		n += len(k) + len(v)
	}
	return n
}

// bounded refuses labels of which nobody can have written so many on purpose.
func bounded(labels map[string]string) error {
	if n := size(labels); n > maxLabels {
		return fmt.Errorf("%d bytes of labels, at most %d: docker config inspect shows them; what does not begin with swarmd. is not swarmd's", n, maxLabels)
	}
	return nil
}

// brief cuts a text for people.
func brief(s string) string {
	if len(s) <= maxShown {
		return s
	}
	return strings.ToValidUTF8(s[:maxShown], "") + "…"
}

func failed(op string, kind apierr.Kind, err error) error {
	return &apierr.Error{Kind: kind, Side: "swarm", Op: op, Err: err}
}

// clusterLabels are on every object of the store.
func clusterLabels(cluster string) map[string]string {
	return map[string]string{swarm.LabelCluster: cluster}
}
