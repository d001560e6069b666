// Package sem is a lock that a caller need not wait for any longer than its context, and whose order of callers a test can decide.
package sem

import "context"

// Mutex is locked by one caller at a time. Its zero value is not ready: see New. It blocks durably under testing/synctest, as a sync.Mutex does not.
type Mutex struct{ token chan struct{} }

// New returns a mutex that nobody has locked.
func New() *Mutex { return &Mutex{make(chan struct{}, 1)} }

// Lock waits until nobody else has the lock, or until ctx ends; then it returns the context's error and the lock is not the caller's. What it is
// wanted for tells callers apart, for WithOrder alone.
func (m *Mutex) Lock(ctx context.Context, what string) error {
	if enter, ok := ctx.Value(order{}).(Enter); ok {
		if err := enter(ctx, what); err != nil {
			return err
		}
	}
	if ctx.Err() != nil { // else chance would decide when the lock is free, too
		return ctx.Err()
	}
	select {
	case m.token <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Unlock gives the lock to who waited longest.
func (m *Mutex) Unlock() { <-m.token }

type order struct{}

// Enter returns when the caller may wait for a lock, or an error.
type Enter func(ctx context.Context, what string) error

// WithOrder returns a context whose holders pass through enter before they wait for any lock; an error of enter's is Lock's. Callers that come at one
// instant would otherwise go in an order that is the scheduler's, and a run could not be replayed.
func WithOrder(ctx context.Context, enter Enter) context.Context {
	return context.WithValue(ctx, order{}, enter)
}
