package dispatch

import (
	"hash/maphash"
	"time"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/clock"
)

// Never is a time that does not come. It serves as a setting, as a threshold, and as the time at
// which a Failover is due that waits for nothing but a change.
const Never time.Duration = -1

// Config is what an Engine is made of. All of it is required, but for Reports.
type Config struct {
	Host   Host
	Clock  *clock.Clock
	Log    *zap.Logger // must never wait
	Budget *buffer.Budget
	Pool   *buffer.Pool

	// Idle is how long a topic may be without a record before its table is freed.
	Idle time.Duration
	// Reports has batches kept for Host.Report when they have an outcome.
	Reports bool
}

// Engine is what the lanes of a producer share. It is safe for concurrent use.
type Engine struct {
	host       Host
	clock      *clock.Clock
	log        *zap.Logger
	compressor *compressor
	budget     *buffer.Budget
	pool       *buffer.Pool
	idle       time.Duration
	reports    bool
	teller     teller
	seed       maphash.Seed // by which brokers are chosen
}

// New returns an engine without lanes. It begins no goroutine.
func New(c Config) *Engine {
	return &Engine{
		host: c.Host, clock: c.Clock, log: c.Log, compressor: newCompressor(),
		budget: c.Budget, pool: c.Pool, idle: c.Idle, reports: c.Reports,
		seed: maphash.MakeSeed(),
	}
}

// StopCompressing returns when no waiting batch is being compressed; none will be from then on.
func (e *Engine) StopCompressing() { e.compressor.close() }
