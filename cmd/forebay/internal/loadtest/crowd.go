package loadtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// asking bounds a question to Kafka about the topic.
const asking = 10 * time.Second

// readPlan says how a crowd reads.
type readPlan struct {
	topic    string
	opts     []kgo.Opt // how to reach the cluster
	admin    *kadm.Client
	meter    *meter
	run      uint64
	old      bool          // from the beginning, again and again
	maxWait  time.Duration // 0: the default of kgo, 5 s, and 1 byte
	minBytes int32
}

// crowd is some readers, each of all partitions.
type crowd struct {
	plan    readPlan
	counted counters
	readers []*reader
	ends    map[int32]int64 // of the topic, when they began
	stop    context.CancelFunc
	running sync.WaitGroup
	life    context.Context // of the clients
	cut     context.CancelFunc
}

// gather starts n readers. They read until close.
func gather(ctx context.Context, n int, plan readPlan) (*crowd, error) {
	c := &crowd{plan: plan}
	var err error
	if c.ends, err = c.offsets(ctx, (*kadm.Client).ListEndOffsets); err != nil {
		return nil, err
	}
	from := c.ends
	if plan.old {
		if from, err = c.offsets(ctx, (*kadm.Client).ListStartOffsets); err != nil {
			return nil, err
		}
	}
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = stop
	c.life, c.cut = context.WithCancel(context.WithoutCancel(ctx))
	for range n {
		r, err := c.newReader(from)
		if err != nil {
			c.close()
			return nil, err
		}
		c.readers = append(c.readers, r)
		c.running.Go(func() { r.run(reading) })
	}
	return c, nil
}

// goodbye is how long readers may take to leave. kgo's Close waits for the fetch request that is on
// its way: for fetch.max.wait at least, and much longer if the broker is frozen.
const goodbye = time.Second

// close ends all readers.
func (c *crowd) close() {
	c.stop()
	c.running.Wait()
	defer c.cut()
	defer time.AfterFunc(goodbye, c.cut).Stop()
	var leaving sync.WaitGroup
	for _, r := range c.readers {
		leaving.Go(r.client.Close)
	}
	leaving.Wait()
}

// offsets asks where each partition begins, or ends.
func (c *crowd) offsets(ctx context.Context, list func(*kadm.Client, context.Context, ...string) (
	kadm.ListedOffsets, error)) (map[int32]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	listed, err := list(c.plan.admin, ctx, c.plan.topic)
	if err = errors.Join(err, listed.Error()); err != nil {
		return nil, fmt.Errorf("%w: ask for the offsets of topic %s: %w", errAway, c.plan.topic,
			err)
	}
	offsets := make(map[int32]int64)
	listed.Each(func(o kadm.ListedOffset) { offsets[o.Partition] = o.Offset })
	return offsets, nil
}

func (c *crowd) counts() readCounts {
	return readCounts{c.counted.fetches.Load(), c.counted.records.Load(), c.counted.bytes.Load(),
		c.counted.passes.Load()}
}

// lag returns how far the reader that is furthest behind is from the end of the topic. Nil means
// that nobody knows the end.
func (c *crowd) lag(ctx context.Context) *int64 {
	ends, err := c.offsets(ctx, (*kadm.Client).ListEndOffsets)
	if err != nil {
		return nil
	}
	most := int64(0)
	for _, r := range c.readers {
		most = max(most, r.behind(ends))
	}
	return &most
}

// finish waits until readers at the end have all records of a measurement, as long as some come,
// and fills in what the readers have found.
func (c *crowd) finish(ctx context.Context, t *tally, m *Measurement, patience time.Duration) {
	if !c.plan.old {
		if missing := c.catchUp(ctx, t, patience+c.plan.maxWait); missing > 0 {
			m.problem("the readers did not get %d of the delivered records", missing)
		}
		t.mu.Lock()
		latency := t.endToEnd.latency()
		t.mu.Unlock()
		m.Readers.EndToEnd = &latency
	} else if m.Readers.RecordsRate == 0 && !m.Interrupted {
		m.problem("the readers read nothing")
	}
	for i, r := range c.readers {
		r.mu.Lock()
		err := r.err
		r.mu.Unlock()
		if err != nil {
			m.problem("reader %d: %v", i+1, err)
		}
	}
}

// catchUp returns how many records the readers have not got in the end.
func (c *crowd) catchUp(ctx context.Context, t *tally, patience time.Duration) uint64 {
	last, at := uint64(0), time.Now()
	for {
		delivered, read := t.reading()
		want := delivered * uint64(len(c.readers))
		if read >= want {
			return 0
		}
		if read > last {
			last, at = read, time.Now()
		}
		if ctx.Err() != nil || time.Since(at) > patience {
			return want - read
		}
		sleep(ctx, 5*time.Millisecond)
	}
}
