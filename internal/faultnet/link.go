// Package faultnet puts faults between a client and its brokers: a Link is a dialer whose
// connections can be cut, refused or left in a black hole, as a network does it.
package faultnet

import (
	"context"
	"encoding/binary"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// DialFunc opens a connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// Link is a dialer. It is safe for concurrent use.
type Link struct {
	dial  DialFunc
	dials atomic.Int64
	cuts  atomic.Int64

	writes   atomic.Int64
	delay    atomic.Int64 // of what is written, in nanoseconds
	most     atomic.Int64 // bytes that one write may have; 0: any number
	cutAfter atomic.Pointer[func(written []byte) bool]

	mu    sync.Mutex // guards what follows
	down  bool
	hole  bool
	conns map[*conn]struct{}
}

// New returns a link without faults over dial.
func New(dial DialFunc) *Link { return &Link{dial: dial, conns: make(map[*conn]struct{})} }

// Dials returns the connection attempts so far.
func (l *Link) Dials() int64 { return l.dials.Load() }

// Cuts returns the connections that were cut so far.
func (l *Link) Cuts() int64 { return l.cuts.Load() }

// Open returns how many connections are open.
func (l *Link) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

// Cut resets all connections and refuses new ones, until Restore.
func (l *Link) Cut() {
	l.mu.Lock()
	l.down = true
	l.mu.Unlock()
	l.Reset()
}

// Reset resets all connections. New ones are not refused.
func (l *Link) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		c.reset.Store(true)
		c.end()
		l.cuts.Add(1)
	}
	clear(l.conns)
}

// CutAfterWrites resets a connection after every n-th write of all connections, when it has gone
// through; 0 ends that.
func (l *Link) CutAfterWrites(n int64) {
	if n == 0 {
		l.CutAfter(nil)
		return
	}
	l.CutAfter(func([]byte) bool { return l.writes.Add(1)%n == 0 })
}

// CutAfter resets a connection after each write for which fn returns true, when it has gone
// through; nil ends that. Calls of fn may overlap, and it must not keep what it gets: without TLS,
// that is a request of Kafka with its size in front.
func (l *Link) CutAfter(fn func(written []byte) bool) {
	if fn == nil {
		l.cutAfter.Store(nil)
		return
	}
	l.cutAfter.Store(&fn)
}

// IsRequest reports whether a write was a request of Kafka with that key.
func IsRequest(written []byte, key int16) bool {
	const size = 4 // in front of a request, whose key comes first
	return len(written) >= size+2 && int16(binary.BigEndian.Uint16(written[size:])) == key
}

// cutsAfter reports whether a connection is to be reset after b was written.
func (l *Link) cutsAfter(b []byte) bool {
	fn := l.cutAfter.Load()
	return fn != nil && (*fn)(b)
}

// HangUpAbove resets a connection on which more than n bytes are written at once, and loses those:
// a broker that finds a request too large does so when it has read how large it is. 0 ends that.
func (l *Link) HangUpAbove(n int64) { l.most.Store(n) }

// Delay has everything that is written from now on arrive later by d, and in its order; what is
// answered comes at once. What is on its way when its connection ends is lost.
func (l *Link) Delay(d time.Duration) { l.delay.Store(int64(d)) }

// Hole has new connections wait until their context ends, and resets those there are, until
// Restore.
func (l *Link) Hole() {
	l.mu.Lock()
	l.hole = true
	l.mu.Unlock()
	l.Reset()
}

// Restore ends Cut and Hole.
func (l *Link) Restore() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down, l.hole = false, false
}

// Dial opens a connection through the link.
func (l *Link) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	l.dials.Add(1)
	l.mu.Lock()
	down, hole := l.down, l.hole
	l.mu.Unlock()
	switch {
	case hole:
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
	case down:
		return nil, refused(network)
	}
	inner, err := l.dial(ctx, network, addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	c := &conn{Conn: inner, link: l, ended: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down || l.hole {
		_ = inner.Close()
		return nil, refused(network)
	}
	l.conns[c] = struct{}{}
	return c, nil
}

// refused is what the kernel says when nobody listens.
func refused(network string) error {
	return &net.OpError{Op: "dial", Net: network,
		Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}
