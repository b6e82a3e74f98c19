package gate

import (
	"sync"
	"time"

	"github.com/forebay-go/forebay/routing"
)

const (
	// PressFor is how long a lane presses after it said so. One that still does says it again
	// within that time.
	PressFor = 50 * time.Millisecond

	// StuckAfter is how long a lane may press and get no answer from the broker. After that others
	// do not keep back for it: it would not go on any sooner.
	StuckAfter = time.Second

	// AskAgain is when a lane that has to keep back asks again at the latest.
	AskAgain = 5 * time.Millisecond

	// ActiveFor is how long lower lanes keep their requests small after a lane has sent one.
	ActiveFor = time.Second

	// maxCredit is the most that a lane may save, and may owe, in bytes: one request of the largest
	// size.
	maxCredit = 8 << 20

	// idleBroker is how long a broker is remembered of which nothing is heard, and maxBrokers how
	// many are.
	idleBroker = time.Minute
	maxBrokers = 4096

	maxShare = 0.5
)

// Shares says by priority which part of the wire a lane has while higher ones press: low's is a
// part of all, medium's of what low leaves. Parts are from 0, for none, to 0.5, and beyond are
// taken for these. What is set for high means nothing.
type Shares [routing.High + 1]float64

// Gate keeps the order of the lanes that send to the brokers of one cluster. See the package's
// documentation.
type Gate struct {
	mu      sync.Mutex // guards what follows
	rates   Shares     // what a lane may send for a byte that is answered to higher ones
	brokers map[int32]*broker
	swept   time.Duration // when brokers that are idle were last forgotten
}

// broker is what is known of the lanes at one broker.
type broker struct {
	touched time.Duration
	lanes   [routing.High + 1]lane
}

type lane struct {
	pressed bool          // ever
	last    time.Duration // when it last said that it presses
	// when it first said so after an answer, or after it had not for StuckAfter
	since  time.Duration
	waits  bool          // it has pressed, since then, and was not answered
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

// SetShares changes the shares. What lanes have saved remains theirs.
func (g *Gate) SetShares(shares Shares) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for p, share := range shares {
		if share = min(share, maxShare); !(share > 0) { // or it is not a number
			share = 0
		}
		g.rates[p] = share / (1 - share)
	}
}

// Pressing says that a lane has batches ready for a broker and all of its slots there are in use.
// It counts for PressFor.
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

// Answered says that the broker has answered a request of a lane, whatever the answer, with so many
// bytes in it.
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
		// a lane that is free needs no credit, and would save it for when it is least wanted
		if b.heldUntil(low, now) > now {
			l := &b.lanes[low]
			l.credit = min(l.credit+float64(bytes)*g.rates[low], maxCredit)
		}
	}
}

// May reports whether a lane may send a request to a broker. If not, again is when to ask again, at
// the latest.
//
// It may if no higher lane presses there, or if those that do are stuck, and else while it has
// credit. Credit comes from the bytes of higher lanes that the broker answers, by the lane's share,
// and is spent by Sent.
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

// Sent says that a lane sends so many bytes to a broker, as May has allowed it to at the same time.
// What is sent while a higher lane presses is taken from its credit, and may exceed that by one
// request.
func (g *Gate) Sent(p routing.Priority, id int32, bytes int, now time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.known(id, now)
	if b == nil {
		if p == routing.Low {
			return // nobody keeps back for it
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

// heldUntil returns until when p keeps back for higher lanes if nothing more happens; at now or
// before it does not.
func (b *broker) heldUntil(p routing.Priority, now time.Duration) time.Duration {
	until := now
	for high := p + 1; high <= routing.High; high++ {
		until = max(until, b.lanes[high].holdsUntil())
	}
	return until
}

// holdsUntil returns until when lower lanes keep back for l.
func (l *lane) holdsUntil() time.Duration {
	switch {
	case !l.pressed:
		return 0
	case l.waits:
		return min(l.last+PressFor, l.since+StuckAfter)
	}
	return l.last + PressFor
}

// known returns what is known of a broker, nil if that is nothing, or nothing new.
func (g *Gate) known(id int32, now time.Duration) *broker {
	if b := g.brokers[id]; b != nil && now-b.touched < idleBroker {
		return b
	}
	return nil
}

// touch returns what is known of a broker, from now on.
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

// forget makes room for a broker: it forgets those that are idle, and all of them if there are too
// many.
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
		clear(g.brokers) // lanes that press will say so again
	}
}
