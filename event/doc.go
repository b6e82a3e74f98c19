// Package event sends typed events: values of a Go type, encoded, to one topic.
//
//	started, err := event.New(p, "playback.started", event.JSON[Started]())
//	if err != nil {
//		return err // an argument or an option is wrong
//	}
//	err = started.Send(Started{User: "u7", Title: "t9"})
//
// An [Event] is made once, for example when a service starts, and is safe for concurrent use. The
// sender p is a *producer.Producer, or a *producertest.Recorder in tests. Errors of Send are those
// of the producer, and [ErrEncode].
//
// # Keys
//
// [KeyBy] takes the key from each event, so that no caller can forget it. [Key] and [KeyString]
// give it for one event:
//
//	event.New(p, "playback.started", event.JSON[Started](),
//		event.KeyBy(func(s Started) string { return s.User }))
//
// [Event.SendTombstone] deletes a key from a compacted topic. An event that is nil is refused, and
// never becomes a tombstone.
//
// # Codecs
//
// [JSON] is in this package. Packages event/protobuf and event/avro are modules of their own:
// go get them too. So is event/registry, which puts the ID of a schema in front of what another
// codec writes. Anything else that has the two methods of [Codec] is a codec.
//
// A codec that fails or panics makes Send refuse that event with ErrEncode. Nothing is sent then,
// and [Event.Stats] counts it. Watch that figure: such an event fails again whenever it is sent. A
// value that contains itself is such a failure for JSON. The libraries for Avro and Protobuf follow
// it until the stack overflows, which ends the process, as Go lets nobody recover from that.
//
// # CloudEvents
//
// With the option [CloudEvents] each record has the attributes of CloudEvents 1.0 in its headers,
// as the official SDKs write and read them:
//
//	event.New(p, "playback.started", event.JSON[Started](), event.CloudEvents(event.Attributes{
//		Source: "/playback",
//		Type:   "com.example.playback.started",
//	}))
//
// # Options
//
// Every option of Send except [ID] and [At] may be given to New too, as the default of all events:
// event.Priority(routing.High), for example.
//
// # Cost
//
// Send encodes into memory that is used again, and allocates nothing of its own. Memory that one
// giant event has needed is not kept for small ones.
//
// # Testing
//
// Give New a *producertest.Recorder: it keeps the records. Decode their values to compare events.
package event
