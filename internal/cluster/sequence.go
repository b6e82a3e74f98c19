package cluster

import "math"

// Sequence numbers what one producer ID writes to one partition; the broker keeps the same state
// and finds a duplicate by it.
type Sequence struct {
	ID    int64 // -1: batches are not numbered
	Epoch int16
	Next  int32 // of the next record
}

// Unnumbered is the Sequence of a partition that nothing was written to yet, and of batches that no
// broker can find a duplicate of.
var Unnumbered = Sequence{ID: -1, Epoch: -1, Next: -1}

// Advance counts records that were appended. After 2^31-1 comes 0, also in the middle of a batch.
func (s *Sequence) Advance(records int) {
	if s.ID >= 0 {
		s.Next = int32((int64(s.Next) + int64(records)) & math.MaxInt32)
	}
}
