package cluster

import (
	"encoding/binary"
	"net"
	"sync"
)

// outbox holds the produce requests that kgo may write on one of the connections of a client. It
// is safe for concurrent use.
type outbox struct {
	mu       sync.Mutex // guards what follows
	last     uint64
	requests map[uint64]*Request
}

func newOutbox() *outbox { return &outbox{requests: make(map[uint64]*Request)} }

// add gives r its number.
func (o *outbox) add(r *Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last++
	r.number = o.last
	o.requests[r.number] = r
}

// remove forgets r, whose sender has gone.
func (o *outbox) remove(r *Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.requests, r.number)
}

// nobodys is what is written in place of a request whose sender has gone. Brokers answer it.
var nobodys = func() *Request {
	r := &Request{closed: true}
	r.Acks = -1
	return r
}()

// frame returns the produce request that kgo writes as b.
func (o *outbox) frame(b []byte, version int16, apart bool) *frame {
	head := b[:max(0, len(b)-8)]
	r := nobodys
	if len(b) >= 8 {
		o.mu.Lock()
		if found := o.requests[binary.BigEndian.Uint64(b[len(head):])]; found != nil {
			r = found
		}
		o.mu.Unlock()
	}
	return r.lend(head, version, apart)
}

// plainTCP returns the TCP connection that takes what is written to conn as it is, nil if there is
// none.
func plainTCP(conn net.Conn) *net.TCPConn {
	switch c := conn.(type) {
	case *net.TCPConn:
		return c
	case interface{ Below() net.Conn }:
		return plainTCP(c.Below())
	}
	return nil
}
