package cluster

import "context"

// promptly returns the result of ask, or the error of ctx as soon as that ends. On a broker that
// accepts a connection and then stays silent, a kgo client waits for its own timeouts. The
// goroutine that is left behind ends when the client is closed.
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
