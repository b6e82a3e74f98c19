package audit

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forebay-go/forebay/internal/filler"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// Load is traffic that an agent makes for one topic.
type Load struct {
	// Topic is where the records go. Required.
	Topic string `yaml:"topic"`

	// RecordsPerSecond is the rate. Required. It does not depend on Kafka: a record that is late is
	// sent at once, and its header has the time at which it was due. A rate above a million is
	// rejected.
	RecordsPerSecond float64 `yaml:"records_per_second"`

	// Bytes is the length of a value. The default is 100. More than a MiB is rejected.
	Bytes int `yaml:"bytes"`

	// Keys is the number of different keys. The default, 0, sends records without a key.
	Keys int `yaml:"keys"`

	// Priority is that of the records. The default is by the rules of the settings.
	Priority routing.Priority `yaml:"priority"`
}

func (l *Load) complete() error {
	var wrong []error
	if err := legal(l.Topic); err != nil {
		wrong = append(wrong, fmt.Errorf("topic: %w", err))
	}
	if !(l.RecordsPerSecond > 0 && l.RecordsPerSecond <= 1e6) {
		wrong = append(wrong, fmt.Errorf("records_per_second: %v: write a rate of up to 1000000",
			l.RecordsPerSecond))
	}
	if l.Bytes == 0 {
		l.Bytes = 100
	}
	if l.Bytes < 0 || l.Bytes > 1<<20 {
		wrong = append(wrong, fmt.Errorf("bytes: %d: write 1 to %d", l.Bytes, 1<<20))
	}
	if l.Keys < 0 || l.Keys > 1_000_000 {
		wrong = append(wrong, fmt.Errorf("keys: %d: write 0 to 1000000", l.Keys))
	}
	return errors.Join(wrong...)
}

// LoadStats is what a load has done.
type LoadStats struct {
	Topic    string
	Sent     uint64 // calls of Send
	Refused  uint64 // those that returned an error
	LastFail string `json:",omitempty"` // the newest error
	// Late is how far the load is behind its rate, because the machine is too slow for it.
	Late time.Duration `json:"-"`
}

// runningLoad is a load and what it has done.
type runningLoad struct {
	Load
	sent, refused atomic.Uint64
	late          atomic.Int64

	mu   sync.Mutex // guards what follows
	fail string
}

// run sends records until ctx ends. Only this goroutine sends records of the topic.
func (l *runningLoad) run(ctx context.Context, sender producer.Sender) {
	begin := time.Now()
	value := make([]byte, l.Bytes)
	var key []byte
	for i := uint64(0); ; i++ {
		due := begin.Add(time.Duration(float64(i) / l.RecordsPerSecond * float64(time.Second)))
		late := time.Since(due)
		if late < 0 {
			sleep(ctx, -late)
			late = 0
		}
		if ctx.Err() != nil {
			return
		}
		l.late.Store(int64(late))
		filler.Fill(value, i)
		rec := producer.Record{Topic: l.Topic, Value: value, Timestamp: due, Priority: l.Priority}
		if l.Keys > 0 {
			key = strconv.AppendUint(append(key[:0], "key-"...), i%uint64(l.Keys), 10)
			rec.Key = key
		}
		l.sent.Add(1)
		if err := sender.Send(rec); err != nil {
			l.refused.Add(1)
			l.mu.Lock()
			l.fail = err.Error()
			l.mu.Unlock()
		}
	}
}

func (l *runningLoad) stats() LoadStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return LoadStats{Topic: l.Topic, Sent: l.sent.Load(), Refused: l.refused.Load(),
		LastFail: l.fail, Late: time.Duration(l.late.Load())}
}
