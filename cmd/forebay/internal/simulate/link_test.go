//go:build unix && soak

package simulate

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"
)

// link is the way from a fleet to its brokers. It can be cut, counts attempts to connect, and lets
// so many bytes a second through to each broker, shared by all connections.
type link struct {
	rate float64 // bytes/s; 0: any

	mu       sync.Mutex // guards what follows; not held across I/O
	cut      bool
	attempts int
	conns    map[*linkConn]bool
	busy     map[string]time.Time // until when what was let through to a broker takes
}

func newLink(rate float64) *link {
	return &link{rate: rate, conns: make(map[*linkConn]bool), busy: make(map[string]time.Time)}
}

// Dial is that of a producer.
func (l *link) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	l.mu.Lock()
	l.attempts++
	cut := l.cut
	l.mu.Unlock()
	if cut {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	conn := &linkConn{Conn: c, link: l, addr: addr}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[conn] = true
	return conn, nil
}

// set cuts the link, and ends its connections, or restores it.
func (l *link) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	if cut {
		for c := range l.conns {
			_ = c.Conn.Close() // the producers see it
		}
	}
}

// seen returns how many connections are open, and how many were tried so far.
func (l *link) seen() (open, attempts int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns), l.attempts
}

// wait returns how long so many bytes wait for those before them.
func (l *link) wait(addr string, bytes int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rate == 0 {
		return 0
	}
	now := time.Now()
	if l.busy[addr].Before(now) {
		l.busy[addr] = now
	}
	l.busy[addr] = l.busy[addr].Add(time.Duration(float64(bytes) / l.rate * float64(time.Second)))
	return l.busy[addr].Sub(now)
}

// linkConn is a connection through a link.
type linkConn struct {
	net.Conn
	link *link
	addr string
}

// Write sends small pieces, so that all connections get the same.
func (c *linkConn) Write(b []byte) (sent int, err error) {
	const piece = 4096
	for err == nil && sent < len(b) {
		part := b[sent:min(len(b), sent+piece)]
		time.Sleep(c.link.wait(c.addr, len(part)))
		var n int
		n, err = c.Conn.Write(part)
		sent += n
	}
	return sent, err
}

func (c *linkConn) Close() error {
	c.link.mu.Lock()
	delete(c.link.conns, c)
	c.link.mu.Unlock()
	return c.Conn.Close()
}
