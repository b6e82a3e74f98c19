package dispatch

import (
	"math/bits"

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

// numberable reports whether the next batch of p can be numbered, whichever it is.
func (d *dispatcher) numberable(p *partition) bool {
	n := &p.numbers
	goesOn := !n.lost && (n.owner == nil || n.owner == p.pinned)
	return goesOn && d.link.Current(n.id, n.next) || d.link.Available(n.id)
}

// number makes sure that b has numbers in p: its own, if it was written there before. It returns
// false if there are none to be had any more. A batch of which an attempt is unresolved, and that
// cannot keep its numbers, may be in Kafka twice after this attempt.
func (d *dispatcher) number(ts *topicState, p *partition, b *buffer.Batch) bool {
	n := &p.numbers
	if n.fits(b) && d.link.Current(n.id, n.next) {
		if b.History.Unresolved && (n.next.ID < 0 || d.forgotten(p, b)) {
			ts.t.CountDuplicates(b)
		}
		if n.next.ID < 0 {
			d.countOvertaken(n)
		}
		return true
	}
	next, ok := d.link.Renew(n.id, ts.name, p.id)
	if !ok {
		return false
	}
	if b.History.Unresolved {
		ts.t.CountDuplicates(b)
	}
	if next.ID < 0 || next.ID != n.next.ID {
		d.countOvertaken(n)
	}
	n.begin(next)
	return true
}

// countOvertaken counts records whose attempt was not answered, and may arrive after what is
// written next, for no broker will refuse it: the next numbers are of another producer ID, or there
// are none.
func (d *dispatcher) countOvertaken(n *numbering) {
	if !n.unsure {
		return
	}
	n.unsure = false
	if b := n.owner; b.Kind() != buffer.Unkeyed {
		d.counts.orderAtRisk.Add(uint64(b.Records()))
	}
}
