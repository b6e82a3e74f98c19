package delivery

import "fmt"

// Reason says why a record was not delivered.
type Reason uint8

// The reasons. producer has them with the prefix Reason, as in producer.ReasonClosed.
const (
	// None is the reason of records that were delivered.
	None Reason = iota
	// Closed means that the producer was closed before Kafka took the record.
	Closed
	// DeliveryTimeout means that the TTL of the record was over, or without one the delivery
	// timeout of its topic or priority.
	DeliveryTimeout
	// TooLarge means that the record is larger than its topic allows (max.message.bytes).
	TooLarge
	// Invalid means that Kafka found the record or its timestamp invalid.
	Invalid
	// Unanswered means that the record was written, and that the delivery timeout was over before
	// an answer came.
	Unanswered
	// UnansweredClose means that the record was written, and that the producer was closed before an
	// answer came.
	UnansweredClose
	// PreemptedByHigh means that a record of high priority needed the memory.
	PreemptedByHigh
	// PreemptedByMedium means that a record of medium priority needed the memory.
	PreemptedByMedium
	// DroppedOldest means that the priority was full, and that its overflow setting keeps the
	// newest records.
	DroppedOldest
	// OverShare means that the topic held more than its share, or more than half of what its
	// priority may hold while another topic wanted room.
	OverShare
	// SchemaUnknown means that the record was still held back when its delivery timeout was over,
	// or when the producer was closed: the ID of its schema was not known by then.
	SchemaUnknown
	reasons
)

// String returns the reason in words.
func (r Reason) String() string {
	names := [...]string{"", "closed", "delivery timeout", "too large", "invalid",
		"unanswered at delivery timeout", "unanswered at close",
		"preempted by high", "preempted by medium", "dropped oldest", "topic over its share",
		"schema unknown"}
	if int(r) < len(names) {
		return names[r]
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}

// MarshalText writes the words of String, for JSON and logs.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// MadeRoom reports whether r means that records were given up because their memory was needed.
// Reports of such records do not carry them.
func (r Reason) MadeRoom() bool { return r >= PreemptedByHigh && r <= OverShare }

// Reasons calls yield for each reason that a loss can have.
func Reasons(yield func(Reason) bool) {
	for r := None + 1; r < reasons; r++ {
		if !yield(r) {
			return
		}
	}
}
