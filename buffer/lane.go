package buffer

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/partitioner"
)

// Errors of Append and of Lane.Topic. Nothing of the record was kept.
var (
	ErrFull          = errors.New("buffer full")
	ErrTooManyTopics = errors.New("too many topics")
	ErrClosed        = errors.New("closed")
)

// Config says how a lane makes batches. All fields up to Outlet are needed, except MaxLinger,
// Codec, LeaderAcks and Reports.
type Config struct {
	Linger          time.Duration // how long an open batch waits for more records
	MaxLinger       time.Duration // the most that the dispatcher may make of that; 0: Linger
	DeliveryTimeout time.Duration // from Send to giving up
	BatchBytes      int           // size of a full batch on the wire, with its header
	Codec           *Codec        // what batches are compressed with; nil: nothing
	LeaderAcks      bool          // acks of the leader alone; the dispatcher looks at it
	MaxTopics       int           // topics at a time
	Reports         bool          // keep what delivery reports need of each record

	// Outlet returns where a new topic is dispatched. It is called under a lock, and must return at
	// once.
	Outlet func(topic string) *Outlet
	// Class is that of the lane in the budget.
	Class int
	// ForKey returns the partition of a key in a topic of so many partitions. Nil means that of
	// partitioner.Sticky. It is called under a lock.
	ForKey func(topic string, key []byte, partitions int32) int32
	// CatchUp is called for every 64th record, so that the clock behind Append's now keeps up. Nil
	// means no call. It is called under a lock, and must return at once.
	CatchUp func()
	// MaxShare returns the part of the lane's ceiling that a new topic may hold, by its name. Zero
	// means no bound. Nil means zero for all.
	MaxShare func(topic string) float64
	// Own returns what a topic has instead of the lane's, by its name; nil: nothing. What it
	// returns must not change. A nil Own means nil for all. It is called under a lock, and must
	// return at once.
	Own func(topic string) *Own
}

// Own are the settings that a topic may have of its own. They are complete: a zero has no special
// meaning. The fields are as in Config.
type Own struct {
	Linger          time.Duration
	MaxLinger       time.Duration
	DeliveryTimeout time.Duration
	BatchBytes      int
	Codec           *Codec
	LeaderAcks      bool
}

// with returns c with the settings of a topic.
func (c *Config) with(own *Own) *Config {
	other := *c
	other.Linger, other.MaxLinger = own.Linger, own.MaxLinger
	other.DeliveryTimeout, other.BatchBytes = own.DeliveryTimeout, own.BatchBytes
	other.Codec, other.LeaderAcks = own.Codec, own.LeaderAcks
	other.complete()
	return &other
}

// complete fills in what may be nil.
func (c *Config) complete() {
	if c.ForKey == nil {
		c.ForKey = partitioner.Sticky{}.ForKey
	}
	if c.CatchUp == nil {
		c.CatchUp = func() {}
	}
	if c.Codec == nil {
		c.Codec = NoCodec
	}
}

// LingerIn returns how long an open batch waits for more records in a lane whose batches wait for
// so long at the moment.
func (c *Config) LingerIn(lane time.Duration) time.Duration {
	return max(c.Linger, min(lane, c.MaxLinger))
}

// Lane holds the topics of one priority. It is safe for concurrent use.
type Lane struct {
	cfg    atomic.Pointer[Config]
	budget *Budget
	pool   *Pool
	index  Index
	order  atomic.Uint64 // of batches, by opening

	largest  atomic.Pointer[Topic] // the largest of the topics that have grown recently
	hog      atomic.Pointer[Topic] // a topic that held more than half while another wanted room
	hogSince atomic.Int64          // monotonic time of that

	mu      sync.Mutex // guards what follows; taken inside the lock of a topic, never the other way
	topics  []*Topic   // all, in the order in which they were made
	own     map[*Own]*Config
	waiting waitList // batches that wait
	closed  bool
	retired delivery.Books // of topics that were freed
}

// NewLane returns an empty lane that takes its memory from budget and pool.
func NewLane(cfg Config, budget *Budget, pool *Pool) *Lane {
	l := &Lane{budget: budget, pool: pool}
	l.Configure(cfg)
	return l
}

// Config returns the configuration of the lane, which must not be changed.
func (l *Lane) Config() *Config { return l.cfg.Load() }

// Configure changes how batches are made from now on, in the topics that there are too. Reports
// must stay as they are.
func (l *Lane) Configure(cfg Config) {
	cfg.complete()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cfg.Store(&cfg)
	l.own = make(map[*Own]*Config)
	for _, t := range l.topics {
		t.cfg.Store(l.configOfLocked(t.name))
	}
}

// configOfLocked returns the configuration of a topic: that of the lane, or one of its own, which
// it shares with all topics that have the same.
func (l *Lane) configOfLocked(topic string) *Config {
	cfg := l.cfg.Load()
	if cfg.Own == nil {
		return cfg
	}
	own := cfg.Own(topic)
	if own == nil {
		return cfg
	}
	if l.own[own] == nil {
		l.own[own] = cfg.with(own)
	}
	return l.own[own]
}

// Find returns the topic called name, or nil. It takes no lock for a topic that has existed for a
// while.
func (l *Lane) Find(name string) *Topic { return l.index.Get(name) }

// Topic returns the topic called name, and makes it if there is none. It returns ErrTooManyTopics,
// ErrFull or ErrClosed. The name is kept. Now is the monotonic time.
func (l *Lane) Topic(name string, now time.Duration) (*Topic, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.index.Get(name); t != nil {
		return t, nil
	}
	switch {
	case l.closed:
		return nil, ErrClosed
	case len(l.topics) >= l.cfg.Load().MaxTopics:
		return nil, ErrTooManyTopics
	}
	if err := l.budget.Reserve(l.cfg.Load().Class, TableBytes(name)); err != nil {
		return nil, err
	}
	t := &Topic{name: name, lane: l, outlet: l.cfg.Load().Outlet(name), last: now, made: time.Now()}
	if share := l.cfg.Load().MaxShare; share != nil {
		t.maxShare = share(name)
	}
	t.unkeyed = source{kind: Unkeyed, partition: -1}
	t.cfg.Store(l.configOfLocked(name))
	l.topics = append(l.topics, t)
	l.index.Put(t)
	return t, nil
}

// topicBytes is the size of a topic without batches, beside its name.
const topicBytes = 1024

// TableBytes returns the bytes that the budget counts for a topic without batches.
func TableBytes(name string) int64 { return topicBytes + int64(len(name)) }

// Topics returns the topics of the lane, in the order in which they were made, and the sum of the
// counts of freed topics.
func (l *Lane) Topics() ([]*Topic, delivery.Books) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.topics), l.retired
}

// Free forgets the topics that hold nothing and have had no record since the monotonic time limit,
// and returns them. Their counts are kept. A later Append to one of them returns ErrClosed although
// the lane is open: its caller then asks for the topic again.
func (l *Lane) Free(limit time.Duration) []*Topic {
	topics, _ := l.Topics()
	freed := slices.DeleteFunc(topics, func(t *Topic) bool { return !t.closeIdle(limit) })
	if len(freed) == 0 {
		return nil
	}
	gone, sum := make(map[*Topic]bool, len(freed)), delivery.Books{}
	for _, t := range freed {
		books := t.Settled() // nobody changes them any more
		sum.Add(&books)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.retired.Add(&sum)
	for _, t := range freed {
		gone[t] = true
		l.budget.Adjust(l.cfg.Load().Class, -TableBytes(t.name))
		l.largest.CompareAndSwap(t, nil)
	}
	l.topics = slices.DeleteFunc(l.topics, func(t *Topic) bool { return gone[t] })
	l.index.Delete(freed...)
	return freed
}

// Close has every later Append refused. When it returns, no Append in progress can still accept a
// record.
func (l *Lane) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	topics, _ := l.Topics()
	for _, t := range topics {
		t.mu.Lock()
		t.closed = true
		t.sealShardsLocked()
		t.mu.Unlock()
	}
}

// Closed reports whether Close was called.
func (l *Lane) Closed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

// Flush makes every open batch ready. It calls w.Done once for each topic, when all that the topic
// held is resolved.
func (l *Lane) Flush(w *Waiter) {
	topics, _ := l.Topics()
	for _, t := range topics {
		t.flush(w)
	}
}

// Drop makes sure that Find does not return t, which was freed.
func (l *Lane) Drop(t *Topic) { l.index.Delete(t) }

// Unflush takes back a Flush whose caller no longer waits.
func (l *Lane) Unflush(w *Waiter) {
	topics, _ := l.Topics()
	for _, t := range topics {
		t.unflush(w)
	}
}

// Waiter waits for batches to be resolved. Make one with NewWaiter.
type Waiter struct {
	left atomic.Int64
	done chan struct{}
}

// NewWaiter returns a waiter for one Done, beside those that Flush adds.
func NewWaiter() *Waiter {
	w := &Waiter{done: make(chan struct{})}
	w.left.Store(1)
	return w
}

func (w *Waiter) add(n int) { w.left.Add(int64(n)) }

// Done counts one thing less to wait for.
func (w *Waiter) Done() {
	if w.left.Add(-1) == 0 {
		close(w.done)
	}
}

// Wait returns a channel that is closed when nothing is left to wait for.
func (w *Waiter) Wait() <-chan struct{} { return w.done }
