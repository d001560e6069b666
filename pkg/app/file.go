package app

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/spec/source"
)

// FirstLook is what is known of the daemon's file when it starts.
type FirstLook struct {
	Data    []byte // nil if it cannot be read
	Unread  error  // why not
	Cluster string
	Spec    *spec.Spec // nil unless the file has no faults

	own source.Own
}

// LookFirst reads the file and finds the cluster's name. A file with faults, or one that cannot be read, is no reason not to start: the
// accepted revision goes on. The name is in the file, is the one that was asked for with --cluster, or else the one that the swarm's store
// knows, which known finds out. Without a file it must be asked for.
func LookFirst(ctx context.Context, path, asked string, own source.Own, known func(context.Context) (string, error)) (FirstLook, error) {
	if path == "" {
		if asked == "" {
			return FirstLook{}, errors.New("which cluster? give -f FILE or --cluster NAME")
		}
		return FirstLook{Cluster: asked}, nil
	}
	first := FirstLook{own: own}
	var fault error
	first.Data, first.Unread = source.ReadWatched(path, own)
	if first.Unread == nil {
		var d *file.Document
		if d, _, fault = file.Parse(path, first.Data); fault != nil {
			first.Cluster, _ = file.ClusterOf(path, first.Data)
		} else {
			first.Spec, first.Cluster = &d.Spec, d.Cluster
		}
	}
	switch {
	case first.Cluster == "":
		first.Cluster = asked
	case asked != "" && asked != first.Cluster:
		return first, fmt.Errorf("%s is of cluster %q, --cluster says %q", path, first.Cluster, asked)
	}
	if first.Cluster != "" {
		return first, nil
	}
	name, err := known(ctx)
	if err != nil {
		return first, errors.Join(first.Unread, fault, err)
	}
	first.Cluster = name
	return first, nil
}

// Watch makes the file at the path, of which first is known, a source of revisions until ctx ends. Of whether it can be read only the newest word
// is kept, so that the watch never waits for a pass.
func (first FirstLook) Watch(ctx context.Context, path, name string, log *zap.Logger) File {
	newest := make(chan error, 1)
	if first.Unread != nil {
		newest <- first.Unread
	}
	edits := source.Watch(ctx, path, first.own, first.Data, func(err error) {
		if errors.Is(err, source.ErrUnwatched) {
			log.Error("watch file", zap.Error(err))
			err = nil
		}
		select {
		case <-newest:
		default:
		}
		newest <- err
	})
	return File{Path: path, Source: name, Initial: first.Data, Edits: edits, Unread: newest}
}
