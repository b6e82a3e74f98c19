package dispatch

import (
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/partitioner"
	"github.com/forebay-go/forebay/routing"
)

// Host is the producer, as the engine sees it. Its methods are called by dispatchers and must
// neither wait nor do I/O.
type Host interface {
	// Settings returns the settings of a priority that are in force. They are not changed later.
	Settings(routing.Priority) *Settings
	// Lanes ranges over the lanes of the producer.
	Lanes(yield func(*Lane) bool)
	// Freed is called with topics whose tables were freed.
	Freed([]*buffer.Topic)
	// Lost is called when records were lost.
	Lost()
	// Report takes the outcome of a batch, and its memory with it. It is called only if
	// Config.Reports is set, or if a record of the batch has a Call.
	Report(Verdict)
	// Event is called when something changes that an application may want to watch.
	Event(Event)
}

// Settings are those of one lane. What a topic may have of its own is in the configuration of its
// buffer.Topic.
type Settings struct {
	Linger    time.Duration // how long an open batch waits for more records
	MaxLinger time.Duration // and where records are few; 0: no longer
	// until an unanswered un-keyed batch moves; Never: it does not
	MoveUnresolvedAfter time.Duration
	Thresholds          Thresholds // of fallback and return

	BatchBytes  int    // the most that a batch may hold, unless its topic says otherwise
	BufferBytes int64  // the most that all lanes may hold
	Rack        string // the zone of the program; empty: none

	// Partitioner chooses the partitions of un-keyed batches; nil: any will do.
	Partitioner partitioner.Partitioner
}

// Verdict is the outcome of a batch, from which the reports of its records are made.
type Verdict struct {
	Batch     *buffer.Batch
	Outcome   delivery.Outcome
	Reason    delivery.Reason
	Err       error // why it was not delivered, as far as that is known
	Priority  routing.Priority
	Cluster   string
	Partition int32         // -1: it had none
	Offset    int64         // of its first record; -1: not known
	At        time.Duration // monotonic time of the outcome
}

// EventKind says what has changed.
type EventKind uint8

// The kinds of events.
const (
	FellBackTo    EventKind = iota // a lane goes to a cluster that is later in its order
	ReturnedTo                     // a lane goes to a cluster that is earlier in its order
	Repartitioned                  // a topic with keyed records has another number of partitions
	TroubleBegan                   // records wait although their cluster answers
	TroubleOver                    // they do not wait for that any more
)

// Event is a change that an application may want to watch.
type Event struct {
	At       time.Time // when it happened; zero: now
	Kind     EventKind
	Priority routing.Priority
	Cluster  string // that the lane goes to, or that the topic or the trouble is in
	From     string // the cluster that the lane went to before
	Topic    string
	Reason   string
}
