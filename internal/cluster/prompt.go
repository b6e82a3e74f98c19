package cluster

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// prompt asks any broker through a kgo client, and returns as soon as its context ends. The client itself goes on waiting
// for a broker that takes a new connection and then says nothing, for as long as its own timeouts say.
type prompt struct{ cl *kgo.Client }

// Request implements kmsg.Requestor. What it leaves behind ends at the latest when the client is closed.
func (p prompt) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	return promptly(ctx, func() (kmsg.Response, error) { return p.cl.Request(ctx, req) })
}

// promptly returns what ask returns, or the error of ctx as soon as that ends.
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
