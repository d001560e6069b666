package reconcile

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// logins read how the file's registries are logged in to, each time anew: tokens are short-lived, and whoever renews one writes its file. They keep
// no password.
type logins struct {
	sealer *sealer // has the cluster's key, and reads files
	of     map[string]spec.Registry
	seen   map[string]plan.Login // what was known of them at the last look, by host
}

// read reads the password of a registry that the file refers to, if it is meant for that one. A line's end after it is the editor's.
func (ls *logins) read(host string, ref spec.Reference) (string, error) {
	value, err := ls.sealer.beside(ref, file.NotForRegistry(host, ref))
	switch text := strings.TrimRight(string(value), "\r\n"); {
	case err != nil:
		return "", errors.New(withoutPath(err))
	case text == "":
		return "", errors.New("it is empty")
	default:
		return text, nil
	}
}

// login is what the registry is shown now, and how that is called; nothing if the file does not name it.
func (ls *logins) login(registry string) (l swarm.Login, mark string, err error) {
	r, named := ls.of[registry]
	if !named {
		return swarm.Login{}, "", nil
	}
	password, err := ls.read(registry, r.Password)
	if err != nil {
		return swarm.Login{}, "", fmt.Errorf("%s cannot be read: %w", r.Password, err)
	}
	if len(ls.sealer.key) == 0 {
		return swarm.Login{}, "", errNoKey
	}
	return swarm.NewLogin(registry, r.Username, password), swarm.MarkLogin(ls.sealer.key, registry, r.Username, password), nil
}

// learn reads the logins of the file's registries, and reports whether one is another than at the last look.
func (ls *logins) learn(s *spec.Spec, w world.World) (changed bool) {
	if ls.of = nil; s != nil {
		ls.of = s.Registries
	}
	before := ls.seen
	ls.seen, ls.sealer.registries = map[string]plan.Login{}, ls.of
	for host, r := range ls.of {
		password, err := ls.read(host, r.Password)
		switch {
		case err != nil:
			ls.seen[host] = plan.Login{Err: fmt.Sprintf("%s cannot be read%s: %v", r.Password, onMachine(w), err)}
		case len(ls.sealer.key) == 0:
			ls.seen[host] = plan.Login{}
		default:
			ls.seen[host] = plan.Login{Mark: swarm.MarkLogin(ls.sealer.key, host, r.Username, password)}
		}
	}
	return !maps.Equal(before, ls.seen)
}

// wait reports whether a login waits for the cluster's key.
func (ls *logins) wait() bool { return len(ls.of) > 0 && len(ls.sealer.key) == 0 }
