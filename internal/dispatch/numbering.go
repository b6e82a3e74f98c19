package dispatch

import (
	"math/bits"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/cluster"
)

// numbering is how one stream numbers the batches that it writes to its partition. A broker that
// has seen the numbers of a batch acknowledges the next one with these numbers without writing it.
// So the numbers that a batch may have been written with belong to that batch for good: another
// batch begins a new numbering, which the link has never given to this partition before.
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
	return !n.lost &&
		(n.owner == nil || n.owner == b)
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

// begin goes on with the numbers of a new numbering.
func (n *numbering) begin(next cluster.Sequence) {
	n.next, n.lost, n.owner, n.unsure = next, false, nil, false
}

// What is done after so many refusals in a row. Each later power of two does the last of it again.
const (
	refusalsForID    = 4 // another producer ID
	refusalsForPlain = 8 // no numbers, until another producer ID is granted
)

// refused notes that the broker does not follow, and returns what there is to be done.
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

// numberer gives batches their numbers. It asks the link for new ones where a numbering has ended.
type numberer struct{ *core }

// numberable reports whether the next batch of st can be numbered, whichever it is.
func (nu *numberer) numberable(st *stream) bool {
	n := &st.numbers
	goesOn := !n.lost && (n.owner == nil || n.owner == st.pinned)
	return goesOn && nu.link.Current(n.id, n.next) || nu.link.Available(n.id)
}

// number makes sure that b has numbers in st: its own, if it was written there before. It returns
// false if there are none to be had any more. A batch of which an attempt is unresolved, and that
// cannot keep its numbers, may be in Kafka twice after this attempt.
func (nu *numberer) number(ts *topicState, st *stream, b *buffer.Batch) bool {
	n := &st.numbers
	if n.fits(b) && nu.link.Current(n.id, n.next) {
		if b.History.Unresolved && (n.next.ID < 0 || nu.forgotten(st, b)) {
			ts.t.CountDuplicates(b)
		}
		if n.next.ID < 0 {
			nu.countOvertaken(n)
		}
		return true
	}
	next, ok := nu.link.Renew(n.id, ts.name, st.id)
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

// countOvertaken counts records whose attempt was not answered, and may arrive after what is
// written next, for no broker will refuse it: the next numbers are of another producer ID, or there
// are none.
func (nu *numberer) countOvertaken(n *numbering) {
	if !n.unsure {
		return
	}
	n.unsure = false
	if b := n.owner; b.Kind() != buffer.Unkeyed {
		nu.counts.orderAtRisk.Add(uint64(b.Records()))
	}
}

// memoryMargin is what is taken off how long a broker remembers a producer: an attempt may take so
// long until it is there.
const memoryMargin = patienceMax

// relied returns how much is relied on of the time for which a broker remembers a producer: half of
// it.
func relied(memory time.Duration) time.Duration {
	return max(0,
		min(memory/2, memory-memoryMargin))
}

// forgotten reports whether the records of b, which was written to p, are so old that its broker
// may not find a duplicate of it. Brokers go by the highest timestamp of the last batch, which is
// the time of the append where the topic says so: that is no earlier than the first Send.
func (nu *numberer) forgotten(st *stream, b *buffer.Batch) bool {
	_, highest := b.Times()
	age := max(time.Since(time.UnixMilli(highest)), nu.engine.clock.Mono()-b.Born())
	return age > relied(nu.cluster.Memory(st.leader.ID))
}
