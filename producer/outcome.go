package producer

import (
	"time"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/routing"
)

// Outcome is what became of an accepted record. Each record gets exactly one of these:
//   - Delivered: Kafka acknowledged it.
//   - Shed: it was given up to make room, or at Close, before it was written.
//   - Expired: its delivery timeout was over before it was written.
//   - Rejected: Kafka refused it for what it is.
//   - PossiblyPersisted: it was written, and no answer came in time: Kafka may have it.
type Outcome = delivery.Outcome

// The outcomes; package delivery explains them.
const (
	Delivered         Outcome = delivery.Delivered
	Shed              Outcome = delivery.Shed
	Expired           Outcome = delivery.Expired
	Rejected          Outcome = delivery.Rejected
	PossiblyPersisted Outcome = delivery.PossiblyPersisted
)

// Reason says why a record was not delivered:
//   - ReasonClosed: the producer was closed before Kafka took it.
//   - ReasonDeliveryTimeout: its TTL was over, or without one the delivery timeout of its priority.
//   - ReasonTooLarge: it is larger than its topic allows (max.message.bytes).
//   - ReasonInvalid: Kafka found the record or its timestamp invalid.
//   - ReasonUnanswered: it was written, and not answered within the delivery timeout or TTL.
//   - ReasonUnansweredClose: it was written, and not answered before Close ended.
//   - ReasonPreemptedByHigh, ReasonPreemptedByMedium: a higher priority needed the memory.
//   - ReasonDroppedOldest: its priority was full and keeps the newest records.
//   - ReasonOverShare: its topic held more than its share.
//   - ReasonSchemaUnknown: it was still held back when its time was over; see Hold.
//
// The zero Reason is that of delivered records. String returns it in words.
type Reason = delivery.Reason

// The reasons; package delivery explains them.
const (
	ReasonClosed          Reason = delivery.Closed
	ReasonDeliveryTimeout Reason = delivery.DeliveryTimeout
	ReasonTooLarge        Reason = delivery.TooLarge
	ReasonInvalid         Reason = delivery.Invalid
	ReasonUnanswered      Reason = delivery.Unanswered
	ReasonUnansweredClose Reason = delivery.UnansweredClose
	ReasonSchemaUnknown   Reason = delivery.SchemaUnknown

	// Records with one of these reasons were given up because their memory was needed
	// (Reason.MadeRoom). They were shed, or possibly persisted if an attempt to write them was
	// never answered.
	ReasonPreemptedByHigh   Reason = delivery.PreemptedByHigh
	ReasonPreemptedByMedium Reason = delivery.PreemptedByMedium
	ReasonDroppedOldest     Reason = delivery.DroppedOldest
	ReasonOverShare         Reason = delivery.OverShare
)

// Books count records: accepted = delivered + shed + expired + rejected + possibly persisted +
// pending, at every instant.
type Books = delivery.Books

// Traffic is what went to Kafka, and how.
type Traffic = delivery.Traffic

// Histogram counts records by how long something took.
type Histogram = delivery.Histogram

// HistogramBounds returns the upper bounds of the buckets of a Histogram but for the last, which
// has none. A value that equals a bound belongs to the bucket below it.
func HistogramBounds() []time.Duration { return delivery.HistogramBounds() }

// PathStats is what a priority has sent to a cluster.
type PathStats struct {
	Priority routing.Priority
	Cluster  string
	Traffic
}
