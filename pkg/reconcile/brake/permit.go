package brake

import "context"

type permitKey struct{}

// WithPermit returns a context whose calls ask permit once more when the brakes have taken their looks, right before what cannot be undone
// is sent: a look takes time, and a process may stand still during it until another one holds the lease. Its error is the call's.
func WithPermit(ctx context.Context, permit func() error) context.Context {
	return context.WithValue(ctx, permitKey{}, permit)
}

func permitted(ctx context.Context) error {
	if permit, ok := ctx.Value(permitKey{}).(func() error); ok {
		return permit()
	}
	return nil
}
