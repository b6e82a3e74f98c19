package routing_test

import (
	"fmt"

	"github.com/forebay-go/forebay/routing"
)

// Rules give topics a priority. The exact name goes before patterns, and an earlier pattern before
// a later one. A topic without a rule is medium.
func ExampleTable() {
	table, err := routing.NewTable([]routing.Rule{
		{Topic: "playback.*", Priority: routing.High},
		{Topic: "playback.debug", Priority: routing.Low},
		{Topic: "trace.*", Priority: routing.Low, MaxShare: 0.25},
	})
	if err != nil {
		panic(err)
	}
	for _, topic := range []string{"playback.start", "playback.debug", "trace.http", "signup"} {
		fmt.Println(topic, table.Priority(topic), table.MaxShare(topic))
	}
	// Output:
	// playback.start high 0
	// playback.debug low 0
	// trace.http low 0.25
	// signup medium 0
}

// A fallback may take some topics only, under other names.
func ExampleFallback() {
	shared := routing.Fallback{
		Cluster: "shared",
		Topics:  []string{"playback.*", "signup"},
		Rename:  map[string]string{"signup": "member.signup"},
		Prefix:  "fallback.",
	}
	for _, topic := range []string{"playback.start", "signup", "trace.http"} {
		if shared.Takes(topic) {
			fmt.Println(topic, "goes to", shared.Name(topic))
		} else {
			fmt.Println(topic, "waits for its own cluster")
		}
	}
	// Output:
	// playback.start goes to fallback.playback.start
	// signup goes to member.signup
	// trace.http waits for its own cluster
}

// Priorities are words in flags, files and JSON.
func ExampleParsePriority() {
	priority, err := routing.ParsePriority("high")
	fmt.Println(priority, priority > routing.Low, err)
	_, err = routing.ParsePriority("urgent")
	fmt.Println(err != nil)
	// Output:
	// high true <nil>
	// true
}
