package health

import (
	"fmt"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// loss is one of the counters that should stand still.
type loss struct {
	n       uint64
	problem Problem // what it is when it does not
}

// because says in words what the reasons of losses mean.
var because = map[delivery.Reason]string{
	delivery.Closed:          "the producer was closed before Kafka took them",
	delivery.DeliveryTimeout: "Kafka did not take them within their delivery timeout",
	delivery.TooLarge:        "they are larger than Kafka allows in their topic",
	delivery.Invalid:         "Kafka found them, or their timestamps, invalid",
	delivery.Unanswered: "they were written, and nobody answered within their delivery " +
		"timeout: Kafka may have them",
	delivery.UnansweredClose: "they were written, and the producer was closed before an answer " +
		"came: Kafka may have them",
	delivery.PreemptedByHigh:   "records of high priority needed their memory",
	delivery.PreemptedByMedium: "records of medium priority needed their memory",
	delivery.DroppedOldest:     "the buffer is full, and the newest are to be kept",
	delivery.OverShare:         "their topic held more of the buffer than it may",
}

// refused are the errors for which Send refuses records, in the order in which they are told, and
// what each means.
var refused = []struct {
	err  error
	why  string
	lost bool // it is a loss, not the application's own end
}{
	{producer.ErrBufferFull, "the buffer is full", true},
	{producer.ErrTooManyTopics, "more topics are in use than buffer.max_topics", true},
	{producer.ErrRecordTooLarge, "they are larger than batching.max_record_bytes", true},
	{producer.ErrNoRoute, "there is no cluster for their priority", true},
	{producer.ErrInvalidRecord,
		"the name of their topic is not legal in Kafka, or their partition is negative", true},
	{producer.ErrClosed, "the producer is closed", false},
}

// lossesOf returns all counters that should stand still, always in the same order, those that
// matter most first.
func lossesOf(s *producer.Stats) (all []loss) {
	for _, priority := range routing.All {
		books := s.Priorities[priority]
		for reason := range delivery.Reasons {
			all = append(all, loss{books.Lost(reason), Problem{
				Kind: KindLost, Status: Losing, Priority: priority, Text: fmt.Sprintf("records "+
					"of %v priority were lost", priority), Reason: because[reason],
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
		"the application's callback does not take them")
	callback(s.ReportPanics, "the application's callback for delivery reports panicked",
		"its log has the panic")
	callback(s.EventsDropped, "events were dropped",
		"the application's callback does not take them")
	return all
}
