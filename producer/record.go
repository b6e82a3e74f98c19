package producer

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/routing"
)

// Header is one header of a record. A nil value is null in Kafka.
type Header = buffer.Header

// Record is one event. Send copies it; its memory is the caller's again as soon as Send returns.
type Record struct {
	// Topic is where it goes. It must be a legal name: 1 to 249 letters, digits, '.', '_' and '-'.
	Topic string

	// Key, if it is not nil, decides the partition, as with the Java client, and with it the order:
	// records of one key that one goroutine sends keep their order in a cluster, if they have the
	// same priority and name no Partition. Records of a key with several priorities overtake each
	// other. So they do when Reconfigure gives their topic another priority while some wait: Flush
	// first, or accept it. Stats counts them in OrderAtRisk. A nil key is null in Kafka; an empty
	// one is a key.
	Key []byte

	// Value is what it carries. A nil value is null in Kafka, a tombstone in compacted topics.
	Value []byte

	Headers []Header

	// Timestamp is stored to the millisecond. The zero time means the time of Send. Kafka refuses,
	// by default, what is more than an hour ahead. The delivery timeout has nothing to do with it.
	Timestamp time.Time

	// TTL is how long the record may take from Send to its outcome. It takes the place of the
	// delivery timeout of the priority, and may be shorter or longer. Zero means that timeout. Send
	// refuses less than a millisecond and more than 365 days.
	//
	// A record whose TTL is over expires (ReasonDeliveryTimeout), or is possibly persisted. That is
	// never after the TTL, and at most 1/16 of it before, because a batch expires as a whole. Nor
	// does a record linger for longer than 1/16 of its TTL.
	//
	// Records with TTLs share a batch only if their TTLs differ by at most 1/32. For records
	// without a key a topic has open batches of 16 different TTLs. Records of one partition, chosen
	// or by key, keep their order, so each change of the TTL ends a batch, and the partition gets
	// one batch at a time. If there are many such records, give those that follow each other the
	// same TTL.
	TTL time.Duration

	// Priority chooses the lane. Zero means by rule (Config.Topics), then Medium.
	Priority routing.Priority

	// Partition, made by ToPartition, names the partition. Its zero value lets the key decide, or
	// Forebay where there is no key.
	//
	// Records that one goroutine sends to the same chosen partition keep their order in a cluster,
	// with a key or without. They have no order with records whose partition the key decides, not
	// even for the same key: send all records of a key one way.
	Partition Partition

	// Tag comes back in the record's delivery report. It is not sent.
	Tag uint64

	// Hold, if it is not nil, keeps the record back until Hold.Release.
	Hold *Hold
}

// Check returns the error with which Send refuses the record whatever the settings are: a
// *SendError that wraps ErrInvalidRecord, for an illegal topic name, a negative partition or a TTL
// out of its range. It returns nil for all other records, which Send may still refuse by its
// settings.
func (r *Record) Check() error {
	if hint := r.mistake(); hint != "" {
		return &SendError{Topic: r.Topic, Priority: r.Priority, Hint: hint, Err: ErrInvalidRecord}
	}
	return nil
}

// leastTTL is the shortest TTL. In less time no record reaches Kafka.
const leastTTL = time.Millisecond

// badTTL reports whether the TTL is out of its range.
func (r *Record) badTTL() bool { return r.TTL != 0 && (r.TTL < leastTTL || r.TTL > longest) }

// mistake says what is wrong with the topic, by Kafka's rules, with the partition or with the TTL.
func (r *Record) mistake() string {
	switch name := r.Topic; {
	case r.Partition == negative:
		return "the partition is negative: name one from 0 on, or none"
	case r.badTTL():
		return fmt.Sprintf("the TTL is %v: give it %v to %s, or 0 for the delivery timeout of the "+
			"priority", r.TTL, leastTTL, aYear)
	case name == "":
		return "the topic has no name"
	case name == "." || name == "..":
		return "a topic cannot be called \".\" or \"..\""
	case len(name) > routing.MaxTopicName:
		return "the name of the topic has more than 249 characters"
	case strings.ContainsFunc(name, routing.IllegalInTopic):
		return "the name of the topic has a character other than letters, digits, '.', '_' and '-'"
	}
	return ""
}

// Partition is a partition that the caller chose; make one with ToPartition. The zero value means
// no choice. It is not a number, so that Record{Partition: 3} does not compile. Two Partitions with
// the same number are equal.
type Partition struct {
	code int32 // 0: none; below: the complement of the number; above: a negative one was asked for
}

// negative is a Partition that Send refuses.
var negative = Partition{1}

// ToPartition returns the choice of partition n. A record for a partition that does not exist waits
// for it; Send refuses one for a negative partition.
func ToPartition(n int32) Partition {
	if n < 0 {
		return negative
	}
	return Partition{^n}
}

// Number returns the number of the partition, and whether one was chosen: -1 and false for none, -1
// and true for a negative one.
func (p Partition) Number() (n int32, chosen bool) {
	if p.code >= 0 {
		return -1, p.code > 0
	}
	return ^p.code, true
}

// String returns the number, "any" where none was chosen, and "invalid" for a negative one.
func (p Partition) String() string {
	switch n, chosen := p.Number(); {
	case !chosen:
		return "any"
	case n < 0:
		return "invalid"
	default:
		return strconv.Itoa(int(n))
	}
}

// MarshalText writes what String returns, for JSON and logs.
func (p Partition) MarshalText() ([]byte, error) { return []byte(p.String()), nil }
