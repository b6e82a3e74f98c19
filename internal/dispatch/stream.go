package dispatch

import (
	"time"

	"github.com/forebay-go/forebay/buffer"
)

// idle reports whether p may be given a batch, as far as p itself is concerned.
func (st *stream) idle(pass *pass) bool {
	if st.flying != nil || st.leader == nil {
		return false
	}
	if st.retryAt > pass.now {
		pass.by(st.retryAt)
		return false
	}
	return true
}

// stream is one partition of a topic, as one lane writes to it: one batch at a time, numbered
// without a gap. Where the broker is far away, batches without keys have further streams to the
// same partition, each with a producer ID of its own: to the broker they are other producers, so
// that no stream depends on another.
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

// lead notes who leads p now. With a new leader, what the old one could not do is tried at once.
func (st *stream) lead(leader *brokerState) {
	if st.leader == leader {
		return
	}
	st.leader = leader
	if st.fails <= 1 { // two brokers that name each other are tried no faster than one that fails
		st.retryAt = 0
	}
}

// fail notes that an attempt failed: the next one waits, longer each time.
func (st *stream) fail(now time.Duration) {
	st.fails++
	st.retryAt = now + pause(st.fails)
}
