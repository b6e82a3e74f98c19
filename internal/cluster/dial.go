package cluster

import (
	"context"
	"errors"
	"net"
	"time"
)

// DialFunc opens a connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// dialTimeout bounds one connection attempt. A broker that is up answers in milliseconds, one that is behind a black hole
// never does, and what waits for it is a batch that could go elsewhere.
const dialTimeout = time.Second

// bounded returns dial with a timeout, and with errors that kgo takes for what they are: it gives up for good on one that
// is not an OpError of a dial.
func bounded(dial DialFunc) DialFunc {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		conn, err := dial(ctx, network, addr)
		if err == nil {
			return conn, nil
		}
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
			return nil, err
		}
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
}
