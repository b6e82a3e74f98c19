package producer

import (
	"time"

	"github.com/forebay-go/forebay/internal/testhook"
)

func init() {
	testhook.WithWallClock = func(wall func() time.Time) Option {
		return optionFunc(func(o *options) { o.wall = wall })
	}
	testhook.WithIdleTopic = func(d time.Duration) Option {
		return optionFunc(func(o *options) { o.idle = d })
	}
}
