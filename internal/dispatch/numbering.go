package dispatch

import (
	"math/bits"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/cluster"
)

// numbering is how one stream numbers its batches. A broker that has seen the numbers of a batch
// acknowledges another batch with the same numbers without writing it. Numbers that a batch may
// have been written with therefore belong to that batch for good: another batch begins a new
// numbering, which the link has never given to this partition before.
type numbering struct {
	id       int              // which of the link's producer IDs
	next     cluster.Sequence // of the next batch
	lost     bool             // the broker does not follow: whatever comes next begins anew
	owner    *buffer.Batch    // was, or may have been, written with next; nil: no batch was
	unsure   bool             // an attempt of owner was not answered, and may arrive later
	refusals int              // how often in a row the broker has not followed
}

func newNumbering(id int) numbering {
	return numbering{id: id, next: cluster.Unnumbered, lost: true}
}

// fits reports whether b may be written with the next numbers.
func (n *numbering) fits(b *buffer.Batch) bool {
	return !n.lost && (n.owner == nil || n.owner == b)
}

// wrote notes that b was written with the next numbers, or may have been, and whether that was
// answered.
func (n *numbering) wrote(b *buffer.Batch, answered bool) {
	n.owner, n.unsure = b, n.unsure || !answered
}

// advance notes that the batch with the next numbers is in the log.
func (n *numbering) advance(records int) {
	n.next.Advance(records)
	n.owner, n.unsure, n.refusals = nil, false, 0
}

// begin continues with the numbers of a new numbering.
func (n *numbering) begin(next cluster.Sequence) {
	n.next, n.lost, n.owner, n.unsure = next, false, nil, false
}

// What is done after so many refusals in a row. Each later power of two does the last of it again.
const (
	refusalsForID    = 4 // another producer ID
	refusalsForPlain = 8 // no numbers, until another producer ID is granted
)

// refused notes that the broker does not follow the numbers, and returns what to do.
func (n *numbering) refused() cluster.Action {
	n.lost = true
	n.refusals++
	switch {
	case n.refusals < refusalsForID || bits.OnesCount(uint(n.refusals)) != 1:
		return cluster.Renew
	case n.refusals < refusalsForPlain:
		return cluster.NewID
	}
	return cluster.Unnumber
}

// numberer gives batches their numbers, and asks the link for new ones.
type numberer struct{ *core }

// numberable reports whether the next batch of st, whichever it is, can be numbered, or needs no
// number.
func (nu *numberer) numberable(ts *topicState, st *stream) bool {
	n := &st.numbers
	goesOn := !n.lost && (n.owner == nil || n.owner == st.pinned)
	return ts.cfg.LeaderAcks || goesOn && nu.link.Current(n.id, n.next) || nu.link.Available(n.id)
}

// current reports whether b may be written with the numbers that come next. With acks of the leader
// alone batches have none: a new leader that lacks some would refuse what comes after them. Those
// that a batch has been written with before stay with it.
func (nu *numberer) current(ts *topicState, n *numbering, b *buffer.Batch) bool {
	if ts.cfg.LeaderAcks && (n.next.ID < 0 || n.owner != b) {
		return n.next.ID < 0
	}
	return nu.link.Current(n.id, n.next)
}

// renew returns the numbers of a new numbering of st; false: there are none at the moment.
func (nu *numberer) renew(ts *topicState, st *stream) (next cluster.Sequence, ok bool) {
	if ts.cfg.LeaderAcks {
		return cluster.Unnumbered, true
	}
	return nu.link.Renew(st.numbers.id, ts.name, st.id)
}

// number gives b its numbers in st: its own if it was written there before. It returns false if
// there are none at the moment. A batch with an unresolved attempt that cannot keep its numbers
// may be in Kafka twice after this attempt.
func (nu *numberer) number(ts *topicState, st *stream, b *buffer.Batch) bool {
	n := &st.numbers
	if n.fits(b) && nu.current(ts, n, b) {
		if b.History.Unresolved && (n.next.ID < 0 || nu.forgotten(st, b)) {
			ts.t.CountDuplicates(b)
		}
		if n.next.ID < 0 {
			nu.countOvertaken(n)
		}
		return true
	}
	next, ok := nu.renew(ts, st)
	if !ok {
		return false
	}
	if b.History.Unresolved {
		ts.t.CountDuplicates(b)
	}
	if next.ID < 0 || next.ID != n.next.ID {
		nu.countOvertaken(n)
	}
	n.begin(next)
	return true
}

// countOvertaken counts keyed records of an unanswered attempt that may arrive after what is
// written next. No broker will refuse it, because the next numbers have another producer ID, or
// there are none.
func (nu *numberer) countOvertaken(n *numbering) {
	if !n.unsure {
		return
	}
	n.unsure = false
	if b := n.owner; b.Kind() != buffer.Unkeyed {
		nu.counts.orderAtRisk.Add(uint64(b.Records()))
	}
}

// memoryMargin is taken off the time for which a broker remembers a producer: an attempt may
// take that long to arrive.
const memoryMargin = patienceMax

// relied returns how much of the time for which a broker remembers a producer is relied on: half
// of it.
func relied(memory time.Duration) time.Duration {
	return max(0, min(memory/2, memory-memoryMargin))
}

// forgotten reports whether the records of b are so old that the broker of st may not recognize
// b as a duplicate. Brokers go by the highest timestamp of the last batch. If the topic stamps
// records itself, that is the time of the append, which is no earlier than the first Send.
func (nu *numberer) forgotten(st *stream, b *buffer.Batch) bool {
	_, highest := b.Times()
	age := max(time.Since(time.UnixMilli(highest)), nu.engine.clock.Mono()-b.Born())
	return age > relied(nu.cluster.Memory(st.leader.ID))
}
