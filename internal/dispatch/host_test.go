package dispatch

import (
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/clock"
	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/internal/gate"
	"github.com/forebay-go/forebay/routing"
)

// silent is a Host without lanes that hears nothing.
type silent struct{}

func (silent) Settings(routing.Priority) *Settings { return new(Settings) }
func (silent) Lanes(func(*Lane) bool)              {}
func (silent) Freed([]*buffer.Topic)               {}
func (silent) Lost()                               {}
func (silent) Report(Verdict)                      {}
func (silent) Event(Event)                         {}

func newTestEngine(t *testing.T, log *zap.Logger) *Engine {
	c := clock.New(time.Now)
	t.Cleanup(c.Stop)
	return New(Config{Host: silent{}, Clock: c, Log: log,
		Budget: buffer.NewBudget(1 << 20), Pool: buffer.NewPool(1<<10, 1<<20), Idle: time.Minute})
}

// newTestLane returns a lane that no dispatcher looks at.
func newTestLane() *buffer.Lane {
	return buffer.NewLane(buffer.Config{BatchBytes: 1 << 10, MaxTopics: 1,
		DeliveryTimeout: time.Hour,
		Outlet:          func(string) *buffer.Outlet { return buffer.NewOutlet() }},
		buffer.NewBudget(1<<20), buffer.NewPool(1<<10, 1<<20))
}

// newTestCore returns the core of a dispatcher that sends to c, and does not run.
func newTestCore(t *testing.T, c *cluster.Cluster, log *zap.Logger) *core {
	e := newTestEngine(t, log)
	return newCore(&Lane{engine: e, Priority: routing.Medium, Buffer: newTestLane()}, NewSite(c, 0, gate.Shares{}),
		routing.Fallback{})
}
