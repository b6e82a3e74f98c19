package dns

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"
)

// LookupFunc returns the addresses of a host, as net.Resolver.LookupHost does.
type LookupFunc func(ctx context.Context, host string) ([]string, error)

// DialFunc opens a connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// Config says how names are looked up and how long answers are used. Zero fields mean the defaults
// in their comments.
type Config struct {
	Lookup       LookupFunc    // nil: that of net.DefaultResolver
	Dial         DialFunc      // nil: that of a net.Dialer. It is given addresses, never names
	RefreshEvery time.Duration // 0: 30 s
	StaleFor     time.Duration // 0: a day
	MaxNames     int           // 0: 1,000
}

func (c Config) complete() Config {
	if c.Lookup == nil {
		c.Lookup = net.DefaultResolver.LookupHost
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.RefreshEvery == 0 {
		c.RefreshEvery = 30 * time.Second
	}
	if c.StaleFor == 0 {
		c.StaleFor = 24 * time.Hour
	}
	if c.MaxNames == 0 {
		c.MaxNames = 1000
	}
	return c
}

// closePatience is how long Close waits for functions that ignore their context.
const closePatience = time.Second

// Dialer opens connections to names. It is safe for concurrent use.
type Dialer struct {
	cfg   Config
	names *names
	crew  *crew
	ctx   context.Context // of everything that runs; not a caller's
	stop  context.CancelFunc
}

// New returns a dialer. It does no I/O.
func New(cfg Config) *Dialer {
	d := &Dialer{cfg: cfg.complete(), crew: newCrew()}
	d.ctx, d.stop = context.WithCancel(context.Background())
	d.names = newNames(d.ctx, d.cfg, d.crew)
	return d
}

// Close ends all dials and look-ups, and waits for them for a second at most. Later dials fail with
// net.ErrClosed. Open connections stay open. Calling it again does no harm.
func (d *Dialer) Close() {
	d.stop()
	d.names.close()
	d.crew.close(closePatience)
}

// Stats returns the counts so far.
func (d *Dialer) Stats() Stats { return d.names.stats() }

// DialContext opens a connection to addr, which is host:port. It returns when ctx ends at the
// latest. If ctx never ends, it may wait for the look-up and the dial function. Its errors are
// *net.OpError of a dial.
func (d *Dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return d.dial(ctx, network, addr, nil)
}

// WithTLS returns a function that dials as DialContext does, with the same remembered answers, and
// then uses TLS with cfg. The certificate must be for cfg.ServerName or, if that is empty, for the
// dialled host. An address at which the handshake fails counts as failed.
func (d *Dialer) WithTLS(cfg *tls.Config) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		return d.dial(ctx, network, addr, cfg)
	}
}

func (d *Dialer) dial(ctx context.Context, network, addr string, secure *tls.Config) (net.Conn,
	error) {
	if d.ctx.Err() != nil {
		return nil, dialError(network, net.ErrClosed)
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, dialError(network, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.ctx, cancel)()
	if ip, err := netip.ParseAddr(host); err == nil { // nothing to look up or to remember
		won, errs := d.race(ctx, []netip.Addr{ip},
			func(ctx context.Context, _ netip.Addr) (net.Conn, error) {
				return d.open(ctx, network, addr, host, secure)
			})
		return won.conn, failure(network, host, errs)
	}
	n, addrs, err := d.names.resolve(ctx, host)
	if err != nil {
		return nil, dialError(network, err)
	}
	won, errs := d.race(ctx, addrs, func(ctx context.Context, ip netip.Addr) (net.Conn, error) {
		return d.open(ctx, network, net.JoinHostPort(ip.String(), port), host, secure)
	})
	if won.conn == nil {
		d.names.failed(n)
		return nil, failure(network, host, errs)
	}
	d.names.opened(n)
	return &conn{Conn: won.conn, names: d.names, name: n, addr: won.addr}, nil
}

// open opens a connection to an address of host.
func (d *Dialer) open(ctx context.Context, network, addr, host string,
	secure *tls.Config) (conn net.Conn, err error) {
	defer recovered("the dialer", &err) // it may be the application's
	conn, err = d.cfg.Dial(ctx, network, addr)
	if err != nil || secure == nil {
		return conn, err
	}
	return Shield(ctx, conn, network, addr, host, secure)
}

// Shielded returns a DialFunc that uses TLS with cfg over the connections of dial, and checks the
// dialled name.
func Shielded(dial DialFunc, cfg *tls.Config) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		// otherwise the handshake fails for lack of a name to check
		host, _, _ := net.SplitHostPort(addr)
		return Shield(ctx, conn, network, addr, host, cfg)
	}
}

// Shield starts TLS with cfg over conn, which leads to addr. The certificate must be for
// cfg.ServerName or, if that is empty, for host. On failure it closes conn.
func Shield(ctx context.Context, conn net.Conn, network, addr, host string,
	cfg *tls.Config) (net.Conn, error) {
	cfg = cfg.Clone()
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	shielded := tls.Client(conn, cfg)
	if err := shielded.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		err = fmt.Errorf("TLS with %s at %s: %w", host, addr, err)
		// it hung up on the greeting, as Kafka does on a plaintext port
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("%w: is this port for TLS?", err)
		}
		return nil, dialError(network, err)
	}
	return shielded, nil
}

// recovered turns a panic into an error.
func recovered(of string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s panicked: %v", of, p)
	}
}

// dialError returns err as the error of a dial.
func dialError(network string, err error) error {
	return &net.OpError{Op: "dial", Net: network, Err: err}
}

// failure returns the errors of all attempts as one error, nil if there is none.
func failure(network, host string, errs []error) error {
	switch len(errs) {
	case 0:
		return nil
	case 1:
		if op, ok := errors.AsType[*net.OpError](errs[0]); ok && op.Op == "dial" {
			return errs[0]
		}
		return dialError(network, errs[0])
	}
	return dialError(network, &unreachable{host: host, errs: errs})
}

// unreachable says why no address of a host could be reached.
type unreachable struct {
	host string
	errs []error
}

func (u *unreachable) Error() string {
	const most = 4 // of what is said
	said := make([]string, 0, most)
	for _, err := range u.errs[:min(most, len(u.errs))] {
		said = append(said, err.Error())
	}
	text := fmt.Sprintf("no address of %s will do: %s", u.host, strings.Join(said, "; "))
	if more := len(u.errs) - most; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

func (u *unreachable) Unwrap() []error { return u.errs }
