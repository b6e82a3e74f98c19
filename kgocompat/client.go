package kgocompat

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forebay-go/forebay/internal/callers"
	"github.com/forebay-go/forebay/producer"
)

// Producer is what a Client sends through. A *producer.Producer has these methods, and so has a
// *producertest.Recorder.
type Producer interface {
	SendFunc(producer.Record, func(producer.Report)) error
	Flush(context.Context) error
	Close(context.Context) (producer.Summary, error)
}

// Client has the methods of a *kgo.Client that produce. Make one with NewClient or Over. It is safe
// for concurrent use.
type Client struct {
	p            Producer
	topic        string // of records that name none
	manual       bool   // Record.Partition is the partition
	closeTimeout time.Duration

	pending pending
	panics  atomic.Uint64

	// held while a promise runs, so that promises run one after the other; never by a caller of
	// Produce
	calls   sync.Mutex
	calling atomic.Bool // a promise runs

	mu      sync.Mutex // guards what follows; not held while a promise runs
	refused []refusal  // whose promises were not called yet
	keeping bool       // a goroutine calls them
}

// NewClient makes a producer.Producer and returns a Client that sends through it. Like
// producer.New, it does no I/O, and fails only if settings are wrong.
//
// If Reports.MaxBytes of cfg is zero, delivery reports are bounded by Buffer.MaxBytes alone, so
// that each promise is called however slow promises are.
func NewClient(cfg producer.Config, opts ...Option) (*Client, error) {
	o := complete(opts)
	if cfg.Reports.MaxBytes == 0 {
		cfg.Reports.MaxBytes = math.MaxInt64
	}
	p, err := producer.New(cfg, o.producer...)
	if err != nil {
		return nil, err
	}
	return newClient(p, o), nil
}

// Over returns a Client that sends through p, which may have other users. Close of the Client
// closes p. Over panics if p is nil.
//
// p drops the reports of records that its callbacks do not take in time (Reports.MaxBytes). The
// promise of such a record is never called. To exclude that, set Reports.MaxBytes to
// Buffer.MaxBytes.
func Over(p Producer, opts ...Option) *Client {
	if p == nil {
		panic("kgocompat: Over needs a producer")
	}
	return newClient(p, complete(opts))
}

func newClient(p Producer, o options) *Client {
	c := &Client{p: p, topic: o.topic, manual: o.manual, closeTimeout: o.closeTimeout}
	c.pending.now.Store(newGeneration(1))
	return c
}

// Producer returns the producer that NewClient made, or that Over was given: for Stats, metrics,
// health and Reconfigure. It is nil if Over was given something else. Reconfigure sets the bound of
// reports as well: change what Config of the producer returns, or promises of slow callers may be
// dropped.
func (c *Client) Producer() *producer.Producer {
	p, _ := c.p.(*producer.Producer)
	return p
}

// Flush sends what waits without letting it linger. It returns nil when the promises of all records
// that were produced before the call have returned. If ctx ends first, the error wraps that of ctx
// and says what the records wait for. A promise that calls Flush waits for outcomes only, not for
// promises.
func (c *Client) Flush(ctx context.Context) error {
	over := c.pending.turn()
	if err := c.p.Flush(ctx); err != nil {
		return err
	}
	if c.inPromise() || await(ctx, over) {
		return nil
	}
	return fmt.Errorf("flush: not all promises have returned: %w", ctx.Err())
}

// Close delivers what waits, for ten seconds at most (WithCloseTimeout), and fails the rest with
// kgo.ErrClientClosed. It closes the producer. Like that of kgo it returns nothing: call Close of
// the producer instead to learn what became of all records. A promise, or a callback of the
// producer, that calls Close does not wait for it. A second call waits for the first.
func (c *Client) Close() {
	if c.inPromise() || c.close() {
		go c.close()
	}
}

// close closes the producer. It reports whether nothing was closed, because a callback has called.
func (c *Client) close() (inCallback bool) {
	ctx, cancel := context.WithTimeout(context.Background(), c.closeTimeout)
	defer cancel()
	over := c.pending.turn()
	if _, err := c.p.Close(ctx); errors.Is(err, producer.ErrInCallback) {
		return true
	}
	await(ctx, over)
	return false
}

// longestPing bounds Ping where its context does not.
const longestPing = 10 * time.Second

// Ping waits until every cluster of the producer answers, until ctx ends, or for ten seconds. The
// error says which clusters do not answer, and why. Nothing depends on it: records that are
// produced earlier wait in the buffer. If Over was given something else than a *producer.Producer,
// Ping returns nil.
func (c *Client) Ping(ctx context.Context) error {
	p, ok := c.p.(interface {
		WaitReady(ctx context.Context, names ...string) error
	})
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, longestPing)
	defer cancel()
	return p.WaitReady(ctx)
}

// BufferedProduceRecords returns the number of records whose promises have not returned, those of
// refused records included.
func (c *Client) BufferedProduceRecords() int64 { return c.pending.records.Load() }

// BufferedProduceBytes returns the bytes of the keys, values and headers of these records. They
// take other amounts of memory: see Stats().HeldBytes of the producer.
func (c *Client) BufferedProduceBytes() int64 { return c.pending.bytes.Load() }

// PromisePanics returns how many promises have panicked or called runtime.Goexit. The promises
// after them are called nonetheless.
func (c *Client) PromisePanics() uint64 { return c.panics.Load() }

var callsPromise = map[string]string{callers.Name((*Client).keep): "a promise"}

// inPromise reports whether a promise of some Client has called its caller, while one of c runs.
func (c *Client) inPromise() bool {
	return c.calling.Load() && callers.Find(callsPromise) != ""
}

// await waits until done is closed, and reports whether it was before ctx ended.
func await(ctx context.Context, done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
	}
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}
