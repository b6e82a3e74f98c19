package dispatch

import (
	"context"
	"errors"
	"net"
	"os"
	"time"
)

const (
	// leastRequest is what no request is kept below. One batch may always go.
	leastRequest = 16 << 10
	// leastLethal is the size below which a request that ends its connection says nothing of sizes:
	// no broker takes so little.
	leastLethal = 64 << 10

	// sureDeaths is how many connections must have ended with a large request, and none with a
	// smaller one, before size is the reason.
	sureDeaths = 2
	// aloneDeaths is the same before the next one has a batch by itself halved, or gives up a
	// record. It is more, because halves have other numbers: if it was the network that cut the
	// connections, and the batch is in the log, its records are there twice.
	aloneDeaths = 6

	// A size that ended connections is tried again after a pause, longer each time.
	sizePause    = 10 * time.Second
	sizePauseMax = time.Hour
)

// sizes is what a broker has shown of how large a request it takes, in bytes on the gate. Brokers
// hang up on what is too large without a word: Kafka above socket.request.max.bytes, Azure Event
// Hubs above 1,046,528 bytes. A connection that just breaks looks the same, so only a rule without
// exception is believed: what was larger ended its connection, twice or more, and what was smaller
// was answered.
type sizes struct {
	limit int // of the next request: doubled by success, halved by a connection that ended with one

	// the largest request on the connection that ended last; 0: none, or it was looked at
	group  int
	lethal int // the smallest such since the last answer; 0: none
	groups int // how many such there were

	// a request of this size ended its connection, and smaller ones were answered; 0: not known
	died    int
	deaths  int // how many connections have ended so
	took    int // the largest request that was answered since died was last forgotten
	probeAt time.Duration
	pause   time.Duration

	// one batch alone has ended a connection: whether a small request is answered is not known
	untested  bool
	said      bool // that requests are kept smaller
	saidAlone bool // that batches are
}

// ended notes that a connection ended with a request of n bytes, or that it had that one too.
func (z *sizes) ended(n int, too bool) {
	if too {
		z.group = max(z.group, n)
		return
	}
	z.look()
	z.group = max(n, 1)
	z.limit = max(min(z.limit, n)/2, leastRequest)
}

// look draws the conclusion from the connection that ended last.
func (z *sizes) look() {
	switch {
	case z.group == 0:
		return
	case z.group <= z.took || z.group < leastLethal:
		// as much was answered: it is not the size, or the broker takes less than before
		z.forget()
	case z.lethal == 0 || z.group < z.lethal:
		z.lethal = z.group
		z.groups++
	default:
		z.groups++
	}
	z.group = 0
}

// answered notes that a request of n bytes was answered.
func (z *sizes) answered(n int, now time.Duration) {
	z.look()
	z.untested = false
	if z.lethal > 0 {
		z.blame(now)
	}
	if z.died > 0 && n >= z.died {
		z.forget()
	}
	z.took = max(z.took, n)
	z.limit = min(2*z.limit, maxRequestBytes)
}

// blame takes the size for the reason why connections ended.
func (z *sizes) blame(now time.Duration) {
	sure := z.sure()
	if z.died == 0 || z.lethal < z.died {
		z.died = z.lethal
	}
	z.deaths += z.groups
	z.lethal, z.groups = 0, 0
	if !sure && z.sure() {
		z.pause = sizePause
		z.probeAt = now + z.pause
	}
}

// forget begins anew: something was answered that should not have been, or the other way round.
func (z *sizes) forget() {
	z.lethal, z.groups, z.died, z.deaths, z.took = 0, 0, 0, 0, 0
}

// narrowed notes that a request was not answered in time.
func (z *sizes) narrowed(least int) { z.limit = max(z.limit/2, least) }

// sure reports whether the broker hangs up on large requests.
func (z *sizes) sure() bool { return z.deaths >= sureDeaths }

// ceiling returns how large the next request may be, but for its first batch.
func (z *sizes) ceiling(now time.Duration) int {
	switch {
	case !z.sure():
		return z.limit
	case now < z.probeAt:
		return min(z.limit, z.took)
	}
	return min(z.limit, 2*z.died)
}

// sent notes that a request of n bytes goes out. One that is larger than those that were answered
// is tried rarely.
func (z *sizes) sent(n int, now time.Duration) {
	if z.sure() && n > z.took && now >= z.probeAt {
		z.pause = min(4*z.pause, sizePauseMax)
		z.probeAt = now + z.pause
	}
}

// tooLarge reports whether a request of n bytes need not be tried.
func (z *sizes) tooLarge(n int, now time.Duration) bool {
	return z.sure() && n >= z.died && now < z.probeAt
}

// hungUp reports whether err says that the broker, or something on the way, has ended a connection.
func hungUp(err error) bool {
	op, dial := errors.AsType[*net.OpError](err)
	switch {
	case err == nil || dial && op.Op == "dial":
		return false
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		errors.Is(err, os.ErrDeadlineExceeded):
		return false
	}
	return !errors.Is(err, net.ErrClosed) // that was us
}
