package dns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	errNX       = &net.DNSError{Err: "no such host", IsNotFound: true}
	errServfail = &net.DNSError{Err: "server misbehaving", IsTemporary: true}
)

// world is a resolver, and what lives at the addresses that it names. Who lives somewhere greets
// with one byte.
type world struct {
	mu      sync.Mutex // guards what follows; never held across I/O
	names   map[string][]string
	fail    error
	slow    time.Duration   // how long a look-up takes
	deaf    chan struct{}   // not nil: look-ups heed nothing until it is closed
	lookups map[string]int  // by name
	up      map[string]bool // addresses where somebody lives; elsewhere dials are refused
	hang    map[string]bool // addresses at which a dial hangs
	mute    map[string]bool // addresses that let connections be opened and say nothing
	far     time.Duration   // how long a dial takes
	dialled []string
}

func newWorld() *world {
	return &world{names: make(map[string][]string), lookups: make(map[string]int),
		up: make(map[string]bool), hang: make(map[string]bool), mute: make(map[string]bool)}
}

func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// name has host lead to addrs, where somebody lives.
func (w *world) name(host string, addrs ...string) {
	w.set(func() {
		w.names[host] = addrs
		for _, a := range addrs {
			w.up[a] = true
		}
	})
}

// move has host lead to addr alone, and nobody live where it led before.
func (w *world) move(host, addr string) {
	w.set(func() {
		for _, a := range w.names[host] {
			delete(w.up, a)
		}
	})
	w.name(host, addr)
}

func (w *world) asked(host string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lookups[host]
}

// attempts returns the addresses that were dialled since it was last called.
func (w *world) attempts() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.dialled
	w.dialled = nil
	return d
}

func (w *world) lookup(ctx context.Context, host string) ([]string, error) {
	w.mu.Lock()
	w.lookups[host]++
	addrs, fail, slow, deaf := slices.Clone(w.names[host]), w.fail, w.slow, w.deaf
	w.mu.Unlock()
	if deaf != nil {
		<-deaf
	}
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if fail == nil && addrs == nil {
		fail = errNX
	}
	return addrs, fail
}

func (w *world) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, errors.New("not an address: " + addr)
	}
	where := at.Addr().String()
	w.mu.Lock()
	w.dialled = append(w.dialled, where)
	up, hang, mute, far := w.up[where], w.hang[where], w.mute[where], w.far
	w.mu.Unlock()
	if hang {
		far = time.Hour
	}
	select {
	case <-time.After(far):
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: network, Err: ctx.Err()}
	}
	if !up {
		return nil, &net.OpError{Op: "dial", Net: network,
			Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		if !mute {
			_, _ = theirs.Write([]byte{'!'})
		}
		_, _ = theirs.Read(make([]byte, 1)) // until ours is closed
	}()
	return &lived{ours, where}, nil
}

// lived is a connection that knows to what address it leads.
type lived struct {
	net.Conn
	at string
}

// dialer returns a dialer in w, that ends with the test.
func (w *world) dialer(t *testing.T, change ...func(*Config)) *Dialer {
	cfg := Config{Lookup: w.lookup, Dial: w.dial}
	for _, fn := range change {
		fn(&cfg)
	}
	d := New(cfg)
	t.Cleanup(d.Close)
	return d
}

// reach dials host within a second, reads the greeting, hangs up, and returns the address that
// answered, and the time that the dial took.
func reach(t *testing.T, d *Dialer, host string) (string, time.Duration) {
	t.Helper()
	c, took, err := knock(d, host)
	require.NoError(t, err)
	at := c.(*conn).Conn.(*lived).at
	_, err = c.Read(make([]byte, 1))
	require.NoError(t, err)
	require.NoError(t, c.Close())
	return at, took
}

// knock dials host within a second, which is all the time that a cluster gives.
func knock(d *Dialer, host string) (net.Conn, time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	began := time.Now()
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(host, "9092"))
	return c, time.Since(began), err
}
