package delivery

// Books count records. Accepted = Delivered + Shed + Expired + Rejected + PossiblyPersisted +
// Pending, at every instant.
type Books struct {
	Accepted          uint64 // by Send
	Delivered         uint64 // acknowledged by Kafka
	Shed              uint64 // given up before they were written
	Expired           uint64 // not written within their delivery timeout
	Rejected          uint64 // refused by Kafka
	PossiblyPersisted uint64 // written, and not answered in time

	// Pending have no outcome yet. They are counted from the batches that are held, never by
	// subtraction.
	Pending uint64

	// MaybeDuplicated counts accepted records that were written again although an earlier attempt
	// may have succeeded.
	MaybeDuplicated uint64

	// Refused counts records that Send did not accept for lack of room. They are not in Accepted.
	Refused uint64

	lost [reasons]uint64
}

// Lost returns the records that were lost for reason.
func (b *Books) Lost(reason Reason) uint64 { return b.lost[reason] }

// Balanced reports whether every accepted record is accounted for exactly once.
func (b *Books) Balanced() bool {
	return b.Accepted == b.Delivered+b.Shed+b.Expired+b.Rejected+b.PossiblyPersisted+b.Pending
}

// Add adds other to b.
func (b *Books) Add(other *Books) {
	b.Accepted += other.Accepted
	b.Delivered += other.Delivered
	b.Shed += other.Shed
	b.Expired += other.Expired
	b.Rejected += other.Rejected
	b.PossiblyPersisted += other.PossiblyPersisted
	b.Pending += other.Pending
	b.MaybeDuplicated += other.MaybeDuplicated
	b.Refused += other.Refused
	for i := range b.lost {
		b.lost[i] += other.lost[i]
	}
}

// Sub takes other, which was counted in b before, out of it.
func (b *Books) Sub(other *Books) {
	b.Accepted -= other.Accepted
	b.Delivered -= other.Delivered
	b.Shed -= other.Shed
	b.Expired -= other.Expired
	b.Rejected -= other.Rejected
	b.PossiblyPersisted -= other.PossiblyPersisted
	b.Pending -= other.Pending
	b.MaybeDuplicated -= other.MaybeDuplicated
	b.Refused -= other.Refused
	for i := range b.lost {
		b.lost[i] -= other.lost[i]
	}
}

// Settle counts records that were accepted and have an outcome.
func (b *Books) Settle(records uint64, outcome Outcome, reason Reason) {
	b.Accepted += records
	b.Resolve(records, outcome, reason)
}

// Resolve counts the outcome of records that are counted as accepted already.
func (b *Books) Resolve(records uint64, outcome Outcome, reason Reason) {
	switch outcome {
	case Delivered:
		b.Delivered += records
		return
	case Shed:
		b.Shed += records
	case Expired:
		b.Expired += records
	case Rejected:
		b.Rejected += records
	case PossiblyPersisted:
		b.PossiblyPersisted += records
	}
	b.lost[reason] += records
}
