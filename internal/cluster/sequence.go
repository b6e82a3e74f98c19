package cluster

import "math"

// Sequence numbers the records that one producer ID writes to one partition. The broker keeps the
// same state, and finds duplicates by it.
type Sequence struct {
	ID    int64 // -1: batches are not numbered
	Epoch int16
	Next  int32 // of the next record
}

// Unnumbered is the Sequence of a partition to which nothing was written yet, and of batches whose
// duplicates no broker can find.
var Unnumbered = Sequence{ID: -1, Epoch: -1, Next: -1}

// Advance counts records that were appended. 0 follows 2^31-1, even within a batch.
func (s *Sequence) Advance(records int) {
	if s.ID >= 0 {
		s.Next = int32((int64(s.Next) + int64(records)) & math.MaxInt32)
	}
}
