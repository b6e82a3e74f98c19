package cluster

import (
	"math/rand/v2"
	"time"
)

// target is a broker or a seed that can be asked.
type target struct {
	addr   string
	state  targetState
	since  time.Time // when it last stopped answering
	next   time.Time // when it is probed, if it is named or suspect
	turn   time.Time // when it was last probed in turn with others, or about
	asked  bool      // a request to it is in flight
	proven bool      // it has answered before
	missed int       // answers in a row that did not name it
	left   time.Time // when its connections were last closed because it sent us away

	refused bool // its last answer was that it refuses us
}

type targetState uint8

const (
	good    targetState = iota // answered last time
	named                      // a broker named it, and it was not asked yet: used until it fails
	suspect                    // a link failed on it, or it is a seed that was not asked yet
	bad                        // did not answer
)

func newTarget(addr string) *target {
	now := time.Now()
	return &target{addr: addr, state: suspect, since: now, turn: mixed(now)}
}

// mixed returns a turn for a target that joins others now. Many often join at the same moment, and
// each instance of a fleet is to probe them in another order.
func mixed(now time.Time) time.Time { return now.Add(-rand.N(time.Second)) }

// targets are the brokers and seeds of a cluster by node ID. Seeds have the IDs of seedID.
type targets map[int32]*target

func newTargets(seeds []string) targets {
	ts := make(targets)
	for i, addr := range seeds {
		ts[seedID(i)] = newTarget(addr)
	}
	return ts
}

// seedID returns the key of the i-th seed, below all node IDs.
func seedID(i int) int32 { return int32(-1000 - i) }

// answering counts the brokers that answer.
func (ts targets) answering() (n int) {
	for id, t := range ts {
		if id >= 0 && t.state == good {
			n++
		}
	}
	return n
}

// dark reports whether no broker answers, so that seeds are asked.
func (ts targets) dark() bool { return ts.answering() == 0 }

// works returns a function that reports whether a broker can be used. Brokers that answered last
// time can. While there is one, so can those that were just named.
func (ts targets) works() func(node int32) bool {
	dark := ts.dark()
	return func(node int32) bool {
		t := ts[node]
		return t != nil && (t.state == good || t.state == named && !dark)
	}
}

// refreshing reports whether a request to a working target is in flight.
func (ts targets) refreshing() bool {
	for _, t := range ts {
		if t.asked && t.state == good {
			return true
		}
	}
	return false
}

// needsSeed reports whether seed is asked in the dark. It is not if a broker at the same address is
// asked soon: that would make two attempts where one is enough.
func (ts targets) needsSeed(seed *target) bool {
	for id, t := range ts {
		if id >= 0 && t.state != bad && t.addr == seed.addr {
			return false
		}
	}
	return true
}

// seedInstead reports whether a seed is asked in place of t, a broker that does not answer. The
// seed has the same address, and the broker's ID may have been a mistake.
func (ts targets) seedInstead(t *target, seeds []string) bool {
	for i, addr := range seeds {
		if addr == t.addr && ts[seedID(i)].state != good {
			return true
		}
	}
	return false
}

// nextInTurn returns the working broker to ask after the broker last, nil if there is none. A
// broker that the latest answer did not name may know less, and comes after all others.
func (ts targets) nextInTurn(last int32) (id int32, next *target) {
	for other, t := range ts {
		if other < 0 || t.state != good || t.asked {
			continue
		}
		if next == nil || ts.sooner(other, id, last) {
			id, next = other, t
		}
	}
	return id, next
}

// sooner reports whether the turn of broker a comes before that of b, after the broker last.
func (ts targets) sooner(a, b, last int32) bool {
	if known, other := ts[a].missed == 0, ts[b].missed == 0; known != other {
		return known
	}
	if after, other := a > last, b > last; after != other {
		return after
	}
	return a < b
}
