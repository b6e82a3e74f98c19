package cluster

import "context"

// promptly returns what ask returns, or the error of ctx as soon as that ends. A kgo client goes on
// waiting for a broker that takes a new connection and then says nothing, for as long as its own
// timeouts say; what is left behind ends when it is closed.
func promptly[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	type result struct {
		answer T
		err    error
	}
	answered := make(chan result, 1)
	go func() {
		answer, err := ask()
		answered <- result{answer, err}
	}()
	select {
	case r := <-answered:
		return r.answer, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
