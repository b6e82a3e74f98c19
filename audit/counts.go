package audit

import (
	"fmt"
	"maps"

	"github.com/forebay-go/forebay/delivery"
)

// Counts is the account of some audited records: those of a topic, a bucket, an instance.
type Counts struct {
	Numbered uint64 // records that got a number, as far as the source has stated it

	// What became of them, as their producer knows it.
	Delivered, Shed, Expired, Rejected, PossiblyPersisted uint64
	// Refused counts records for which Send returned an error.
	Refused uint64
	// Unsettled have no outcome yet, or none was stated.
	Unsettled uint64
	// Reasons says why records were not delivered.
	Reasons map[delivery.Reason]uint64 `json:",omitempty"`

	Seen      uint64 // records that readers have seen, each counted once
	Unclaimed uint64 // seen, and their source has not stated yet that it gave their numbers

	// What is open.
	Waiting    uint64 // delivered; readers have not come so far
	Unresolved uint64 // possibly persisted; readers have not come so far
	// Suspect were delivered, readers have gone past them, and nobody has seen them. They are lost,
	// if no statement that is on its way says otherwise.
	Suspect uint64

	// The verdicts.

	// Lost were delivered, readers have gone past them, and they are not in the log.
	Lost uint64
	// Skipped were delivered, and nobody reads them: retention had deleted them before a reader
	// came, or they are older than where readers began (ReaderConfig.Start).
	Skipped uint64
	// Elsewhere were delivered to, or possibly persisted in, another cluster than the one that is
	// read.
	Elsewhere    uint64
	Persisted    uint64 // possibly persisted, and in the log
	NotPersisted uint64 // possibly persisted, and not in the log
	Copies       uint64 // sightings beyond the first of a record
	Explained    uint64 // records seen again that the producer has counted as maybe duplicated
	Unexplained  uint64 // records seen again that it has not
	OutOfOrder   uint64 // records behind a later one of their key
	// Contradicted are in the log, though their producer has called them shed, expired or rejected.
	Contradicted uint64
}

// Add adds other to c.
func (c *Counts) Add(other *Counts) {
	c.Numbered += other.Numbered
	c.Delivered += other.Delivered
	c.Shed += other.Shed
	c.Expired += other.Expired
	c.Rejected += other.Rejected
	c.PossiblyPersisted += other.PossiblyPersisted
	c.Refused += other.Refused
	c.Unsettled += other.Unsettled
	c.Seen += other.Seen
	c.Unclaimed += other.Unclaimed
	c.Waiting += other.Waiting
	c.Unresolved += other.Unresolved
	c.Suspect += other.Suspect
	c.Lost += other.Lost
	c.Skipped += other.Skipped
	c.Elsewhere += other.Elsewhere
	c.Persisted += other.Persisted
	c.NotPersisted += other.NotPersisted
	c.Copies += other.Copies
	c.Explained += other.Explained
	c.Unexplained += other.Unexplained
	c.OutOfOrder += other.OutOfOrder
	c.Contradicted += other.Contradicted
	if c.Reasons == nil {
		c.Reasons = make(map[delivery.Reason]uint64, len(other.Reasons))
	}
	for reason, n := range maps.All(other.Reasons) {
		c.Reasons[reason] += n
	}
}

// Faulty reports whether something was found that must not be: a loss, an unexplained duplicate,
// records out of order, or records in the log that were called lost.
func (c *Counts) Faulty() bool {
	return c.Lost+c.Unexplained+c.OutOfOrder+c.Contradicted > 0
}

// Open returns how many records are not decided.
func (c *Counts) Open() uint64 {
	return c.Waiting + c.Unresolved + c.Suspect + c.Unsettled + c.Unclaimed
}

// Decided returns about how many delivered records it is known whether they are in the log. It is
// not known of those that are skipped or elsewhere.
func (c *Counts) Decided() uint64 {
	return c.Delivered - min(c.Delivered, c.Waiting+c.Suspect+c.Skipped+c.Elsewhere)
}

// Completeness returns the part of the Decided records that is in the log. It is 1 where nothing is
// decided.
func (c *Counts) Completeness() float64 {
	decided := c.Decided()
	if decided == 0 {
		return 1
	}
	return 1 - float64(min(c.Lost, decided))/float64(decided)
}

// Percent writes the completeness as a percentage with four digits. What is not whole is never
// 100.0000, and where nothing is decided it is "-".
func (c *Counts) Percent() string {
	if c.Decided() == 0 {
		return "-"
	}
	text := fmt.Sprintf("%.4f %%", 100*c.Completeness())
	if c.Lost > 0 && text == "100.0000 %" {
		return "99.9999 %"
	}
	return text
}
