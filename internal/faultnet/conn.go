package faultnet

import (
	"bytes"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// conn is a connection that the link can reset: what uses it then sees what the kernel would say.
type conn struct {
	net.Conn
	link  *Link
	reset atomic.Bool
	ended chan struct{} // closed by end, once; received by carry
	once  sync.Once

	mu    sync.Mutex // guards what follows; never held across I/O
	queue []parcel   // on its way, oldest first
	// one slot; nil until something was delayed, from when on all goes through carry
	wake chan struct{}
}

// parcel is what one call of Write has written.
type parcel struct {
	data []byte
	due  time.Time
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, c.told("read", err)
}

func (c *conn) Write(b []byte) (int, error) {
	if c.post(b) {
		select {
		case <-c.ended:
			return 0, c.told("write", net.ErrClosed)
		default:
			return len(b), nil
		}
	}
	return c.pass(b)
}

// pass writes, and resets the connection afterwards if it is its turn.
func (c *conn) pass(b []byte) (int, error) {
	if most := c.link.most.Load(); most > 0 && int64(len(b)) > most {
		c.reset.Store(true)
		c.link.cuts.Add(1)
		_ = c.Close()
		return len(b), nil // the kernel has taken them
	}
	n, err := c.Conn.Write(b)
	if err == nil && c.link.cutsAfter(b) {
		c.reset.Store(true)
		c.link.cuts.Add(1)
		_ = c.Close()
	}
	return n, c.told("write", err)
}

// post has b arrive later, if the link delays or something is on its way before it.
func (c *conn) post(b []byte) bool {
	delay := time.Duration(c.link.delay.Load())
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wake == nil {
		if delay <= 0 {
			return false
		}
		c.wake = make(chan struct{}, 1)
		go c.carry()
	}
	c.queue = append(c.queue, parcel{bytes.Clone(b), time.Now().Add(delay)})
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return true
}

// carry writes what was posted when it is due. It ends with the connection.
func (c *conn) carry() {
	for {
		c.mu.Lock()
		queue := c.queue
		c.queue = nil
		c.mu.Unlock()
		for _, p := range queue {
			select {
			case <-time.After(time.Until(p.due)):
			case <-c.ended:
				return
			}
			if _, err := c.pass(p.data); err != nil {
				c.end() // the next read or write says so
				return
			}
		}
		select {
		case <-c.wake:
		case <-c.ended:
			return
		}
	}
}

func (c *conn) told(op string, err error) error {
	if err != nil && c.reset.Load() {
		return &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(op, syscall.ECONNRESET)}
	}
	return err
}

// end closes the connection below.
func (c *conn) end() {
	c.once.Do(func() { close(c.ended) })
	_ = c.Conn.Close()
}

func (c *conn) Close() error {
	c.link.mu.Lock()
	delete(c.link.conns, c)
	c.link.mu.Unlock()
	c.end()
	return nil
}
