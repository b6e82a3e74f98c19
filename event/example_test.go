package event_test

import (
	"fmt"

	"github.com/forebay-go/forebay/event"
	"github.com/forebay-go/forebay/producertest"
)

// Started is the event of the examples.
type Started struct {
	User  string `json:"user"`
	Title string `json:"title"`
}

func Example() {
	var p producertest.Recorder // in a service: a *producer.Producer
	started, err := event.New(&p, "playback.started", event.JSON[Started](),
		event.KeyBy(func(s Started) string { return s.User }))
	if err != nil {
		panic(err) // an argument or an option is wrong
	}
	if err := started.Send(Started{User: "u7", Title: "t9"}); err != nil {
		fmt.Println(err)
	}
	for _, rec := range p.Records("playback.started") {
		fmt.Printf("%s: %s\n", rec.Key, rec.Value)
	}
	// Output: u7: {"user":"u7","title":"t9"}
}

func ExampleCloudEvents() {
	var p producertest.Recorder
	started, err := event.New(&p, "playback.started", event.JSON[Started](),
		event.CloudEvents(event.Attributes{
			Source: "/playback",
			Type:   "com.example.playback.started",
		}))
	if err != nil {
		panic(err)
	}
	_ = started.Send(Started{User: "u7", Title: "t9"}, event.ID("1"), event.Subject("t9"))
	for _, h := range p.Records()[0].Headers {
		if h.Key != "ce_time" {
			fmt.Printf("%s: %s\n", h.Key, h.Value)
		}
	}
	// Output:
	// ce_specversion: 1.0
	// ce_source: /playback
	// ce_type: com.example.playback.started
	// content-type: application/json
	// ce_id: 1
	// ce_subject: t9
}

func ExampleEvent_SendTombstone() {
	var p producertest.Recorder
	profiles, err := event.New(&p, "profiles", event.JSON[Started]())
	if err != nil {
		panic(err)
	}
	_ = profiles.SendTombstone([]byte("u7"))
	rec := p.Records()[0]
	fmt.Printf("%s %t\n", rec.Key, rec.Value == nil)
	// Output: u7 true
}
