package dns

import (
	"net"
	"net/netip"
	"sync/atomic"
)

// conn is a connection to an address of a name. It reports to the name whether the address answers.
type conn struct {
	net.Conn
	names  *names
	name   *name
	addr   netip.Addr
	heard  atomic.Bool
	closed atomic.Bool
}

// Read reads, and notes that the address answers.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 && !c.heard.Load() && c.heard.CompareAndSwap(false, true) {
		c.names.heard(c.name, c.addr)
	}
	return n, err
}

// Below returns the connection that takes what is written to c as it is.
func (c *conn) Below() net.Conn { return c.Conn }

// Disown reports that the wrong broker answers: another address is tried first from now on.
func (c *conn) Disown() { c.names.disowned(c.name, c.addr) }

// Close closes the connection, and notes if nobody answered.
func (c *conn) Close() error {
	if c.closed.CompareAndSwap(false, true) {
		c.names.ended(c.name, c.addr, c.heard.Load())
	}
	return c.Conn.Close()
}
