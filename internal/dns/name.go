package dns

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"
)

// name is what is known about a host. The lock of names guards it.
type name struct {
	host string
	// in the order in which they are tried; replaced, never changed, because dials read it without
	// the lock
	addrs   []netip.Addr
	worked  bool        // somebody has answered at the first of them, and not failed to since
	good    time.Time   // when addrs were last confirmed; zero: never
	used    time.Time   // by a dial
	open    int         // connections
	doubt   bool        // a dial failed since then, or nobody answered
	lookups []*lookup   // under way, oldest first
	asked   time.Time   // when the last of them began
	failed  bool        // the last of those that have ended
	timer   *time.Timer // of the next refresh; nil before the first look-up has ended
}

// lookup is a look-up in progress.
type lookup struct {
	began time.Time
	done  chan struct{} // closed when it has ended, or another has brought an answer
	err   error         // read it after that
}

// known reports whether there is an answer that may still be used.
func (e *name) known(now time.Time, staleFor time.Duration) bool {
	return !e.good.IsZero() && now.Sub(e.good) < staleFor
}

// pending returns the last look-up, if it is under way.
func (e *name) pending() *lookup {
	if n := len(e.lookups); n > 0 && e.lookups[n-1].began.Equal(e.asked) {
		return e.lookups[n-1]
	}
	return nil
}

// patience returns how long a dial waits for a look-up if there is an older answer.
func (e *name) patience(now time.Time) time.Duration {
	switch {
	case e.failed:
		return 0
	case len(e.lookups) == 0:
		return slow
	}
	return slow - now.Sub(e.lookups[0].began)
}

// take stores answer. An address that works stays the first; new addresses come next, then those
// that were known.
func (e *name) take(answer []netip.Addr) {
	kept := slices.DeleteFunc(slices.Clone(e.addrs),
		func(a netip.Addr) bool { return !slices.Contains(answer, a) })
	added := slices.DeleteFunc(slices.Clone(answer),
		func(a netip.Addr) bool { return slices.Contains(kept, a) })
	first := 0
	if e.worked = e.worked && len(kept) > 0 && kept[0] == e.addrs[0]; e.worked {
		first = 1
	}
	e.addrs = slices.Concat(kept[:first], mix(added), kept[first:])
}

// prefer has addr tried before all others.
func (e *name) prefer(addr netip.Addr) {
	if slices.Contains(e.addrs, addr) {
		e.addrs = append([]netip.Addr{addr}, e.without(addr)...)
		e.worked = true
	}
}

// avoid has addr tried after all others.
func (e *name) avoid(addr netip.Addr) {
	if slices.Contains(e.addrs, addr) {
		e.worked = e.worked && e.addrs[0] != addr
		e.addrs = append(e.without(addr), addr)
	}
}

func (e *name) without(addr netip.Addr) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(e.addrs), func(a netip.Addr) bool { return a == addr })
}

// mix returns addrs in random order, with alternating families: the resolver's first address
// decides the first family. So a family that leads nowhere costs little.
func mix(addrs []netip.Addr) []netip.Addr {
	var families [2][]netip.Addr
	for _, a := range addrs {
		i := 0
		if a.Is4() != addrs[0].Is4() {
			i = 1
		}
		families[i] = append(families[i], a)
	}
	mixed := make([]netip.Addr, 0, len(addrs))
	for _, f := range families {
		rand.Shuffle(len(f), func(i, j int) { f[i], f[j] = f[j], f[i] })
	}
	for i := range addrs {
		for _, f := range families {
			if i < len(f) {
				mixed = append(mixed, f[i])
			}
		}
	}
	return mixed
}
