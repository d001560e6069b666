package preflight

import (
	"context"

	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// Engine is what is asked of an engine.
type Engine interface {
	Unknown(ctx context.Context, stack swarm.Stack) ([]string, error)
}

// Unknown returns, a line each, what the file has that the engine is too old to know: it would refuse, or drop it without a word.
func Unknown(ctx context.Context, engine Engine, s *file.Document) ([]string, error) {
	stack, err := docker.ConvertFile(&s.Spec, s.Stack, s.Composed)
	if err != nil {
		return nil, err
	}
	return engine.Unknown(ctx, stack)
}
