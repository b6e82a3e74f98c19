// Package zap has a core for zap that sends each line as an event to a Kafka topic. Import it under
// another name:
//
//	import (
//		"go.uber.org/zap"
//
//		forebayzap "github.com/forebay-go/forebay/logs/zap"
//	)
//
//	core, err := forebayzap.New(p, "logs", nil) // p is a *producer.Producer
//	if err != nil {
//		return err
//	}
//	log := zap.New(core, zap.AddCaller())
//
// To log to another place as well, use zapcore.NewTee.
//
// The value of each record is the line in JSON. Time, level and message have the names and formats
// that package logs/slog gives them; Options.Encoder changes that:
//
//	{"level":"WARN","time":"2026-01-02T15:04:05.999Z","msg":"slow","took":1200000000}
//
// The record has no key unless Options.Key gives one. The level decides the priority: when memory
// is full, debug lines make room for errors (Options.Priorities).
//
// # What the logger never sees
//
// A Core never returns an error from Write, never waits there and never panics. A value whose
// method panics is written as text. A line that cannot be sent is dropped and counted: see
// Core.Stats, Options.Drops and package logs, which also describes large lines and Forebay's own
// lines.
//
// A line that was accepted is lost if the program ends before it is delivered. Call Producer.Close
// at the end, as for other records. zap ends the program after a line of level fatal: see
// Options.SyncTimeout.
//
// # Concurrency
//
// A Core, and those that With returns, are safe for concurrent use. They take no lock. They start
// no goroutine, but for each report of drops a short one.
package zap
