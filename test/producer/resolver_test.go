package producer_test

import (
	"context"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/forebay-go/forebay/internal/faultnet"
)

// resolver is a world of names: it looks them up, and opens connections to the addresses that it
// gave.
type resolver struct {
	mu    sync.Mutex          // guards what follows; never held across I/O
	wrong int64               // look-ups that failed, or were slow
	fail  *net.DNSError       // nil: names resolve
	slow  time.Duration       // how long a look-up takes
	empty bool                // answers have no address
	names map[string][]string // what they say
	// what all other names say: the brokers of an embedded Kafka have one for all
	addresses []string
	hosts     map[string]faultnet.DialFunc // what lives where; dials are refused elsewhere
}

func (r *resolver) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

// heal has every look-up be answered at once again.
func (r *resolver) heal() { r.set(func() { r.fail, r.slow, r.empty = nil, 0, false }) }

// lookup says what the name says.
func (r *resolver) lookup(ctx context.Context, host string) ([]string, error) {
	r.mu.Lock()
	fail, slow, addresses := r.fail, r.slow, r.addresses
	if named, ok := r.names[host]; ok {
		addresses = named
	}
	if r.empty {
		addresses = nil
	}
	if fail != nil || slow > 0 || len(addresses) == 0 {
		r.wrong++
	}
	r.mu.Unlock()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return nil, &net.DNSError{Err: "i/o timeout", Name: host, IsTimeout: true,
			IsTemporary: true}
	}
	if fail != nil {
		return nil, &net.DNSError{Err: fail.Err, Name: host, IsNotFound: fail.IsNotFound,
			IsTemporary: fail.IsTemporary}
	}
	return addresses, nil
}

// dial opens a connection to an address.
func (r *resolver) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	ip, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	host := r.hosts[ip]
	r.mu.Unlock()
	if host == nil {
		return nil, &net.OpError{Op: "dial", Net: network,
			Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	return host(ctx, network, net.JoinHostPort("localhost", port))
}

// wrongAnswers are what may be wrong with a resolver.
var wrongAnswers = map[string]func(r *resolver){
	"NXDOMAIN": func(r *resolver) { r.fail = &net.DNSError{Err: "no such host", IsNotFound: true} },
	"SERVFAIL": func(r *resolver) {
		r.fail = &net.DNSError{Err: "server misbehaving", IsTemporary: true}
	},
	"empty": func(r *resolver) { r.empty = true },
	"slow":  func(r *resolver) { r.slow = 5 * time.Second },
	"hangs": func(r *resolver) { r.slow = time.Hour },
}
