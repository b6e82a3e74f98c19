package dns

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	// slow is how long a dial waits for a look-up if there is an older answer.
	slow = 300 * time.Millisecond
	// lookupTimeout is how long a look-up may take at all: somewhat more than the five seconds that
	// resolvers wait for a server.
	lookupTimeout = 6 * time.Second
	// pause is the time before a look-up that failed, or has not ended, is repeated.
	pause = time.Second
	// idleRefreshes are how many refreshes a name without connections has after its last dial.
	idleRefreshes = 10
	// maxLookups bounds the look-ups in progress, including those that ignore their context.
	maxLookups = 256
	// maxAddrs are how many addresses of an answer count.
	maxAddrs = 32
)

// names remembers the addresses of hosts.
type names struct {
	cfg  Config
	ctx  context.Context // of look-ups; a dial that gives up does not end what others wait for
	crew *crew

	mu      sync.Mutex // guards what follows, and every name; never held across I/O
	byHost  map[string]*name
	counted Stats
	running int // look-ups
	closed  bool
}

func newNames(ctx context.Context, cfg Config, crew *crew) *names {
	return &names{cfg: cfg, ctx: ctx, crew: crew, byHost: make(map[string]*name)}
}

// resolve returns the addresses of host in the order in which to try them. It waits as the package
// comment says, and never longer than ctx.
func (n *names) resolve(ctx context.Context, host string) (*name, []netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	e := n.useLocked(host, now)
	if !e.known(now, n.cfg.StaleFor) {
		l := n.askLocked(e, now)
		if !n.awaitLocked(ctx, l, nil) {
			return nil, nil, timeout(host, ctx.Err())
		}
		return e, e.addrs, l.err
	}
	if !e.doubt && now.Sub(e.good) < n.cfg.RefreshEvery {
		return e, e.addrs, nil
	}
	patience := e.patience(now)
	if l := n.askLocked(e, now); patience > 0 {
		late := time.NewTimer(patience)
		defer late.Stop()
		if n.awaitLocked(ctx, l, late.C) && l.err == nil {
			return e, e.addrs, nil
		}
	}
	n.counted.Stale++
	return e, e.addrs, nil
}

// awaitLocked waits for l, without the lock, and reports whether it has ended before ctx and late.
func (n *names) awaitLocked(ctx context.Context, l *lookup, late <-chan time.Time) bool {
	n.mu.Unlock()
	defer n.mu.Lock()
	select {
	case <-l.done:
		return true
	case <-late:
	case <-ctx.Done():
	}
	return false
}

// useLocked returns the entry of host, and makes one if it is new.
func (n *names) useLocked(host string, now time.Time) *name {
	e := n.byHost[host]
	if e == nil {
		if len(n.byHost) >= n.cfg.MaxNames {
			n.forgetOldestLocked()
		}
		e = &name{host: host}
		n.byHost[host] = e
	}
	e.used = now
	return e
}

func (n *names) forgetOldestLocked() {
	var oldest *name
	for _, e := range n.byHost {
		if oldest == nil || e.used.Before(oldest.used) {
			oldest = e
		}
	}
	n.forgetLocked(oldest)
}

// forgetLocked removes e. Dials and connections that have it keep it.
func (n *names) forgetLocked(e *name) {
	if e.timer != nil {
		e.timer.Stop()
	}
	if n.byHost[e.host] == e {
		delete(n.byHost, e.host)
	}
}

// askLocked begins a look-up of e and returns it. If it is too early for another, it returns the
// one in progress, or nil if that has failed and there is an older answer. Older look-ups go on,
// because a resolver that takes five seconds still answers them. A resolver that was away answers
// only new ones.
func (n *names) askLocked(e *name, now time.Time) *lookup {
	pending := e.pending()
	if now.Sub(e.asked) < pause && (pending != nil || e.failed && e.known(now, n.cfg.StaleFor)) {
		return pending
	}
	l := &lookup{began: now, done: make(chan struct{})}
	e.lookups, e.asked = append(e.lookups, l), now
	n.counted.Lookups++
	if n.running >= maxLookups {
		n.endLocked(e, l, nil, fmt.Errorf("look up %s: %d look-ups are under way that do not end",
			e.host, n.running))
		return l
	}
	n.running++
	ctx, cancel := context.WithTimeout(n.ctx, lookupTimeout)
	// One that does not heed its context is given up all the same.
	stop := context.AfterFunc(ctx, func() { n.end(e, l, nil, timeout(e.host, ctx.Err())) })
	run := n.crew.run(func() {
		addrs, err := n.lookup(ctx, e.host)
		stop()
		cancel()
		n.end(e, l, addrs, err)
		n.mu.Lock()
		n.running--
		n.mu.Unlock()
	})
	if !run {
		stop()
		cancel()
		n.running--
		n.endLocked(e, l, nil, net.ErrClosed)
	}
	return l
}

// lookup asks the resolver.
func (n *names) lookup(ctx context.Context, host string) (addrs []netip.Addr, err error) {
	defer recovered("look up "+host+": the resolver", &err) // it may be the application's
	answer, err := n.cfg.Lookup(ctx, host)
	if err != nil {
		if _, ok := errors.AsType[*net.DNSError](err); !ok {
			err = fmt.Errorf("look up %s: %w", host, err)
		}
		return nil, err
	}
	for _, text := range answer {
		addr, err := netip.ParseAddr(text)
		if addr = addr.Unmap(); err == nil && len(addrs) < maxAddrs &&
			!slices.Contains(addrs, addr) {
			addrs = append(addrs, addr)
		}
	}
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: "the answer has no addresses", Name: host, IsNotFound: true}
	}
	return addrs, nil
}

func timeout(host string, err error) error {
	return &net.DNSError{Err: "no answer in time", Name: host, UnwrapErr: err, IsTimeout: true}
}

func (n *names) end(e *name, l *lookup, addrs []netip.Addr, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.endLocked(e, l, addrs, err)
}

// endLocked takes the result of l, unless l was given up or another was quicker. A good answer ends
// all look-ups in progress.
func (n *names) endLocked(e *name, l *lookup, addrs []netip.Addr, err error) {
	if !slices.Contains(e.lookups, l) {
		return
	}
	now := time.Now()
	if err == nil {
		for _, other := range e.lookups {
			close(other.done)
		}
		e.lookups, e.failed = nil, false
		e.take(addrs)
		e.good, e.doubt = now, false
	} else {
		n.counted.Failures++
		e.failed = e.failed || l == e.lookups[len(e.lookups)-1]
		e.lookups = slices.DeleteFunc(e.lookups, func(other *lookup) bool { return other == l })
		l.err = err
		close(l.done)
		if len(e.lookups) == 0 && !e.known(now, n.cfg.StaleFor) {
			n.forgetLocked(e)
		}
	}
	n.scheduleLocked(e)
}

// scheduleLocked has e refreshed when it is time, but not at once with all others.
func (n *names) scheduleLocked(e *name) {
	if n.closed || n.byHost[e.host] != e {
		return
	}
	in := n.cfg.RefreshEvery - rand.N(n.cfg.RefreshEvery/10)
	if e.timer == nil {
		e.timer = time.AfterFunc(in, func() { n.refresh(e) })
		return
	}
	e.timer.Reset(in)
}

// refresh looks e up again, if it is in use. Otherwise its next dial does.
func (n *names) refresh(e *name) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	if e.open > 0 || now.Sub(e.used) < idleRefreshes*n.cfg.RefreshEvery {
		n.askLocked(e, now)
		n.scheduleLocked(e)
	}
}

// failed notes that no address of e could be reached.
func (n *names) failed(e *name) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e.doubt, e.worked = true, false
}

// opened notes a connection.
func (n *names) opened(e *name) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e.open++
}

// heard notes that addr has answered.
func (n *names) heard(e *name, addr netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e.doubt = false
	e.prefer(addr)
}

// ended notes the end of a connection, and whether anybody had answered on it.
func (n *names) ended(e *name, addr netip.Addr, heard bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e.open--
	if !heard {
		e.doubt = true
		e.avoid(addr)
	}
}

// disowned notes that the wrong broker answers at addr. The next dial looks e up again.
func (n *names) disowned(e *name, addr netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e.doubt = true
	e.avoid(addr)
}

// close ends all refreshes.
func (n *names) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	for _, e := range n.byHost {
		n.forgetLocked(e)
	}
}
