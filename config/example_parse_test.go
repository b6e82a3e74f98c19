package config_test

import (
	"errors"
	"fmt"

	"github.com/forebay-go/forebay/config"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// Settings come from a file, the environment and code; each overrides the one before. Load does the
// same with a path. Without WithEnviron both take the environment of the process.
func ExampleParse() {
	file := []byte(`
clusters:
  events:
    brokers: [kafka-1:9092, kafka-2:9092]
topics:
  - {topic: "playback.*", priority: high}
buffer:
  max_bytes: 128MiB
`)
	cfg, origins, err := config.Parse("forebay.yaml", file,
		config.WithEnviron("FOREBAY_BUFFER_MAX_BYTES=256MiB"),
		config.Override(func(c *producer.Config) { c.ClientID = "player" }))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cfg.Clusters["events"].Brokers[1], "from", origins.Of("clusters.events.brokers"))
	fmt.Println(cfg.Topics[0].Priority == routing.High)
	fmt.Println(cfg.Buffer.MaxBytes>>20, "MiB from", origins.Of("buffer.max_bytes").Variable)
	fmt.Println(cfg.ClientID, origins.Of("client_id").Code)
	// Output:
	// kafka-2:9092 from forebay.yaml:4:5
	// true
	// 256 MiB from FOREBAY_BUFFER_MAX_BYTES
	// player true
}

// The error contains every mistake and where it is.
func ExampleError() {
	file := []byte(`
clusters:
  events: {brokers: [kafka-1:9092]}
bufer:
  max_bytes: 128MiB
batching:
  linger: 10
`)
	_, _, err := config.Parse("forebay.yaml", file)
	if wrong, ok := errors.AsType[*config.Error](err); ok {
		for _, m := range wrong.Mistakes {
			fmt.Printf("line %d: %s\n", m.Origin.Line, m.Field) // m.Text says what to write instead
		}
	}
	// Output:
	// line 4: bufer
	// line 7: batching.linger
}

// Effective lists every setting in force, with its default if it was not set.
func ExampleEffective() {
	file := []byte("clusters: {events: {brokers: [kafka-1:9092]}}")
	cfg, origins, err := config.Parse("forebay.yaml", file)
	if err != nil {
		fmt.Println(err)
		return
	}
	settings, err := config.Effective(cfg, origins)
	for _, s := range settings {
		switch s.Field {
		case "clusters.events.brokers", "batching.linger", "buffer.max_bytes":
			fmt.Println(s.Field, s.Value, s.Origin == config.Origin{})
		}
	}
	fmt.Println(err)
	// Output:
	// clusters.events.brokers [kafka-1:9092] false
	// buffer.max_bytes 64MiB true
	// batching.linger 10ms true
	// <nil>
}
