package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/internal/sem"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Configs is what the store needs of the swarm. Failed calls are *apierr.Error; UpdateConfig with a stale version and CreateConfig
// with a taken name are of kind Conflict.
type Configs interface {
	Configs(ctx context.Context, prefix string) ([]swarm.Config, error)
	CreateConfig(ctx context.Context, name string, labels map[string]string, data []byte) (string, error)
	UpdateConfig(ctx context.Context, id string, version uint64, labels map[string]string) error
	RemoveConfig(ctx context.Context, id string) error
}

// Store is the cluster's record in the swarm. It is safe for use by several goroutines; its writes go one after the other.
//
// It keeps the objects of its last read. A compare-and-swap may start from them, because the version that it names proves that they
// are current; whatever was written is forgotten at once.
type Store struct {
	configs Configs
	cluster string
	turn    *sem.Mutex
	seen    map[string]swarm.Config
	seenAt  time.Time // of the beginning of the last complete read
	decoded decoded
	written bool // the ledger was written since, with this epoch
	epoch   uint64

	servicesOnly bool // what a ledger is that this store makes
}

// decoded is what labels meant: most reads find the ledger as it was.
type decoded struct {
	labels map[string]string
	ledger Ledger
}

// decode is Decode, unless the labels are those of the last time.
func (s *Store) decode(labels map[string]string) (Ledger, error) {
	if s.decoded.labels == nil || !maps.Equal(s.decoded.labels, labels) {
		l, _, err := Decode(labels)
		if err != nil {
			return Ledger{}, err
		}
		s.decoded = decoded{maps.Clone(labels), l}
	}
	return s.decoded.ledger.Clone(), nil
}

// NewStore returns the store of the cluster. It sends nothing.
func NewStore(configs Configs, cluster string) *Store {
	return &Store{configs: configs, cluster: cluster, turn: sem.New()}
}

// BeginServicesOnly makes the ledger, where there is none yet, that of a cluster that owns no nodes. One that is there stays what it is. It must be
// called before anything else.
func (s *Store) BeginServicesOnly() { s.servicesOnly = true }

func (s *Store) ledgerName() string        { return Name(s.cluster) }
func (s *Store) leaseName() string         { return LeaseName(s.cluster) }
func (s *Store) revisionName(n int) string { return RevisionName(s.cluster, n) }

// State is one read of everything in the store.
type State struct {
	Ledger    Ledger
	Exists    bool      // false: the ledger was never made
	Lease     Lease     // zero if it was never taken
	Renewed   time.Time // when the lease was written last, by the swarm's clock
	Revisions []Revision
}

// Revision returns the revision with the number.
func (s State) Revision(n int) (Revision, bool) {
	i := slices.IndexFunc(s.Revisions, func(r Revision) bool { return r.Number == n })
	if i < 0 {
		return Revision{}, false
	}
	return s.Revisions[i], true
}

// Load reads the ledger. It is empty only if the swarm has no record of the cluster at all; a ledger that is gone while its
// revisions are there, or that cannot be decoded, is an error of kind Invalid.
func (s *Store) Load(ctx context.Context) (Ledger, error) {
	st, err := s.Look(ctx)
	return st.Ledger, err
}

// Look reads the whole store in one call.
func (s *Store) Look(ctx context.Context) (State, error) {
	if err := s.lock(ctx); err != nil {
		return State{}, err
	}
	defer s.unlock()
	if err := s.read(ctx); err != nil {
		return State{}, err
	}
	return s.state()
}

func (s *Store) state() (State, error) {
	var st State
	st.Revisions = s.revisions()
	if c, ok := s.seen[s.leaseName()]; ok {
		lease, err := decodeLease(c)
		if err != nil {
			return State{}, err
		}
		st.Lease, st.Renewed = lease, c.Updated
	}
	c, ok := s.seen[s.ledgerName()]
	if !ok {
		st.Ledger.ServicesOnly = s.servicesOnly
		return st, s.lost(st.Revisions)
	}
	l, err := s.decodeLedger(c)
	if err != nil {
		return State{}, err
	}
	st.Ledger, st.Exists = l, true
	st.Ledger.Begun = c.Created
	return st, nil
}

func (s *Store) decodeLedger(c swarm.Config) (Ledger, error) {
	l, err := s.decode(c.Labels)
	if err != nil {
		return Ledger{}, s.damaged(err)
	}
	return l, nil
}

// damaged names the config and the way out. The docker command cannot change a config's labels.
func (s *Store) damaged(err error) error {
	return failed("load ledger", apierr.Invalid, fmt.Errorf("config %s is damaged: %w; if it cannot be restored, its open operations are lost; %s",
		s.ledgerName(), err, s.beginAnew(s.ledgerName()+" ")))
}

// beginAnew is the command that makes room for a new ledger. what is removed besides the revisions ends in a space.
func (s *Store) beginAnew(what string) string {
	return fmt.Sprintf("to begin anew on purpose: docker config rm %s$(docker config ls -q --filter name=%s), then swarmd apply -f FILE, "+
		"and put that file where swarmd watches one: whatever is there counts as new at its next start",
		what, RevisionPrefix(s.cluster))
}

// lost refuses to take a vanished ledger for one that never was: open operations would be forgotten.
func (s *Store) lost(revisions []Revision) error {
	if len(revisions) == 0 {
		return nil
	}
	return failed("load ledger", apierr.Invalid, fmt.Errorf(
		"config %s is gone while %d revisions are there, and its open operations with it; %s", s.ledgerName(), len(revisions), s.beginAnew("")))
}

// Other is another cluster's ledger in the same swarm.
type Other struct {
	Cluster string
	Ledger  Ledger // zero if it is damaged
	Damaged bool
}

// Owns reports whether the other cluster may own nodes of the swarm with the id. What cannot be read may.
func (o Other) Owns(swarmID string) bool {
	return o.Damaged || o.Ledger.ClusterID == swarmID && !o.Ledger.ServicesOnly
}

// Others returns the ledgers of other clusters that the swarm has, sorted by name. Those that are damaged are among them.
func (s *Store) Others(ctx context.Context) ([]Other, error) {
	list, err := s.configs.Configs(ctx, prefix)
	if err != nil {
		return nil, err
	}
	var out []Other
	for _, c := range list {
		cluster, ok := strings.CutPrefix(c.Name, prefix)
		if !ok || cluster == s.cluster {
			continue
		}
		l, _, err := Decode(c.Labels)
		if err == nil || c.Labels[keyFormat] != "" {
			out = append(out, Other{Cluster: cluster, Ledger: l, Damaged: err != nil})
		}
	}
	slices.SortFunc(out, func(a, b Other) int { return strings.Compare(a.Cluster, b.Cluster) })
	return out, nil
}

// Known is a cluster that a swarm's store knows.
type Known struct {
	Name         string
	ServicesOnly bool // it owns none of the nodes
}

// Clusters returns the clusters that the swarm's store knows, sorted by name.
func Clusters(ctx context.Context, from interface {
	Configs(ctx context.Context, prefix string) ([]swarm.Config, error)
}) ([]Known, error) {
	configs, err := from.Configs(ctx, prefix)
	if err != nil {
		return nil, err
	}
	servicesOnly := map[string]bool{}
	for _, c := range configs {
		name := c.Labels[swarm.LabelCluster]
		if name == "" || c.Name != Name(name) && !strings.HasPrefix(c.Name, Name(name)+".") {
			continue
		}
		l, _, err := Decode(c.Labels)
		servicesOnly[name] = servicesOnly[name] || c.Name == Name(name) && err == nil && l.ServicesOnly
	}
	var known []Known
	for name, services := range servicesOnly {
		known = append(known, Known{name, services})
	}
	slices.SortFunc(known, func(a, b Known) int { return strings.Compare(a.Name, b.Name) })
	return known, nil
}

// Create makes the ledger if there is none. One that exists already is no error.
func (s *Store) Create(ctx context.Context, clusterID string, epoch uint64) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	if err := s.read(ctx); err != nil {
		return err
	}
	if st, err := s.state(); err != nil || st.Exists {
		return err
	}
	labels, err := Encode(Ledger{ClusterID: clusterID, Epoch: epoch, ServicesOnly: s.servicesOnly}, clusterLabels(s.cluster))
	if err != nil {
		return err
	}
	err = s.create(ctx, s.ledgerName(), labels, nil)
	if _, there := s.seen[s.ledgerName()]; there {
		return nil // somebody else was first
	}
	if err == nil {
		s.wrote(epoch)
	}
	return err
}

// Update changes the ledger by compare-and-swap. change may run twice, each time on the ledger as it is: it must be a function of
// its argument alone, and check there whatever it relies on. An error of change is returned as it is and nothing is written; a
// change that changes nothing writes nothing. The ledger is returned as it was written. A lost race (kind Conflict) is tried once
// more; an answer that was lost is resolved by reading, and stays of kind Unknown if the write is not there.
func (s *Store) Update(ctx context.Context, change func(*Ledger) error) (Ledger, error) {
	if err := s.lock(ctx); err != nil {
		return Ledger{}, err
	}
	defer s.unlock()
	return s.update(ctx, change)
}

// outcome is how far one try of a change came.
type outcome int

const (
	rejected  outcome = iota // by the change itself, or unreadable: nothing was sent
	unchanged                // the change changes nothing: nothing was sent
	sent                     // the compare-and-swap was sent, and the error is its result
)

// update tries on what was seen last, which only a compare-and-swap can prove current; without that proof, or when it fails, it
// reads and tries once more.
func (s *Store) update(ctx context.Context, change func(*Ledger) error) (Ledger, error) {
	_, cached := s.seen[s.ledgerName()]
	l, out, err := s.swap(ctx, change)
	lost := out == sent && apierr.KindOf(err) == apierr.Conflict
	if !lost && !(cached && out != sent) {
		return l, err
	}
	delete(s.seen, s.ledgerName())
	l, _, err = s.swap(ctx, change)
	return l, err
}

func (s *Store) swap(ctx context.Context, change func(*Ledger) error) (Ledger, outcome, error) {
	cur, err := s.object(ctx, s.ledgerName())
	if err != nil {
		return Ledger{}, rejected, err
	}
	l, others, err := Decode(cur.Labels)
	if err != nil {
		return Ledger{}, rejected, s.damaged(err)
	}
	if err := change(&l); err != nil {
		return Ledger{}, rejected, err
	}
	slices.SortFunc(l.Ops, func(a, b Op) int { return strings.Compare(a.ID, b.ID) })
	want, err := Encode(l, others)
	if err != nil {
		return Ledger{}, rejected, err
	}
	if maps.Equal(want, cur.Labels) {
		return l, unchanged, nil
	}
	if err := s.write(ctx, cur, want); err != nil {
		return l, sent, err
	}
	s.wrote(l.Epoch)
	return l, sent, nil
}

// write is one compare-and-swap of an object's labels.
func (s *Store) write(ctx context.Context, cur swarm.Config, labels map[string]string) error {
	delete(s.seen, cur.Name)
	err := s.configs.UpdateConfig(ctx, cur.ID, cur.Version, labels)
	if err == nil || apierr.KindOf(err).Refused() {
		return err
	}
	if s.read(ctx) == nil && maps.Equal(s.seen[cur.Name].Labels, labels) {
		return nil
	}
	return err
}

// create makes an object. A taken name is an error of kind Conflict unless it is what we wanted to make.
func (s *Store) create(ctx context.Context, name string, labels map[string]string, data []byte) error {
	if len(data) == 0 {
		data = []byte("swarmd\n") // the engine refuses a config without data
	}
	_, err := s.configs.CreateConfig(ctx, name, labels, data)
	if err == nil {
		delete(s.seen, name)
		return nil
	}
	if k := apierr.KindOf(err); k != apierr.Conflict && k.Refused() {
		return err
	}
	if s.read(ctx) == nil && maps.Equal(s.seen[name].Labels, labels) && string(s.seen[name].Data) == string(data) {
		return nil
	}
	return err
}

// object returns the object from the last read, or reads.
func (s *Store) object(ctx context.Context, name string) (swarm.Config, error) {
	if c, ok := s.seen[name]; ok {
		return c, nil
	}
	if err := s.read(ctx); err != nil {
		return swarm.Config{}, err
	}
	if c, ok := s.seen[name]; ok {
		return c, nil
	}
	return swarm.Config{}, failed("read store", apierr.NotFound, fmt.Errorf("no config %s", name))
}

// read replaces what was seen. The engine's name filter is a prefix: swarmd.web also finds swarmd.web2, which is not ours.
func (s *Store) read(ctx context.Context) error {
	at := time.Now()
	list, err := s.configs.Configs(ctx, s.ledgerName())
	if err != nil {
		s.seen = nil
		return fmt.Errorf("read store: %w", err)
	}
	s.seen, s.seenAt, s.written = map[string]swarm.Config{}, at, false
	for _, c := range list {
		if c.Name == s.ledgerName() || c.Name == s.leaseName() || strings.HasPrefix(c.Name, RevisionPrefix(s.cluster)) {
			s.seen[c.Name] = c
		}
	}
	return nil
}

func (s *Store) lock(ctx context.Context) error {
	if err := s.turn.Lock(ctx, "store"); err != nil {
		return fmt.Errorf("wait for store: %w", err)
	}
	return nil
}

func (s *Store) unlock() { s.turn.Unlock() }
