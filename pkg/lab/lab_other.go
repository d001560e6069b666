//go:build !linux

package lab

import (
	"context"
	"os/exec"
)

// Serve returns ErrUnsupported.
func Serve(context.Context, Options, func(Status)) error { return ErrUnsupported }

// Down returns ErrUnsupported.
func Down(context.Context, Options, bool) error { return ErrUnsupported }

// ReadStatus returns ErrUnsupported.
func ReadStatus(string) (Status, error) { return Status{}, ErrUnsupported }

// Wait returns ErrUnsupported.
func Wait(context.Context, string) (Status, error) { return Status{}, ErrUnsupported }

// Leftovers is empty.
func Leftovers(string) []string { return nil }

// Command returns ErrUnsupported.
func Command(context.Context, string, ...string) (*exec.Cmd, error) { return nil, ErrUnsupported }

// BuildImage returns ErrUnsupported.
func BuildImage(context.Context, Options) (string, error) { return "", ErrUnsupported }

// Capabilities says that nothing is there.
func Capabilities() []Capability {
	return []Capability{{Name: "linux", Needed: true, Effect: ErrUnsupported.Error()}}
}
