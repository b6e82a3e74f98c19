package buffer

import "fmt"

// Outcome is what became of an accepted record. Each has exactly one.
type Outcome uint8

// The outcomes.
const (
	Pending   Outcome = iota // none yet
	Delivered                // acknowledged by Kafka
	// given up to make room, or because the producer was closed; never written
	Shed
	Expired  // not delivered within its delivery timeout; never written
	Rejected // refused by Kafka for what it is
	// written and never answered when its time was up: Kafka may have it
	PossiblyPersisted
	outcomes
)

// String returns the outcome in words.
func (o Outcome) String() string {
	names := [...]string{"pending", "delivered", "shed", "expired", "rejected",
		"possibly persisted"}
	if int(o) < len(names) {
		return names[o]
	}
	return fmt.Sprintf("outcome(%d)", uint8(o))
}

// MarshalText writes the words of String, for JSON and logs.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Reason says why a record was not delivered.
type Reason uint8

// The reasons.
const (
	None              Reason = iota
	Closed                   // the producer was closed before Kafka took it
	DeliveryTimeout          // its delivery timeout was over
	TooLarge                 // larger than Kafka allows in its topic
	Invalid                  // Kafka found the record or its timestamp invalid
	Unanswered               // written, and its delivery timeout was over before an answer came
	UnansweredClose          // written, and the producer was closed before an answer came
	PreemptedByHigh          // high needed the memory
	PreemptedByMedium        // medium needed the memory
	DroppedOldest            // its lane was full and is to keep what is newest
	// its topic held more than it may, or more than half while another topic wanted room
	OverShare
	reasons
)

// String returns the reason in words.
func (r Reason) String() string {
	names := [...]string{"", "closed", "delivery timeout", "too large", "invalid",
		"unanswered at delivery timeout", "unanswered at close",
		"preempted by high", "preempted by medium", "dropped oldest", "topic over its share"}
	if int(r) < len(names) {
		return names[r]
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}

// MarshalText writes the words of String, for JSON and logs.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// MadeRoom reports whether r means that records were given up because their memory was needed.
// Their reports do not have them.
func (r Reason) MadeRoom() bool { return r >= PreemptedByHigh && r <= OverShare }

// Reasons calls yield for each reason that a loss can have.
func Reasons(yield func(Reason) bool) {
	for r := None + 1; r < reasons; r++ {
		if !yield(r) {
			return
		}
	}
}

// Books count records. Accepted = Delivered + Shed + Expired + Rejected + PossiblyPersisted +
// Pending, at every instant.
type Books struct {
	Accepted          uint64
	Delivered         uint64
	Shed              uint64
	Expired           uint64
	Rejected          uint64
	PossiblyPersisted uint64
	// of the batches that are held: counted with the list of them, never by subtraction
	Pending uint64

	// of the accepted: written again where the earlier attempt could not be ruled out
	MaybeDuplicated uint64
	Refused         uint64 // not accepted, for lack of room

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
	b.resolve(records, outcome, reason)
}

func (b *Books) resolve(records uint64, outcome Outcome, reason Reason) {
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
