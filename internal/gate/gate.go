package gate

import (
	"sync"
	"time"

	"github.com/forebay-go/forebay/routing"
)

const (
	// PressFor is how long a lane presses after a call of Pressing. If it still presses then, it
	// calls again within that time.
	PressFor = 50 * time.Millisecond

	// StuckAfter is how long a lane may press without an answer from the broker. After that, lower
	// lanes do not hold back for it: that would not help it.
	StuckAfter = time.Second

	// AskAgain is the longest time before a lane that holds back asks again.
	AskAgain = 5 * time.Millisecond

	// ActiveFor is how long lower lanes keep their requests small after a lane has sent one.
	ActiveFor = time.Second

	// maxCredit is the most that a lane may save, and may owe, in bytes: one request of the largest
	// size.
	maxCredit = 8 << 20

	// idleBroker is how long a broker without traffic is remembered; maxBrokers is how many are.
	idleBroker = time.Minute
	maxBrokers = 4096

	maxShare = 0.5
)

// Shares has, by priority, the part of the traffic that a lane gets while higher lanes press. Low's
// is a part of all, medium's a part of what low leaves. A part is from 0 (none) to 0.5; values
// outside are clipped. The entry of high is not used.
type Shares [routing.High + 1]float64

// Gate decides which lanes may send to the brokers of one cluster. See the package documentation.
type Gate struct {
	mu      sync.Mutex // guards what follows
	rates   Shares     // what a lane may send for a byte that is answered to higher ones
	brokers map[int32]*broker
	swept   time.Duration // when brokers that are idle were last forgotten
}

// broker is what is known about the lanes at one broker.
type broker struct {
	touched time.Duration
	lanes   [routing.High + 1]lane
}

type lane struct {
	pressed bool          // ever
	last    time.Duration // when Pressing was last called
	// when it was first called after an answer, or after StuckAfter without a call
	since  time.Duration
	waits  bool          // it has pressed since then without an answer
	sent   time.Duration // when it last sent something
	sends  bool          // it ever has
	credit float64       // what it may send while higher ones press, in bytes
}

// NewGate returns a gate for the brokers of one cluster.
func NewGate(shares Shares) *Gate {
	g := &Gate{brokers: make(map[int32]*broker)}
	g.SetShares(shares)
	return g
}

// SetShares changes the shares. Lanes keep the credit that they have.
func (g *Gate) SetShares(shares Shares) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for p, share := range shares {
		if share = min(share, maxShare); !(share > 0) { // also if it is NaN
			share = 0
		}
		g.rates[p] = share / (1 - share)
	}
}

// Pressing notes that a lane has batches ready for a broker, and that all of its slots there are in
// use. It counts for PressFor.
func (g *Gate) Pressing(p routing.Priority, id int32, now time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.touch(id, now)
	l := &b.lanes[p]
	if !l.waits || now-l.last >= StuckAfter {
		l.since = now
	}
	l.pressed, l.waits, l.last = true, true, now
}

// Answered notes that a broker has answered a request of a lane with so many bytes in it, whatever
// the answer.
func (g *Gate) Answered(p routing.Priority, id int32, bytes int, now time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.known(id, now)
	if b == nil {
		return // nobody presses
	}
	b.touched = now
	b.lanes[p].waits = false
	for low := p - 1; low > routing.Unset; low-- {
		// a lane that does not hold back needs no credit, and must not save any for later
		if b.heldUntil(low, now) > now {
			l := &b.lanes[low]
			l.credit = min(l.credit+float64(bytes)*g.rates[low], maxCredit)
		}
	}
}

// May reports whether a lane may send a request to a broker. If not, again is the latest time to
// ask again.
//
// A lane may send if no higher lane presses there, or if all that do are stuck. Otherwise it may
// send while it has credit. It earns its share of the bytes that the broker answers to higher
// lanes; Sent spends it.
func (g *Gate) May(p routing.Priority, id int32, now time.Duration) (ok bool, again time.Duration) {
	if p == routing.High {
		return true, 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.known(id, now)
	if b == nil {
		return true, 0
	}
	until := b.heldUntil(p, now)
	if until <= now || b.lanes[p].credit > 0 {
		return true, 0
	}
	return false, min(until, now+AskAgain)
}

// Sent notes that a lane sends so many bytes to a broker, as May has just allowed. While a higher
// lane presses, they are taken from its credit, and may exceed it by one request.
func (g *Gate) Sent(p routing.Priority, id int32, bytes int, now time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.known(id, now)
	if b == nil {
		if p == routing.Low {
			return // no lane holds back for it
		}
		b = g.touch(id, now)
	}
	l := &b.lanes[p]
	l.sent, l.sends = now, true
	b.touched = now
	if b.heldUntil(p, now) > now {
		l.credit = max(l.credit-float64(bytes), -maxCredit)
	}
}

// Alone reports whether no higher lane has sent anything to a broker for ActiveFor. While one does,
// a request of this lane should be small: the broker may serve it before one of the higher lane's.
func (g *Gate) Alone(p routing.Priority, id int32, now time.Duration) bool {
	if p == routing.High {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.known(id, now)
	if b == nil {
		return true
	}
	for high := p + 1; high <= routing.High; high++ {
		if l := &b.lanes[high]; l.sends && now-l.sent < ActiveFor {
			return false
		}
	}
	return true
}

// heldUntil returns until when p holds back for higher lanes if nothing more happens. If that is
// not after now, it does not hold back.
func (b *broker) heldUntil(p routing.Priority, now time.Duration) time.Duration {
	until := now
	for high := p + 1; high <= routing.High; high++ {
		until = max(until, b.lanes[high].holdsUntil())
	}
	return until
}

// holdsUntil returns until when lower lanes hold back for l.
func (l *lane) holdsUntil() time.Duration {
	switch {
	case !l.pressed:
		return 0
	case l.waits:
		return min(l.last+PressFor, l.since+StuckAfter)
	}
	return l.last + PressFor
}

// known returns the state of a broker, nil if it has none or has been idle.
func (g *Gate) known(id int32, now time.Duration) *broker {
	if b := g.brokers[id]; b != nil && now-b.touched < idleBroker {
		return b
	}
	return nil
}

// touch returns the state of a broker, which it creates if necessary.
func (g *Gate) touch(id int32, now time.Duration) *broker {
	b := g.brokers[id]
	if b == nil {
		g.forget(now)
		b = new(broker)
		g.brokers[id] = b
	} else if now-b.touched >= idleBroker {
		*b = broker{}
	}
	b.touched = now
	return b
}

// forget makes room for a broker. It forgets idle brokers, and all brokers if there are too many.
func (g *Gate) forget(now time.Duration) {
	if now-g.swept >= idleBroker {
		g.swept = now
		for id, b := range g.brokers {
			if now-b.touched >= idleBroker {
				delete(g.brokers, id)
			}
		}
	}
	if len(g.brokers) >= maxBrokers {
		clear(g.brokers) // lanes that press will report it again
	}
}
