// Package testhook lets the tests of module test set what no application may: package producer puts
// its hooks here, as google.golang.org/grpc does in its package internal. A variable has the type
// any, for its real type is one of package producer, which imports this one.
package testhook

// Set once, by package producer while it is initialized.
var (
	// WithWallClock is a func(func() time.Time) producer.Option: records are stamped by that clock
	// in place of time.Now.
	WithWallClock any

	// WithIdleTopic is a func(time.Duration) producer.Option: the table of a topic that had no
	// record for so long is freed, in place of ten minutes.
	WithIdleTopic any
)
