package sem

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestLockIsOnes: the second waits until the first is done, for as long as its context allows.
func TestLockIsOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New()
		if err := m.Lock(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := m.Lock(short, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("locked twice: %v", err)
		}
		time.AfterFunc(time.Minute, m.Unlock)
		began := time.Now()
		if err := m.Lock(t.Context(), "a"); err != nil || time.Since(began) != time.Minute {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

// TestOrderIsTheContexts: who holds the context asks first, and gives up when that fails.
func TestOrderIsTheContexts(t *testing.T) {
	m, asked := New(), 0
	refused := errors.New("not now")
	ctx := WithOrder(t.Context(), func(_ context.Context, what string) error {
		if asked++; asked > 1 || what != "a" {
			return refused
		}
		return nil
	})
	if err := m.Lock(ctx, "a"); err != nil || asked != 1 {
		t.Fatalf("%v, asked %d times", err, asked)
	}
	m.Unlock()
	if err := m.Lock(ctx, "a"); !errors.Is(err, refused) {
		t.Errorf("%v", err)
	}
	if err := m.Lock(t.Context(), "a"); err != nil {
		t.Errorf("who was refused has the lock: %v", err)
	}
}
