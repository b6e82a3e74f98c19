// Package slog has a handler for log/slog that sends each line as an event to a Kafka topic. Import
// it under another name:
//
//	import (
//		"log/slog"
//
//		forebayslog "github.com/forebay-go/forebay/logs/slog"
//	)
//
//	h, err := forebayslog.New(p, "logs", nil) // p is a *producer.Producer
//	if err != nil {
//		return err
//	}
//	log := slog.New(h)
//
// The value of each record is the line in JSON, with the names and formats of slog.JSONHandler:
//
//	{"time":"2026-01-02T15:04:05.999Z","level":"WARN","msg":"slow","took":1200000000}
//
// The record has no key unless Options.Key gives one. The level decides the priority: when memory
// is full, debug lines make room for errors (Options.Priorities).
//
// # What the logger never sees
//
// A Handler never returns an error, never waits and never panics. A value whose LogValue,
// MarshalJSON or Error panics is written as text. A line that cannot be sent is dropped and
// counted: see Handler.Stats, Options.Drops and package logs, which also describes large lines and
// Forebay's own lines.
//
// A line that was accepted is lost if the program ends before it is delivered. Call Producer.Close
// at the end, as for other records.
//
// # Concurrency
//
// A Handler, and those that WithAttrs and WithGroup return, are safe for concurrent use. They take
// no lock. They start no goroutine, but for each report of drops a short one.
package slog
