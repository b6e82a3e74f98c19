package producer

import "time"

// WithWallClock has records stamped by wall in place of time.Now, for tests of jumps.
func WithWallClock(wall func() time.Time) Option {
	return optionFunc(func(o *options) { o.wall = wall })
}
