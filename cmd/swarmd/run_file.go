package main

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"
	"gopkg.in/yaml.v3"

	"github.com/swarmd/swarmd/pkg/spec"
)

// firstLook is what the daemon knows of its file when it starts.
type firstLook struct {
	data    []byte // nil if it cannot be read
	unread  error  // why not
	cluster string
	spec    *spec.Spec // nil unless the file has no faults
}

// firstFile reads the file and finds the cluster's name. A file with faults, or one that cannot be read, is no reason not to start: the
// accepted revision goes on. The name is in the file, in --cluster, or else the one that the swarm's store knows.
func (a *app) firstFile(ctx context.Context, f runFlags) (firstLook, error) {
	if f.file == "" {
		if f.cluster == "" {
			return firstLook{}, errors.New("which cluster? give -f FILE or --cluster NAME")
		}
		return firstLook{cluster: f.cluster}, nil
	}
	var first firstLook
	var fault error
	first.data, first.unread = spec.ReadFile(f.file)
	if first.unread == nil {
		first.spec, first.cluster, fault = clusterOf(f.file, first.data)
	}
	switch {
	case first.cluster == "":
		first.cluster = f.cluster
	case f.cluster != "" && f.cluster != first.cluster:
		return first, fmt.Errorf("%s is of cluster %q, --cluster says %q", f.file, first.cluster, f.cluster)
	}
	if first.cluster != "" {
		return first, nil
	}
	known, err := a.chooseCluster(ctx, "")
	if err != nil {
		return first, errors.Join(first.unread, fault, err)
	}
	first.cluster = known
	return first, nil
}

// clusterOf is the cluster that a file names, as far as it can be told of one with faults; without any it is the whole.
func clusterOf(file string, data []byte) (*spec.Spec, string, error) {
	parsed, _, err := spec.Parse(file, data)
	if err == nil {
		return parsed, parsed.Cluster, nil
	}
	var name struct{ Cluster string }
	if len(data) <= spec.MaxSize {
		_ = yaml.Unmarshal(data, &name) // faults are told by the loop; here only the name counts
	}
	return nil, name.Cluster, err
}

// watchFile follows the file. Of whether it can be read only the newest word is kept, so that the watch never waits for a pass.
func watchFile(ctx context.Context, path string, first firstLook, log *zap.Logger) (edits <-chan []byte, unread <-chan error) {
	newest := make(chan error, 1)
	if first.unread != nil {
		newest <- first.unread
	}
	return spec.Watch(ctx, path, first.data, func(err error) {
		if errors.Is(err, spec.ErrUnwatched) {
			log.Error("watch file", zap.Error(err))
			err = nil
		}
		select {
		case <-newest:
		default:
		}
		newest <- err
	}), newest
}
