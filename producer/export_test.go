package producer

import "time"

// WithWallClock has records stamped by wall in place of time.Now, for tests of jumps.
func WithWallClock(wall func() time.Time) Option {
	return optionFunc(func(o *options) { o.wall = wall })
}

// WithIdleTopic has the tables of topics freed that have had no record for d, in place of ten
// minutes.
func WithIdleTopic(d time.Duration) Option {
	return optionFunc(func(o *options) { o.idle = d })
}
