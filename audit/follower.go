package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// Follower reads the statement topic from its beginning, and keeps a ledger of it.
type Follower struct {
	topic  string
	ledger *Ledger
	client *kgo.Client
	log    *zap.Logger
	cancel context.CancelFunc
	done   chan struct{}   // closed when the goroutine has ended
	wrong  bool            // a record that is no statement was logged; belongs to the goroutine
	old    map[int32]int64 // belongs to the goroutine: by partition, the end when it began

	mu      sync.Mutex // guards what follows
	next    map[int32]int64
	moved   chan struct{} // closed, and replaced, when next has changed
	failure error         // of the newest poll
	warned  time.Time     // when a failure was last logged
}

// Follow begins to read topic, with a client of its own. opts are those of kgo that say where Kafka
// is, such as kgo.SeedBrokers, and how to log in. It fails only if they are wrong in themselves.
// Log lines go to log, unless that is nil. Close ends it.
func Follow(topic string, log *zap.Logger, opts ...kgo.Opt) (*Follower, error) {
	if log == nil {
		log = zap.NewNop()
	}
	client, err := newClient(opts, kgo.ConsumeTopics(topic),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(500*time.Millisecond),
		kgo.KeepRetryableFetchErrors())
	if err != nil {
		return nil, fmt.Errorf("follow %q: %w", topic, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &Follower{topic: topic, ledger: NewLedger(), client: client, log: log, cancel: cancel,
		done: make(chan struct{}), old: make(map[int32]int64), next: make(map[int32]int64),
		moved: make(chan struct{})}
	go f.follow(ctx)
	return f, nil
}

// Ledger returns the ledger, which grows as long as the follower runs.
func (f *Follower) Ledger() *Ledger { return f.ledger }

// Close ends the follower. The ledger stays as it is.
func (f *Follower) Close() {
	f.cancel()
	<-f.done
	f.client.Close()
}

func (f *Follower) follow(ctx context.Context) {
	defer close(f.done)
	began := time.Now()
	judged := began
	for ctx.Err() == nil {
		poll, cancel := context.WithTimeout(ctx, time.Second)
		fetches := f.client.PollFetches(poll)
		cancel()
		f.take(fetches)
		if now := time.Now(); now.Sub(judged) >= time.Second {
			judged = now
			f.ledger.Judge(now, false)
			// not by a clock that is set anew
			f.ledger.Forget(BucketOf(began.Add(now.Sub(began) - Horizon)))
		}
	}
}

// Horizon is how long the ledger of a follower remembers a bucket.
const Horizon = 48 * time.Hour

// take adds what was fetched to the ledger.
func (f *Follower) take(fetches kgo.Fetches) {
	now := time.Now()
	var failure error
	eachFailure(fetches, func(_ string, partition int32, err error) {
		failure = err // partition -1 is the topic as a whole
		if partition >= 0 {
			failure = fmt.Errorf("partition %d: %w", partition, err)
		}
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			failure = fmt.Errorf("create the topic with \"forebay audit init\": %w", failure)
		}
	})
	next := make(map[int32]int64)
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if _, began := f.old[p.Partition]; !began && p.Err == nil {
			f.old[p.Partition] = p.HighWatermark
		}
		for _, r := range p.Records {
			next[r.Partition] = r.Offset + 1
			at := hearing{now: now, said: now, old: r.Offset < f.old[p.Partition]}
			if at.old && r.Timestamp.Before(now) {
				at.said = r.Timestamp // who said it may be dead
			}
			if err := f.ledger.add(r.Value, at); err != nil && !f.wrong {
				f.wrong = true
				f.log.Warn("record of the statement topic is no statement; this is said once",
					zap.String("topic", r.Topic), zap.Int32("partition", r.Partition),
					zap.Int64("offset", r.Offset), zap.Error(err))
			}
		}
	})
	if f.move(next, failure) {
		f.log.Warn("statement topic cannot be read", zap.String("topic", f.topic),
			zap.Error(failure))
	}
}

// warnEvery is the shortest time between two log lines about a statement topic that cannot be
// read. Polls that time out between two failures say nothing about it.
const warnEvery = time.Minute

// move notes how far the follower is, and reports whether to log the failure of the newest poll.
func (f *Follower) move(next map[int32]int64, failure error) (warn bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if warn = failure != nil && time.Since(f.warned) >= warnEvery; warn {
		f.warned = time.Now()
	}
	f.failure = failure
	if len(next) == 0 {
		return warn
	}
	for partition, offset := range next {
		f.next[partition] = offset
	}
	close(f.moved)
	f.moved = make(chan struct{})
	return warn
}

// CatchUp waits until the ledger has all that was in the statement topic when it was called, or
// until ctx ends. A topic that does not exist has nothing. A partition without a leader is waited
// for.
func (f *Follower) CatchUp(ctx context.Context) error {
	starts, ends, err := f.span(ctx)
	for err != nil {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return f.behind(fmt.Errorf("%w: %w", ctx.Err(), err))
		}
		var failure error
		if starts, ends, failure = f.span(ctx); failure == nil || ctx.Err() == nil {
			err = failure // else it was cut off, and says nothing
		}
	}
	for {
		f.mu.Lock()
		moved, wait := f.moved, false
		ends.Each(func(end kadm.ListedOffset) {
			start, _ := starts.Lookup(f.topic, end.Partition)
			if end.Err == nil && end.Offset > start.Offset && f.next[end.Partition] < end.Offset {
				wait = true
			}
		})
		f.mu.Unlock()
		if !wait {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return f.behind(ctx.Err())
		}
	}
}

// span returns where the partitions of the statement topic begin and end.
func (f *Follower) span(ctx context.Context) (starts, ends kadm.ListedOffsets, err error) {
	admin := kadm.NewClient(f.client)
	if starts, err = admin.ListStartOffsets(ctx, f.topic); err != nil {
		return nil, nil, err
	}
	if ends, err = admin.ListEndOffsets(ctx, f.topic); err != nil {
		return nil, nil, err
	}
	for _, listed := range []kadm.ListedOffsets{starts, ends} {
		if err := listed.Error(); err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
			return nil, nil, err
		}
	}
	return starts, ends, nil
}

// behind is the error of CatchUp, with what the newest poll has failed for.
func (f *Follower) behind(err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failure != nil {
		err = fmt.Errorf("%w: %w", err, f.failure)
	}
	return fmt.Errorf("the statements in %q were not all read: %w", f.topic, err)
}
