package dispatch

import (
	"time"

	"github.com/forebay-go/forebay/buffer"
)

// idle reports whether st itself may be given a batch.
func (st *stream) idle(pass *pass) bool {
	if st.flying != nil || st.leader == nil {
		return false
	}
	if st.spare() {
		return false
	}
	if st.retryAt > pass.now {
		pass.by(st.retryAt)
		return false
	}
	return true
}

// spare reports whether st is more than its leader takes to a partition at the moment.
func (st *stream) spare() bool {
	return st.number > 0 && st.number >= st.leader.streams() && st.pinned == nil
}

// stream is one numbered flow of batches to a partition: one batch at a time, numbered without a
// gap. If the broker is far away, or acknowledges late, batches without keys get more streams to
// the same partition.
// Each has a producer ID of its own. The broker takes them for different producers, so no stream
// depends on another.
type stream struct {
	id         int32
	number     int          // 0 for the one that takes keyed batches too
	leader     *brokerState // nil: none
	numbers    numbering
	flying     *item         // the batch in flight
	pinned     *buffer.Batch // written and not answered: it goes before all else, and as it was
	pace       int           // apace, slow, or that it may be slow and travels with so many at most
	avoidUntil time.Duration // until when batches that may go elsewhere do: it is slow
	fails      int           // in a row
	retryAt    time.Duration
	why        *failure // of the last attempt; nil if it has succeeded
	used       uint64   // tick of the picker when it was used last

	leaderlessSince time.Duration
}

// triable reports whether neither st nor its leader has to rest after a failure, and st has no
// batch that goes before all else.
func (st *stream) triable(now time.Duration) bool {
	return st.leader != nil && st.leader.usable && st.leader.retryAt <= now && st.retryAt <= now &&
		st.pinned == nil
}

// lead sets the leader of st. A new leader is tried at once.
func (st *stream) lead(leader *brokerState) {
	if st.leader == leader {
		return
	}
	st.leader = leader
	if st.fails <= 1 { // two brokers that name each other are tried no faster than one that fails
		st.retryAt = 0
	}
}

// fail notes a failed attempt. The next attempt waits, longer each time.
func (st *stream) fail(now time.Duration) {
	st.fails++
	st.retryAt = now + pause(st.fails)
}
