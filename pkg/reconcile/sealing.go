package reconcile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// maxSecret is the most that the engine takes as a secret, in bytes.
const maxSecret = 500 * 1024

// sealer names the stack's secrets by what is in their files on this machine. It keeps no value.
type sealer struct {
	read func(path string) ([]byte, error)
	key  []byte // the cluster's, as it was seen last; nil: there is none yet
	some bool   // configs or secrets of the stack's were there at the last look
}

var errNoKey = errors.New("the cluster has no key yet")

// seal reads a secret's value, and says what the secret is called with it.
func (s *sealer) seal(spec swarm.SecretSpec) (name string, value []byte, err error) {
	if len(s.key) == 0 {
		return "", nil, errNoKey
	}
	value, err = s.read(spec.File)
	switch {
	case err != nil:
		return "", nil, err
	case len(value) == 0:
		return "", nil, errors.New("it is empty")
	case len(value) >= maxSecret:
		return "", nil, fmt.Errorf("it has %d bytes or more, and the engine takes less", maxSecret)
	}
	return swarm.HashedSecret(s.key, spec.Of, swarm.Templated(spec.Labels[swarm.LabelTemplates], value)), value, nil
}

// learn takes in what a look showed.
func (s *sealer) learn(w world.World, cluster string) {
	if !known(w, world.GapObjects) {
		return
	}
	if i := slices.IndexFunc(w.Configs, func(c swarm.Config) bool { return c.Name == ledger.KeyName(cluster) }); i >= 0 {
		s.key = w.Configs[i].Data
	}
	ours := func(labels map[string]string) bool {
		return labels[swarm.LabelCluster] == cluster && labels[swarm.LabelVersionOf] != ""
	}
	s.some = slices.ContainsFunc(w.Configs, func(c swarm.Config) bool { return ours(c.Labels) }) ||
		slices.ContainsFunc(w.Secrets, func(c swarm.Secret) bool { return ours(c.Labels) })
}

// sealed is what is known of the stack's secrets here.
func (s *sealer) sealed(stack swarm.Stack, w world.World) map[string]plan.Sealing {
	if len(stack.Secrets) == 0 {
		return nil
	}
	out := map[string]plan.Sealing{}
	for _, spec := range stack.Secrets {
		name, _, err := s.seal(spec)
		if out[spec.Of] = (plan.Sealing{Name: name}); err != nil && !errors.Is(err, errNoKey) {
			out[spec.Of] = plan.Sealing{Err: fmt.Sprintf("%s cannot be read%s: %s", spec.File, onMachine(w), withoutPath(err))}
		}
	}
	return out
}

// onMachine names the machine of this swarmd, if it is one of the swarm.
func onMachine(w world.World) string {
	if name := report.MachineName(w, w.Self.NodeID); name != "" {
		return " on " + name
	}
	return ""
}

// withoutPath is an error of the file system without the path, which is said already.
func withoutPath(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}

// asksObjects reports whether configs and secrets are to be looked at.
func (l *Loop) asksObjects() bool {
	refers := func(s swarm.ServiceSpec) bool { return len(s.Configs)+len(s.Secrets) > 0 }
	return l.sealer.some || l.logins.wait() || len(l.want.stack.Configs)+len(l.want.stack.Secrets) > 0 || slices.ContainsFunc(l.want.stack.Services, refers)
}

// readSecret reads a regular file that is no longer than a secret can be. It waits for nothing else that lies in its place.
func readSecret(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no regular file")
	}
	return io.ReadAll(io.LimitReader(f, maxSecret))
}
