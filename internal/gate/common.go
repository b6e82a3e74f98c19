package gate

import (
	"sync"
	"time"

	"github.com/forebay-go/forebay/routing"
)

const (
	// CommonWait is how long a lane waits for the common connection to a broker as a matter of
	// course.
	CommonWait = 10 * time.Millisecond
	// CommonMost is the longest that it waits.
	CommonMost = 100 * time.Millisecond
	// A lane that has waited for more than CommonWait so often in that span does not wait again.
	// Nor does one whose waits have ended so often in a row because it has not asked for
	// CommonWait: its batch may have gone elsewhere, but a dispatcher with much to do asks as
	// rarely.
	commonOften = 5
	commonSpan  = 5 * time.Second
	// commonAgain is how soon a lane that waits asks again.
	commonAgain = 2 * time.Millisecond
)

// Common decides which lanes use the connections that they share, one to each broker. A broker
// answers the requests of a connection one after the other, and nobody knows how soon. So no lane
// sends a request behind one of another lane. It waits for a moment, in which no lower lane goes
// before it. If that is not enough, or happens too often, it takes a connection of its own.
//
// It is safe for concurrent use. It has no goroutine and no clock.
type Common struct {
	mu      sync.Mutex // guards what follows
	brokers map[int32]*passengers
}

// passengers are the lanes at one broker.
type passengers struct {
	lanes [routing.High + 1]passenger
	muted time.Duration // until when the broker does not read from the connection
}

type passenger struct {
	aboard int           // requests on the common connection
	waits  bool          // it has asked in vain
	first  time.Duration // when it began to do so
	last   time.Duration // when it did so last
	lapses int           // waits in a row that ended because it did not ask
	late   bool          // this wait counts as one of more than CommonWait
	lates  int           // such waits
	since  time.Duration // when counting them began
}

// NewCommon returns a Common for the connections to the brokers of one cluster.
func NewCommon() *Common { return &Common{brokers: make(map[int32]*passengers)} }

// May reports whether a lane may send a request on the common connection to a broker. If not, again
// is when to ask again, or 0 if the lane has waited for long enough.
func (c *Common) May(p routing.Priority, id int32, now time.Duration) (ok bool,
	again time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.at(id)
	l := &at.lanes[p]
	if now < at.muted {
		return false, 0
	}
	if !at.blocks(p, now) {
		l.waits, l.lapses = false, 0
		return true, 0
	}
	if l.wait(now) {
		return false, now + commonAgain
	}
	l.waits, l.lapses = false, 0
	return false, 0
}

// wait notes that a lane has asked in vain. It returns false if it has waited for long enough.
func (l *passenger) wait(now time.Duration) bool {
	if !l.waiting(now) {
		if l.waits {
			l.lapses++
		}
		l.first, l.late = now, false
	}
	l.waits, l.last = true, now
	if now-l.since >= commonSpan {
		l.since, l.lates = now, 0
	}
	waited := now - l.first
	if waited >= CommonWait && !l.late {
		l.late = true
		l.lates++
	}
	return l.lates < commonOften && l.lapses < commonOften && waited < CommonMost
}

// blocks reports whether p would go before a higher lane that waits, or wait behind another one.
func (at *passengers) blocks(p routing.Priority, now time.Duration) bool {
	for i := range at.lanes {
		l, other := &at.lanes[i], routing.Priority(i)
		if other != p && l.aboard > 0 || other > p && l.waiting(now) {
			return true
		}
	}
	return false
}

// waiting reports whether a lane still asks. One whose batch went to another broker does not.
func (l *passenger) waiting(now time.Duration) bool { return l.waits && now-l.last < CommonWait }

// Sent notes that a lane sends a request on the common connection.
func (c *Common) Sent(p routing.Priority, id int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at(id).lanes[p].aboard++
}

// Ended notes that such a request was answered, or was given up.
func (c *Common) Ended(p routing.Priority, id int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at(id).lanes[p].aboard--
}

// Mute notes that an answer on the common connection to a broker throttles it until then (KIP-219).
// A lane that may send meanwhile does so on its own connection.
func (c *Common) Mute(id int32, until time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.at(id)
	at.muted = max(at.muted, until)
}

// Forget frees what is known of a broker that has left the cluster, unless a request is on its way.
func (c *Common) Forget(id int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.at(id).lanes {
		if l.aboard > 0 {
			return
		}
	}
	delete(c.brokers, id)
}

func (c *Common) at(id int32) *passengers {
	at := c.brokers[id]
	if at == nil {
		at = new(passengers)
		c.brokers[id] = at
	}
	return at
}
