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

// dialTimeout bounds one connection attempt. A broker that is up answers in milliseconds, one that
// is behind a black hole never does, and what waits for it is a batch that could go elsewhere.
const dialTimeout = time.Second

// dialer opens the connections of one kgo client.
type dialer struct {
	inner  DialFunc
	origin *origin
	silent *silent

	mu   sync.Mutex            // guards what follows
	open map[*unheard]struct{} // until they are closed
}

func newDialer(inner DialFunc, o *origin) *dialer {
	if inner == nil {
		inner = new(net.Dialer).DialContext
	}
	return &dialer{inner: inner, origin: o, silent: &silent{ended: make(map[string]ending)},
		open: make(map[*unheard]struct{})}
}

// dial opens a connection to whoever answers at addr.
func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return d.dialNode(ctx, network, node{-1, addr})
}

// dialNode opens a connection, with a timeout, and with errors that kgo takes for what they are: it
// gives up for good on one that is not an OpError of a dial, and does not leave the pace to us
// where one is temporary.
func (d *dialer) dialNode(ctx context.Context, network string, to node) (net.Conn, error) {
	addr := to.addr
	if err := d.silent.justEnded(addr); err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: final{err}}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := d.inner(ctx, network, addr)
	if err == nil {
		return d.opened(&unheard{guarded: guard(conn, d.origin, to.id), addr: addr,
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
	return c
}

// hangUp closes the connections to addr. It is disowned if somebody else answers there.
func (d *dialer) hangUp(addr string, disown bool) {
	d.cut(disown, func(c *unheard) bool { return c.addr == addr })
}

// leave closes the connections that were opened to is.
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

// final is an error that does not say of itself that it is temporary, or a timeout: kgo would dial
// again at once, which makes two attempts of each, and doubles the time that a request waits for a
// black hole.
type final struct{ err error }

func (f final) Error() string { return f.err.Error() }
func (f final) Unwrap() error { return f.err }

// unheard is a connection on which nobody may have answered yet. Until somebody has, a read takes
// no longer than any question may: kgo would wait for its first answer as long as for that of a
// produce request, and nothing else could be asked of the broker meanwhile.
type unheard struct {
	*guarded
	addr   string
	silent *silent
	dialer *dialer
	heard  atomic.Bool
	ended  atomic.Bool // by cut
}

// cut ends the connection, which kgo finds out by itself. TLS says goodbye first, and may have to
// wait for seconds until the broker takes that: nobody waits for it.
func (c *unheard) cut() {
	c.ended.Store(true)
	_ = c.guarded.SetDeadline(time.Unix(1, 0)) // wakes who reads or writes
	go func() { _ = c.Close() }()
}

// Close closes the connection.
func (c *unheard) Close() error {
	c.dialer.mu.Lock()
	delete(c.dialer.open, c)
	c.dialer.mu.Unlock()
	return c.guarded.Close()
}

// SetReadDeadline sets the deadline of reads, or an earlier one.
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

// Read reads, and notes whether there was something.
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
	// silentPause is how soon an address is dialled again at which a connection has just ended on
	// which nobody had answered. It is less than there is between probes: kgo by itself would dial
	// a few times for each of them.
	silentPause = 50 * time.Millisecond
	// silentFree are the times in silentSpan that kgo may dial again at once all the same: there
	// are brokers that mean by it that they do not know the version of its first question, and it
	// then asks in older words.
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
