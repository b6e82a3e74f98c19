package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// prompt asks any broker through a kgo client, and returns as soon as its context ends. The client itself goes on waiting
// for a broker that takes a new connection and then says nothing, for as long as its own timeouts say.
type prompt struct{ cl *kgo.Client }

// Request implements kmsg.Requestor. What it leaves behind ends at the latest when the client is closed.
func (p prompt) Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	type result struct {
		resp kmsg.Response
		err  error
	}
	answered := make(chan result, 1)
	go func() {
		resp, err := p.cl.Request(ctx, req)
		answered <- result{resp, err}
	}()
	select {
	case r := <-answered:
		return r.resp, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// updateTry is how long one broker is waited for where any other would do as well.
const updateTry = time.Second

// updateBrokers has cl learn the brokers of its cluster. It asks one after the other: kgo takes the next each time.
func updateBrokers(ctx context.Context, cl *kgo.Client) error {
	for {
		try, cancel := context.WithTimeout(ctx, updateTry)
		_, err := prompt{cl}.Request(try, metadataRequest(nil))
		silent := errors.Is(err, context.DeadlineExceeded)
		cancel()
		if !silent || ctx.Err() != nil {
			return err
		}
	}
}
