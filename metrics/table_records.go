package metrics

import (
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/producer"
)

// sent returns the metrics of accepted records and their outcomes.
func sent() []Metric {
	return []Metric{{
		Name: "forebay_accepted_records_total", Kind: Counter, Unit: Records,
		Labels:   []string{"priority"},
		Help:     "Records that Send accepted.",
		Question: "How many records are sent?",
		From:     []string{"Priorities.Accepted"},
		read:     byPriority(func(b *producer.Books) uint64 { return b.Accepted }),
	}, {
		Name: "forebay_records_total", Kind: Counter, Unit: Records,
		Labels: []string{"priority", "outcome"},
		Help: "Accepted records that have an outcome: delivered, shed, expired, rejected or " +
			"possibly_persisted.",
		Question: "What became of the records?",
		From: []string{"Priorities.Delivered", "Priorities.Shed", "Priorities.Expired",
			"Priorities.Rejected", "Priorities.PossiblyPersisted"},
		read: func(v *view, emit emit) {
			for priority, books := range v.eachPriority() {
				for outcome, n := range outcomes(&books) {
					emit(float64(n), priority, outcome)
				}
			}
		},
	}, {
		Name: "forebay_lost_records_total", Kind: Counter, Unit: Records,
		Labels:   []string{"priority", "reason"},
		Help:     "Accepted records that were not, or perhaps not, delivered, by reason.",
		Question: "Is anything lost, and why?",
		From:     []string{"Priorities.lost"},
		read: func(v *view, emit emit) {
			for priority, books := range v.eachPriority() {
				for reason := range delivery.Reasons {
					emit(float64(books.Lost(reason)), priority, label(reason.String()))
				}
			}
		},
	}}
}

// refusals returns the metrics of records that Send refused.
func refusals() []Metric {
	return []Metric{{
		Name: "forebay_refused_records_total", Kind: Counter, Unit: Records,
		Labels:   []string{"error"},
		Help:     "Records that Send refused, by error. They do not count as accepted.",
		Question: "Does Send refuse records, and why?",
		From:     []string{"Refused"},
		read: func(v *view, emit emit) {
			for err, n := range v.Refused {
				emit(float64(n), label(err.Error()))
			}
		},
	}, {
		Name: "forebay_no_room_records_total", Kind: Counter, Unit: Records,
		Labels: []string{"priority"},
		Help: "Records that Send refused because the buffer was full. They also count in " +
			"forebay_refused_records_total.",
		Question: "Which priority finds the buffer full?",
		From:     []string{"Priorities.Refused"},
		read:     byPriority(func(b *producer.Books) uint64 { return b.Refused }),
	}}
}

// waiting returns the metrics of records without an outcome, and of possible duplicates.
func waiting() []Metric {
	return []Metric{{
		Name: "forebay_pending_records", Kind: Gauge, Unit: Records,
		Labels:   []string{"priority"},
		Help:     "Accepted records without an outcome yet.",
		Question: "How many records wait?",
		From:     []string{"Priorities.Pending"},
		read:     byPriority(func(b *producer.Books) uint64 { return b.Pending }),
	}, {
		Name: "forebay_oldest_record_age_seconds", Kind: Gauge, Unit: Seconds,
		Labels: []string{"priority"},
		Help: "Age of the oldest record without an outcome, counted from Send; 0 if there is " +
			"none.",
		Question: "How long has the oldest record been waiting?",
		From:     []string{"Lanes.Oldest"},
		read:     byLane(func(l *producer.LaneStats) float64 { return l.Oldest.Seconds() }),
	}, {
		Name: "forebay_maybe_duplicated_records_total", Kind: Counter, Unit: Records,
		Labels: []string{"priority"},
		Help: "Accepted records that were written again although the earlier attempt may have " +
			"succeeded.",
		Question: "How many duplicates may there be?",
		From:     []string{"Priorities.MaybeDuplicated"},
		read:     byPriority(func(b *producer.Books) uint64 { return b.MaybeDuplicated }),
	}}
}

// memory returns the metrics of the buffer and the memory besides.
func memory() []Metric {
	return []Metric{{
		Name: "forebay_buffer_bytes", Kind: Gauge, Unit: Bytes,
		Labels:   []string{"priority"},
		Help:     "Bytes held within the limit Buffer.MaxBytes, by the priority that holds them.",
		Question: "How full is the buffer, and which priority fills it?",
		From:     []string{"Held", "HeldBytes"},
		read: func(v *view, emit emit) {
			for priority, n := range v.Held {
				emit(float64(n), priority.String())
			}
		},
	}, {
		Name: "forebay_buffer_limit_bytes", Kind: Gauge, Unit: Bytes,
		Help:     "The limit Buffer.MaxBytes.",
		Question: "How much may the buffer hold?",
		From:     []string{"MaxBytes"},
		read:     func(v *view, emit emit) { emit(float64(v.MaxBytes)) },
	}, {
		Name: "forebay_overhead_bytes", Kind: Gauge, Unit: Bytes,
		Help: "The most bytes held outside that limit: buffers kept for reuse, and requests " +
			"being written.",
		Question: "How much memory is used besides?",
		From:     []string{"OverheadBytes"},
		read:     func(v *view, emit emit) { emit(float64(v.OverheadBytes)) },
	}, {
		Name: "forebay_shedding", Kind: Gauge, Unit: Condition,
		Labels: []string{"priority"},
		Help: "1 if records were lost or refused within about the last ten seconds because " +
			"the buffer was full, else 0.",
		Question: "Are records being lost because the buffer is full?",
		From:     []string{"Lanes.Shedding"},
		read:     byLane(func(l *producer.LaneStats) float64 { return is(l.Shedding) }),
	}}
}
