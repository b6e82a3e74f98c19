package producer_test

import (
	"time"

	"github.com/forebay-go/forebay/internal/testhook"
	"github.com/forebay-go/forebay/producer"
)

// withWallClock has records stamped by wall in place of time.Now, for tests of jumps.
func withWallClock(wall func() time.Time) producer.Option {
	return testhook.WithWallClock.(func(func() time.Time) producer.Option)(wall)
}

// withIdleTopic has the tables of topics freed that have had no record for d, in place of ten
// minutes.
func withIdleTopic(d time.Duration) producer.Option {
	return testhook.WithIdleTopic.(func(time.Duration) producer.Option)(d)
}
