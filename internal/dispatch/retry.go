package dispatch

import (
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/forebay-go/forebay/internal/cluster"
)

const (
	retryMin = 20 * time.Millisecond // before a second attempt, where the answer was an error
	retryMax = time.Second

	// throttleMax is how long a broker is left alone at most that asks for it. Quotas rarely ask
	// for more than some seconds; a broker that does mutes the connection by itself, and one that
	// is out of its mind may ask for weeks.
	throttleMax = 30 * time.Second
	// mutedMax is how long nobody uses the common connection at most: kgo has then closed the one
	// that is muted, because it was idle.
	mutedMax = time.Minute
)

// pause returns how long to wait after so many failures in a row: twice as long each time, with
// a jitter of a fifth.
func pause(fails int) time.Duration {
	d := min(retryMin<<min(fails-1, 10), retryMax)
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

func (c *core) failed(it *item, err error) {
	if err != nil && c.ctx.Err() == nil {
		it.ts.lastErr = err
		c.troubles.blame(it, causeOf(err), err)
	}
}

// again has a batch wait for its next attempt: in place if an attempt is unresolved, else
// wherever there is room.
func (c *core) again(it *item) {
	if it.batch.History.Unresolved {
		it.stream.pinned = it.batch
		return
	}
	c.giveBack(it.ts, it.stream, it.batch)
}

// pin has a batch that may have been written wait in its place, to be sent again unchanged.
func (it *item) pin() {
	it.batch.History.Unresolved, it.batch.History.MaybeWritten = true, true
	it.stream.pinned = it.batch
}

// elsewhere has a batch that was not appended wait for any partition that takes it. If the
// broker keeps naming itself as the leader, an old DNS answer has led to another broker, and the
// connection is closed: it would not end by itself.
func (an *answers) elsewhere(it *item, _ cluster.Action, _ error) {
	if b := it.ship.broker; it.attempt.Code == kerr.NotLeaderForPartition.Code &&
		it.attempt.Leader == b.ID && b.strays(an.pass.now) {
		an.link.HangUp(b.ID)
	}
	an.follow(it)
	an.again(it)
}

// follow takes the leader that the broker named (KIP-951). If that leader is not known yet, the
// stream waits for the next view.
func (an *answers) follow(it *item) {
	if leader := an.brokers[it.attempt.Leader]; leader != nil && leader != it.stream.leader &&
		leader.usable {
		it.stream.lead(leader)
	} else if leader == nil && it.attempt.Leader >= 0 {
		it.stream.lead(nil)
	}
	an.cluster.Refresh(it.attempt.Topic)
}

// renew begins a new numbering of the partition. If the broker has refused several in a row, or
// asks for more, the producer ID is dropped, or numbers are given up.
func (an *answers) renew(it *item, action cluster.Action, err error) {
	n := &it.stream.numbers
	switch max(action, n.refused()) {
	case cluster.NewID:
		an.link.Drop(n.id, it.attempt.Sequence)
	case cluster.Unnumber:
		an.link.Refuse(n.id, it.attempt.Sequence, err)
	}
	if it.stream.fails == 1 {
		it.stream.retryAt = 0 // what goes on is paced like any error
	}
	an.recount(it)
	an.giveBack(it.ts, it.stream, it.batch)
}

// damagedMax is how often a damaged batch is sent. Networks and proxies damage a batch now and
// then; a batch that arrives damaged each time was damaged before it was sent.
const damagedMax = 5

// resend sends a damaged batch once more. Brokers before 2.4, and proxies, also call a batch
// with a bad record damaged; its halves have one attempt each.
func (an *answers) resend(it *item, action cluster.Action, err error) {
	if it.batch.History.Damaged++; it.batch.History.Damaged >= damagedMax {
		an.reject(it, action, err)
		return
	}
	an.again(it)
}

// recount counts a batch as maybe duplicated if an attempt is unresolved, because it is sent
// again with other numbers.
func (c *core) recount(it *item) {
	if it.batch.History.Unresolved {
		it.ts.t.CountDuplicates(it.batch)
		it.batch.History.Unresolved = false
	}
}
