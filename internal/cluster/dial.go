package cluster

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
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
			return &unheard{Conn: conn}, nil
		}
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
			return nil, err
		}
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
}

// unheard is a connection on which nobody may have answered yet. Until somebody has, a read takes no longer than any
// question may: kgo would wait for its first answer as long as for that of a produce request, and nothing else could be
// asked of the broker meanwhile.
type unheard struct {
	net.Conn
	heard atomic.Bool
}

// SetReadDeadline sets the deadline of reads, or an earlier one.
func (c *unheard) SetReadDeadline(t time.Time) error {
	if limit := time.Now().Add(askTimeout); !c.heard.Load() && (t.IsZero() || t.After(limit)) {
		t = limit
	}
	return c.Conn.SetReadDeadline(t)
}

// Read reads, and notes whether there was something.
func (c *unheard) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.heard.Load() {
		c.heard.Store(true)
	}
	return n, err
}
