package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// DialFunc opens a connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// dialTimeout bounds one connection attempt. A broker that is up answers in milliseconds, a broker
// behind a black hole never. Meanwhile a batch waits that could go elsewhere.
const dialTimeout = time.Second

// connections counts those of a cluster, whichever client has them.
type connections struct {
	open   atomic.Int64  // now
	opened atomic.Uint64 // ever
}

// dialer opens the connections of one kgo client.
type dialer struct {
	inner  DialFunc
	origin *origin
	counts *connections
	silent *silent
	outbox *outbox // what is written on the connections

	mu   sync.Mutex            // guards what follows
	open map[*unheard]struct{} // until they are closed
}

func newDialer(inner DialFunc, o *origin, counts *connections) *dialer {
	if inner == nil {
		inner = new(net.Dialer).DialContext
	}
	return &dialer{inner: inner, origin: o, counts: counts,
		silent: &silent{ended: make(map[string]ending)},
		outbox: newOutbox(), open: make(map[*unheard]struct{})}
}

// dial opens a connection to whoever answers at addr.
func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return d.dialNode(ctx, network, node{-1, addr})
}

// dialNode opens a connection, with a timeout and with errors that suit kgo. On an error other than
// the OpError of a dial kgo gives up for good. On a temporary one it dials again at its own pace.
func (d *dialer) dialNode(ctx context.Context, network string, to node) (net.Conn, error) {
	addr := to.addr
	if err := d.silent.justEnded(addr); err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: final{err}}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := d.inner(ctx, network, addr)
	if err == nil {
		return d.opened(&unheard{guarded: guard(conn, d.outbox, d.origin, to.id), addr: addr,
			silent: d.silent, dialer: d}), nil
	}
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "dial" {
		op = &net.OpError{Net: network, Err: err}
	}
	return nil, &net.OpError{Op: "dial", Net: op.Net, Source: op.Source, Addr: op.Addr,
		Err: final{op.Err}}
}

func (d *dialer) opened(c *unheard) *unheard {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[c] = struct{}{}
	d.counts.open.Add(1)
	d.counts.opened.Add(1)
	return c
}

// hangUp closes the connections to addr. Set disown if another broker answers there.
func (d *dialer) hangUp(addr string, disown bool) {
	d.cut(disown, func(c *unheard) bool { return c.addr == addr })
}

// leave closes the connections to one broker at one address.
func (d *dialer) leave(is node) {
	d.cut(false, func(c *unheard) bool { return c.addr == is.addr && c.node == is.id })
}

func (d *dialer) cut(disown bool, which func(*unheard) bool) {
	d.mu.Lock()
	var conns []*unheard
	for c := range d.open {
		if which(c) {
			conns = append(conns, c)
		}
	}
	d.mu.Unlock()
	for _, c := range conns {
		if disown {
			c.disown()
		}
		c.cut()
	}
}

// final is an error that hides whether it is temporary or a timeout. On such an error kgo would
// dial again at once. That would double the attempts, and the time that a request waits for a black
// hole.
type final struct{ err error }

func (f final) Error() string { return f.err.Error() }
func (f final) Unwrap() error { return f.err }

// unheard is a connection that may still wait for its first answer. Until that has come, a read
// takes askTimeout at most. kgo would wait for it as long as for the answer to a produce request,
// and nothing else could be asked of the broker meanwhile.
type unheard struct {
	*guarded
	addr   string
	silent *silent
	dialer *dialer
	heard  atomic.Bool
	ended  atomic.Bool // by cut
}

// cut ends the connection; kgo notices that by itself. TLS first sends its closing message, which
// may take seconds: cut does not wait for it.
func (c *unheard) cut() {
	c.ended.Store(true)
	_ = c.guarded.SetDeadline(time.Unix(1, 0)) // wakes who reads or writes
	go func() { _ = c.Close() }()
}

// Close closes the connection.
func (c *unheard) Close() error {
	d := c.dialer
	d.mu.Lock()
	if _, open := d.open[c]; open {
		delete(d.open, c)
		d.counts.open.Add(-1)
	}
	d.mu.Unlock()
	return c.guarded.Close()
}

// SetReadDeadline sets the deadline of reads, or an earlier one before the first answer.
func (c *unheard) SetReadDeadline(t time.Time) error {
	if c.ended.Load() {
		return net.ErrClosed
	}
	if limit := time.Now().Add(askTimeout); !c.heard.Load() && (t.IsZero() || t.After(limit)) {
		t = limit
	}
	return c.guarded.SetReadDeadline(t)
}

// Write writes, unless the connection has ended.
func (c *unheard) Write(b []byte) (int, error) {
	if c.ended.Load() {
		return 0, net.ErrClosed
	}
	return c.guarded.Write(b)
}

// Read reads, and notes whether the broker has answered.
func (c *unheard) Read(b []byte) (int, error) {
	n, err := c.guarded.Read(b)
	if err != nil && c.ended.Load() {
		err = net.ErrClosed
	}
	if !c.heard.Load() {
		if n > 0 {
			c.heard.Store(true)
			c.silent.heard(c.addr)
		} else if err != nil {
			c.silent.note(c.addr, err)
		}
	}
	return n, err
}

const (
	// silentPause is how soon an address is dialled again after a connection to it ended without an
	// answer. It is shorter than the time between probes: kgo by itself would dial a few times for
	// each of them.
	silentPause = 50 * time.Millisecond
	// silentFree is how often in silentSpan kgo may dial again at once all the same. Some brokers
	// hang up because they do not know the version of its first request, and it then asks in an
	// older version.
	silentFree = 4
	silentSpan = 30 * time.Second
)

// silent knows the addresses at which connections ended before anything was heard. It is safe for
// concurrent use.
type silent struct {
	mu    sync.Mutex // guards what follows
	ended map[string]ending
}

type ending struct {
	at    time.Time
	err   error
	since time.Time // when times began
	times int
}

func (s *silent) note(addr string, err error) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.ended[addr]
	if now.Sub(e.since) > silentSpan {
		e.since, e.times = now, 0
	}
	e.at, e.err, e.times = now, err, e.times+1
	s.ended[addr] = e
}

// heard forgets what was noted of addr.
func (s *silent) heard(addr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ended, addr)
}

// justEnded returns why a connection to addr has just ended, or nil.
func (s *silent) justEnded(addr string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.ended[addr]
	if !ok || e.times < silentFree || time.Since(e.at) >= silentPause {
		return nil
	}
	return fmt.Errorf("the last connection ended before an answer came: %w", e.err)
}
