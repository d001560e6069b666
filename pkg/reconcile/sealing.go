package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/sealed"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/spec/source"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// maxSecret is the most that the engine takes as a secret, in bytes.
const maxSecret = 500 * 1024

// sealer names the stack's secrets: by their encrypted text, or by what is in their files on this machine. It keeps no value.
type sealer struct {
	read        func(path string) ([]byte, error)
	credentials string                 // the folder with the unit's credentials, "" for none
	identity    func() ([]byte, error) // reads the age identities
	own         source.Own             // what nobody may have
	registries  map[string]spec.Registry
	key         []byte // the cluster's, as it was seen last; nil: there is none yet
	some        bool   // configs or secrets of the stack's were there at the last look
}

var errNoKey = errors.New("the cluster has no key yet")

// opened are the encrypted files of one look, each read once: many secrets may be of one.
type opened []openedFile

type openedFile struct {
	text string
	file *sealed.File
	err  error
}

func (o *opened) of(spec swarm.SecretSpec) (*sealed.File, error) {
	i := slices.IndexFunc(*o, func(f openedFile) bool { return f.text == spec.Sealed })
	if i < 0 {
		i = len(*o)
		f, err := sealed.Read(spec.File, []byte(spec.Sealed))
		*o = append(*o, openedFile{spec.Sealed, f, err})
	}
	return (*o)[i].file, (*o)[i].err
}

// seal gets a secret's value, and says what the secret is called with it.
func (s *sealer) seal(spec swarm.SecretSpec) (name string, value []byte, err error) {
	return s.sealOf(spec, &opened{})
}

func (s *sealer) sealOf(spec swarm.SecretSpec, files *opened) (name string, value []byte, err error) {
	if len(s.key) == 0 {
		return "", nil, errNoKey
	}
	if value, err = s.value(spec, files); err == nil {
		name, err = s.name(spec, value, files)
	}
	switch {
	case err != nil:
		return "", nil, err
	case len(value) == 0:
		return "", nil, errors.New("it is empty")
	case len(value) >= maxSecret:
		return "", nil, fmt.Errorf("it has %d bytes or more, and the engine takes less", maxSecret)
	}
	return name, value, nil
}

// name is what a secret with this value is called. Of an encrypted one the encrypted text counts: so who cannot decrypt it knows whether it has changed.
func (s *sealer) name(spec swarm.SecretSpec, value []byte, files *opened) (string, error) {
	if spec.Sealed == "" {
		return swarm.HashedSecret(s.key, spec.Of, swarm.Templated(spec.Labels[swarm.LabelTemplates], value)), nil
	}
	f, err := files.of(spec)
	if err != nil {
		return "", err
	}
	text, err := f.Sealed(spec.Key)
	return swarm.HashedSecret(s.key, spec.Of, swarm.Templated(spec.Labels[swarm.LabelTemplates], text)), err
}

// errOwn is why a value is not read.
var errOwn = errors.New("it is swarmd's own, and no service or registry may have it")

// beside reads a value that is beside this swarmd, if it is not one of swarmd's own. not is why it is none for whom it is wanted, "" if it is one.
func (s *sealer) beside(ref spec.Reference, not string) ([]byte, error) {
	switch {
	case ref.Credential == "" && s.own.Has(ref.File):
		return nil, errOwn
	case not != "":
		return nil, errors.New(not)
	case ref.Credential == "":
		return s.read(ref.File)
	}
	if s.credentials == "" {
		return nil, errors.New("this swarmd has no credentials: LoadCredential=" + ref.Credential + ":/PATH in its unit gives it this one")
	}
	at, files := filepath.Join(s.credentials, ref.Credential), slices.Clone(s.own)
	if slices.DeleteFunc(files, func(own string) bool { return own == s.credentials }).Names(at) {
		return nil, errOwn
	}
	return s.read(at)
}

// value is the secret's value, from where it is.
func (s *sealer) value(spec swarm.SecretSpec, files *opened) ([]byte, error) {
	if spec.Sealed == "" {
		return s.plain(spec)
	}
	f, err := files.of(spec)
	if err != nil {
		return nil, err
	}
	with, err := s.identities()
	if err != nil {
		return nil, err
	}
	return f.Open(spec.Key, with)
}

// plain is a value that is not encrypted. The password of a registry is none: who edits the file would have it from a service.
func (s *sealer) plain(of swarm.SecretSpec) ([]byte, error) {
	ref := spec.Reference{File: of.File, Credential: of.Credential}
	for _, host := range slices.Sorted(maps.Keys(s.registries)) {
		password := s.registries[host].Password
		if ref.Credential != "" && ref.Credential == password.Credential || ref.Credential == "" && password.File != "" && (source.Own{password.File}).Names(ref.File) {
			return nil, errors.New("it is the password of the registry " + host + ", and no service may have it")
		}
	}
	return s.beside(ref, file.NotForService(ref))
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

// sealed is what is known of the stack's secrets here. Somebody who only follows what another swarmd does need not have the values: blind, a secret
// beside that one is the newest version, whatever it is.
func (s *sealer) sealed(stack swarm.Stack, w world.World, blind bool) map[string]plan.Sealing {
	if len(stack.Secrets) == 0 {
		return nil
	}
	out, files := map[string]plan.Sealing{}, opened{}
	for _, spec := range stack.Secrets {
		out[spec.Of] = s.one(spec, w, blind, &files)
	}
	return out
}

func (s *sealer) one(spec swarm.SecretSpec, w world.World, blind bool, files *opened) plan.Sealing {
	if spec.Sealed != "" && len(s.key) > 0 {
		name, err := s.name(spec, nil, files)
		there := slices.ContainsFunc(w.Secrets, func(live swarm.Secret) bool { return live.Name == name && live.Labels[swarm.LabelVersionOf] == spec.Of })
		if err == nil && (there || blind) { // nothing is decrypted for what is there
			return plan.Sealing{Name: name}
		}
	}
	name, _, err := s.sealOf(spec, files)
	switch {
	case err == nil || errors.Is(err, errNoKey):
		return plan.Sealing{Name: name}
	case blind:
		return plan.Sealing{Name: newestVersion(w, spec.Of)}
	case spec.Sealed != "":
		return plan.Sealing{Err: fmt.Sprintf("%s cannot be decrypted%s: %s", spec.From(), onMachine(w), err)}
	}
	return plan.Sealing{Err: fmt.Sprintf("%s cannot be read%s: %s", spec.From(), onMachine(w), withoutPath(err))}
}

// compared asks whether the secrets that the stack takes over have the values of their files, as far as those are to be had here. Nothing is written.
func (l *Loop) compared(ctx context.Context, stack swarm.Stack, w world.World) map[string]plan.Compared {
	out, files, live := map[string]plan.Compared{}, opened{}, plan.ToCompare(stack, w.Secrets)
	for _, spec := range stack.Secrets {
		is, takes := live[spec.Of]
		if !takes {
			continue
		}
		value, err := l.sealer.value(spec, &files)
		if err == nil && len(value) == 0 {
			err = errors.New("it is empty")
		}
		var c plan.Compared
		if err == nil {
			c.Same, err = l.cfg.Execute.Objects.SecretIs(ctx, is.ID, is.Name, is.Labels, value)
		}
		if err != nil {
			c.Err = spec.From() + ": " + withoutPath(err)
		}
		out[spec.Of] = c
	}
	return out
}

// newestVersion is the name of the secret's version that was made last, "" if there is none.
func newestVersion(w world.World, of string) string {
	newest := swarm.Secret{}
	for _, live := range w.Secrets {
		if live.Labels[swarm.LabelVersionOf] == of && !live.Created.Before(newest.Created) {
			newest = live
		}
	}
	return newest.Name
}

// blind reports whether this is a person's command beside a swarmd that acts.
func (l *Loop) blind() bool {
	_, acts := l.elector.Held()
	return l.cfg.Elector.OneShot && !acts
}

// onMachine names the machine of this swarmd, if it is one of the swarm.
func onMachine(w world.World) string {
	if name := report.MachineName(w, w.Self.NodeID); name != "" {
		return " on " + name
	}
	return ""
}

// withoutPath is an error of the file system without the path, which is said already. Beside the unit a file is often root's alone.
func withoutPath(err error) string {
	text := err.Error()
	if at := (*fs.PathError)(nil); errors.As(err, &at) {
		text = at.Err.Error()
	}
	if errors.Is(err, fs.ErrPermission) {
		text += " (swarmd's unit reads with the group docker: chgrp docker, chmod 0640)"
	}
	return text
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
