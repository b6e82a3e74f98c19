package delivery

import "fmt"

// Outcome is what became of an accepted record. Each record gets exactly one.
type Outcome uint8

// The outcomes.
const (
	// Pending means that the record has no outcome yet.
	Pending Outcome = iota
	// Delivered means that Kafka acknowledged the record.
	Delivered
	// Shed means that the record was given up to make room, or because the producer was closed. It
	// was never written.
	Shed
	// Expired means that the delivery timeout was over before the record was written.
	Expired
	// Rejected means that Kafka refused the record for what it is.
	Rejected
	// PossiblyPersisted means that the record was written, and that no answer came in time: Kafka
	// may have it.
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
