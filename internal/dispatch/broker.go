package dispatch

import (
	"time"

	"github.com/forebay-go/forebay/internal/cluster"
)

const (
	slotsPerBroker = 2 // requests in flight
	// and at most, to a broker that is far away, when full batches wait
	slotsFar = cluster.Streams
	// a broker takes up to 100 MiB by default, but has to buffer it
	maxRequestBytes = 8 << 20
	firstRequest    = 1 << 20 // until a broker has shown that it can take more

	// A broker is far if the round trip to it takes longer than this. For each step more it gets a
	// request more.
	farAway = 20 * time.Millisecond
	farStep = 4 * time.Millisecond

	// An answer is slow if it took four times the median of its broker, and this.
	slowTimes = 4
	slowLeast = 300 * time.Millisecond
	// An answer with an error is slow in any case if it took this.
	slowFailure = time.Second

	// astrayMax is how long a broker may name itself as the leader of partitions that it does not
	// lead. One that starts does it for a moment; another one that has its address does nothing
	// else.
	astrayMax = time.Second

	// patienceMax is how long an answer is waited for at most, where a broker that answers probes
	// has not taken a request in the usual time: the way to it is narrow.
	patienceMax = 20 * time.Second
)

// brokerState is a broker as one lane sees it.
type brokerState struct {
	Load // what is ready for it, in the poll that is going on

	// in the topic that is polled, how many batches ago that partition was used that was used first
	longest uint64
	// the longest linger of the open batches that are ready for it, because they have lingered, by
	// their acks; -1: none is
	lingered [len(acks)]time.Duration
	alone    bool // no higher lane has sent to it of late
	full     bool // something is ready for it that has to wait for an answer
	usable   bool // by the view
	rank     int  // among the brokers that un-keyed records may keep to
	rack     string
	refuses  codecs        // the compressions that it does not take
	speaks   int16         // the version of produce requests that it answered last
	away     time.Duration // the round trip, by the view
	flying   int           // requests, but for the one aside
	aside    bool          // a request for slow partitions is in flight, on a connection of its own
	ownUntil time.Duration // until when requests do not go on the common connection
	ownFor   time.Duration // how long that is
	fails    int           // in a row
	failed   time.Duration // when the last of them was
	// since when all it says is that it is not the leader, and that this broker is; 0: it does not
	astray   time.Duration
	retryAt  time.Duration
	sizes    sizes         // of the requests that it takes
	patience time.Duration // how long an answer is waited for
	turn     int           // where in active the next request begins
	// where in active the next request aside begins
	asideTurn int
	launches  uint64 // requests so far, but for those aside
	ended     uint64 // of them, when a connection ended last

	// from sending a request to its answer, or from the answer before on that connection if that
	// came later
	serving recent
	taking  recent                      // from sending a request to its answer in any case
	landed  [cluster.Ways]time.Duration // when the last answer came, by the way of the request
	aboard  [cluster.Ways]int           // requests, by way
	width   width
	pressed uint64 // the last pass in which more waited than it takes
}

func newBrokerState(id int32) *brokerState {
	return &brokerState{Load: Load{ID: id}, alone: true,
		sizes: sizes{limit: firstRequest}, patience: cluster.AttemptTimeout, width: width{is: 1}}
}

// free reports whether a request may be sent to b now.
func (b *brokerState) free(pass *pass) bool {
	return b.flying < b.slots() && b.ready(pass)
}

// asideFree reports whether a request for slow partitions may be sent to b now. There is one at
// a time: a broker serves the requests of a connection one after the other, so a second one
// would be charged with the time of the first.
func (b *brokerState) asideFree(pass *pass) bool {
	return !b.aside && b.ready(pass)
}

func (b *brokerState) ready(pass *pass) bool {
	if !b.usable {
		return false
	}
	if b.retryAt > pass.now {
		pass.by(b.retryAt)
		return false
	}
	return true
}

// takes reports whether a request for st may be sent now.
func (b *brokerState) takes(st *stream, pass *pass) bool {
	if st.pace != apace {
		return b.asideFree(pass)
	}
	return b.free(pass)
}

// slots returns how many requests may be in flight. A broker that has just failed gets one at a
// time. A broker that is far away gets as many as fit into one round trip, and one that
// acknowledges late as many as its width takes.
func (b *brokerState) slots() int {
	if !b.alone {
		return max(1, min(b.slotsAlone(), b.slotsByDistance())/2) // not by its width
	}
	return b.slotsAlone()
}

func (b *brokerState) slotsAlone() int {
	if b.fails > 0 {
		return 1
	}
	return max(b.slotsByDistance(), b.width.is*slotsPerBroker)
}

func (b *brokerState) slotsByDistance() int {
	if b.away > farAway {
		return min(slotsPerBroker+int((b.away-farAway)/farStep), slotsFar)
	}
	return slotsPerBroker
}

// streams returns how many streams each of its partitions may use.
func (b *brokerState) streams() int {
	if n := b.slotsByDistance(); n > slotsPerBroker {
		return max(n, b.width.is)
	}
	return b.width.is
}

// late reports whether its answers come late, because it is far away or for another reason.
func (b *brokerState) late() bool { return b.away > farAway || b.width.late }

// emptiest returns the one of its connections with the fewest requests.
func (b *brokerState) emptiest() cluster.Way {
	best := cluster.Own
	for n := range b.width.is {
		if way := cluster.Nth(n); b.aboard[way] < b.aboard[best] {
			best = way
		}
	}
	return best
}

// takesOpen reports whether a request may take batches that are not full. With more requests in
// flight than a near broker needs, full batches gain more.
func (b *brokerState) takesOpen() bool { return b.flying < slotsPerBroker }

// fail notes a failed request. The next waits, longer each time. Requests that were in flight
// together are one failure: they have one reason.
func (b *brokerState) fail(launched, now time.Duration) {
	if b.fails == 0 || launched > b.failed {
		b.fails++
		b.failed = now
	}
	b.retryAt = max(b.retryAt, b.failed+pause(b.fails)) // it may be throttled for longer
}

// strays notes that the broker named itself as the leader of a partition that it does not lead.
// It reports whether that has lasted so long that another broker must have its address.
func (b *brokerState) strays(now time.Duration) bool {
	if b.astray == 0 || now-b.astray > 10*astrayMax { // it was something else then
		b.astray = now
	}
	if now-b.astray < astrayMax {
		return false
	}
	b.astray = 0
	return true
}
