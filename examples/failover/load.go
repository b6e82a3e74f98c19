package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// The topics: records without a key, which have no order, and records of some keys.
const (
	unkeyedTopic = "playback.start"
	keyedTopic   = "playback.position"
)

const (
	perSecond = 2000 // records, half of them with a key
	keys      = 50
)

// load is the application: one goroutine that sends, whatever happens to Kafka. What it found out
// may be read after stop.
type load struct {
	accepted []bool // by the number of a record, which is its tag and its value
	refused  uint64
	longest  time.Duration // that a Send took

	cancel context.CancelFunc
	done   sync.WaitGroup
}

// startLoad sends to p until stop.
func startLoad(p *producer.Producer) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{cancel: cancel}
	l.done.Go(func() { l.run(ctx, p) })
	return l
}

// stop ends it and waits for that. Calling it again is harmless.
func (l *load) stop() {
	l.cancel()
	l.done.Wait()
}

// run sends in small bursts, so that the rate is right even where timers are late.
func (l *load) run(ctx context.Context, p *producer.Producer) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	begun := time.Now()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for due := int(time.Since(begun).Seconds() * perSecond); len(l.accepted) < due; {
			l.send(p, len(l.accepted))
		}
	}
}

func (l *load) send(p *producer.Producer, number int) {
	rec := producer.Record{
		Topic: unkeyedTopic, Value: strconv.AppendInt(nil, int64(number),
			10), Tag: uint64(number), Priority: routing.High,
	}
	if number%2 == 1 {
		rec.Topic, rec.Key = keyedTopic, fmt.Appendf(nil, "viewer-%02d", number/2%keys)
	}
	before := time.Now()
	err := p.Send(rec)
	l.longest = max(l.longest, time.Since(before))
	if err != nil {
		l.refused++
	}
	l.accepted = append(l.accepted, err == nil)
}
