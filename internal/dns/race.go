package dns

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// attemptDelay is how long an address has at most before the next one is tried beside it: what RFC
// 8305 recommends.
const attemptDelay = 250 * time.Millisecond

// attempt is what became of one address.
type attempt struct {
	addr netip.Addr
	conn net.Conn
	err  error
}

// race tries addrs in their order and returns the first that open has brought a connection to, or
// else the errors, of which there is then at least one.
func (d *Dialer) race(ctx context.Context, addrs []netip.Addr,
	open func(context.Context, netip.Addr) (net.Conn, error)) (attempt, []error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // those that are still under way end, and close what they bring
	results := make(chan attempt)
	var errs []error
	for started := 0; len(errs) < len(addrs); {
		var next <-chan time.Time
		if started < len(addrs) {
			addr := addrs[started]
			// where it is closed, ctx has ended
			d.crew.run(func() { try(ctx, addr, open, results) })
			started++
			next = time.After(share(ctx, len(addrs)-started+1))
		}
		select {
		case a := <-results:
			if a.err == nil {
				return a, nil
			}
			errs = append(errs, a.err)
		case <-next:
		case <-ctx.Done():
			return attempt{}, append(errs, fmt.Errorf("no answer from %d of %d addresses: %w",
				len(addrs)-len(errs), len(addrs), ctx.Err()))
		}
	}
	return attempt{}, errs
}

// try sends what becomes of addr to results, as long as somebody waits for it.
func try(ctx context.Context, addr netip.Addr,
	open func(context.Context, netip.Addr) (net.Conn, error), results chan<- attempt) {
	conn, err := open(ctx, addr)
	select {
	case results <- attempt{addr, conn, err}:
	case <-ctx.Done():
		if err == nil {
			_ = conn.Close()
		}
	}
}

// share returns how long an attempt has before the next begins, where it and so many others have
// what is left of ctx.
func share(ctx context.Context, attempts int) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return attemptDelay
	}
	return min(attemptDelay, time.Until(deadline)/time.Duration(attempts))
}
