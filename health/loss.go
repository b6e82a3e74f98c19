package health

import (
	"fmt"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// loss is a counter that does not grow while all is well.
type loss struct {
	n       uint64
	problem Problem // what to report when it grows
}

// because explains each reason of a loss.
var because = map[delivery.Reason]string{
	delivery.Closed:          "the producer was closed before Kafka took them",
	delivery.DeliveryTimeout: "Kafka did not take them within their delivery timeout",
	delivery.TooLarge:        "they are larger than Kafka allows in their topic",
	delivery.Invalid:         "Kafka found them, or their timestamps, invalid",
	delivery.Unanswered: "they were written, but no answer came within their delivery timeout: " +
		"Kafka may have them",
	delivery.UnansweredClose: "they were written, but the producer was closed before an answer " +
		"came: Kafka may have them",
	delivery.PreemptedByHigh:   "records of high priority needed their memory",
	delivery.PreemptedByMedium: "records of medium priority needed their memory",
	delivery.DroppedOldest:     "the buffer was full, and it is set to keep the newest",
	delivery.OverShare:         "their topic held more of the buffer than it may",
	delivery.SchemaUnknown:     "the ID of their schema was not known in time",
}

// refused lists the errors with which Send refuses records, and what each means, in the order of
// the report.
var refused = []struct {
	err  error
	why  string
	lost bool // a loss, unlike the end that the application chose
}{
	{producer.ErrBufferFull, "the buffer is full", true},
	{producer.ErrTooManyTopics, "more topics are in use than buffer.max_topics", true},
	{producer.ErrRecordTooLarge, "they are larger than batching.max_record_bytes", true},
	{producer.ErrNoRoute, "their priority has no cluster", true},
	{producer.ErrInvalidRecord,
		"the name of their topic is not legal in Kafka, or their partition is negative", true},
	{producer.ErrIntercepted, "an interceptor of the application refused them", true},
	{producer.ErrClosed, "the producer is closed", false},
}

// lossesOf returns all counters of losses, always in the same order: the most important first.
func lossesOf(s *producer.Stats) (all []loss) {
	for _, priority := range routing.All {
		books := s.Priorities[priority]
		for reason := range delivery.Reasons {
			all = append(all, loss{books.Lost(reason), Problem{
				Kind: KindLost, Status: Losing, Priority: priority, Reason: because[reason],
				Text: fmt.Sprintf("records of %v priority were lost", priority),
			}})
		}
	}
	for _, r := range refused {
		problem := Problem{Kind: KindRefused, Status: Impaired, Text: "Send refused records",
			Reason: r.why}
		if r.lost {
			problem.Status = Losing
		}
		all = append(all, loss{s.Refused[r.err], problem})
	}
	callback := func(n uint64, text, reason string) {
		all = append(all, loss{n, Problem{Kind: KindCallback, Status: Impaired, Text: text,
			Reason: reason}})
	}
	callback(s.ReportsDropped, "delivery reports were dropped",
		"the application's callback does not keep up")
	callback(s.ReportPanics, "the application's callback for delivery reports panicked",
		"see the panic in the application's log")
	callback(s.InterceptorPanics, "an interceptor of the application panicked",
		"see the panic in the application's log")
	callback(s.EventsDropped, "events were dropped", "the application's callback does not keep up")
	return all
}
