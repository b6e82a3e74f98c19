package producer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/internal/dispatch"
	"github.com/forebay-go/forebay/routing"
)

// away makes a producer whose cluster is away, with little memory; topics are named by their
// priority.
func away(t require.TestingT, change func(*Config), opts ...Option) *Producer {
	cfg := Config{Clusters: map[string]ClusterConfig{"away": {Brokers: []string{"127.0.0.1:1"}}}}
	cfg.Buffer.MaxBytes = 1 << 20
	cfg.Batching.MaxBytes = 8 << 10
	cfg.Batching.MaxRecordBytes = 8 << 10
	for _, p := range routing.All {
		cfg.Topics = append(cfg.Topics, TopicConfig{Topic: p.String() + "*", Priority: p})
	}
	if change != nil {
		change(&cfg)
	}
	dial := func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("away")
	}
	p, err := New(cfg, append(opts, WithDialer(dial))...)
	require.NoError(t, err)
	return p
}

// giveUp closes p at once.
func giveUp(p *Producer) Summary {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s, _ := p.Close(ctx)
	return s
}

// held is a model of what a dispatcher and a compressor hold, which nobody may give up.
type held struct {
	flying  []*buffer.Batch
	claimed []*buffer.Batch
}

// Whatever is sent, taken, compressed, given back and ended, in whatever order: bytes stay within
// the bound, guarantees are kept, and no Send is refused while something lower waits that is above
// its guarantee.
func TestEvict_NoneIsRefusedWhileALowerBatchCanBeGivenUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var mu sync.Mutex
		reports := make(map[uint64]int)
		shares := rapid.SliceOfN(rapid.Float64Range(0, 0.33), 3, 3).Draw(rt, "guarantees")
		p := away(rt, func(c *Config) {
			for i, priority := range routing.All {
				c.Priorities.of(priority).GuaranteedShare = max(shares[i], 1e-9) // 0 is the default
			}
			c.Reports.MaxBytes = c.Buffer.MaxBytes
		}, WithDelivery(func(r Report) {
			mu.Lock()
			defer mu.Unlock()
			reports[r.Tag]++
		}))
		defer giveUp(p)
		h := new(held)
		tag := uint64(0)
		for _, priority := range routing.All { // from the first record on guarantees are kept
			require.NoError(rt, p.Send(Record{Topic: priority.String(), Tag: tag}))
			tag++
		}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			priority := routing.All[rapid.IntRange(0, 2).Draw(rt, "priority")]
			switch step := rapid.SampledFrom([]string{"send", "send", "send", "take", "claim",
				"compress", "requeue", "end"}).Draw(rt, "step"); step {
			case "send":
				topic := fmt.Sprintf("%v%d", priority, rapid.IntRange(0, 2).Draw(rt, "topic"))
				size := rapid.IntRange(1, 1500).Draw(rt, "bytes")
				for range rapid.IntRange(1, 500).Draw(rt, "records") {
					rec := Record{Topic: topic, Tag: tag, Value: make([]byte, size)}
					if tag%3 == 0 {
						rec.Key = []byte{byte(tag)}
					}
					err := p.Send(rec)
					// as long as reports give memory back, what is so now was not so then
					if err != nil {
						untilTold(rt, p)
						err = p.Send(rec)
					}
					if err == nil {
						tag++
						continue
					}
					require.ErrorIs(rt, err, ErrBufferFull)
					requireNothingLower(rt, p, priority, size)
				}
			default:
				h.move(rt, p, priority, step)
			}
			requireBounded(rt, p)
		}
		for _, b := range h.claimed {
			b.Compress(buffer.NoCodec)
		}
		for _, b := range h.flying {
			b.Topic().Requeue(b)
		}
		s := giveUp(p)
		<-p.reports.done
		require.Equal(rt, tag, s.Accepted)
		require.Len(rt, reports, int(tag))
		for tag, n := range reports {
			require.Equal(rt, 1, n, tag)
		}
		total := p.Stats().Total
		require.True(rt, total.Balanced() && total.Pending == 0)
	})
}

// move does what a dispatcher or a compressor may do.
func (h *held) move(rt *rapid.T, p *Producer, priority routing.Priority, step string) {
	topics, _ := p.setup.Load().lanes[priority].Buffer.Topics()
	switch {
	case step == "take" && len(topics) > 0:
		topic := topics[rapid.IntRange(0, len(topics)-1).Draw(rt, "taken")]
		for range rapid.IntRange(1, 20).Draw(rt, "batches") {
			if b := topic.Take(buffer.Unkeyed, -1, true); b != nil {
				h.flying = append(h.flying, b)
			}
		}
	case step == "claim" && len(topics) > 0:
		if b := topics[rapid.IntRange(0, len(topics)-1).Draw(rt, "claimed")].ClaimRaw(); b != nil {
			h.claimed = append(h.claimed, b)
		}
	case step == "compress":
		for _, b := range h.claimed {
			b.Compress(buffer.NoCodec)
		}
		h.claimed = nil
	case step == "requeue" && len(h.flying) > 0:
		h.flying[0].Topic().Requeue(h.flying[0])
		h.flying = h.flying[1:]
	case step == "end" && len(h.flying) > 0:
		end(p, h.flying[0], Delivered, delivery.None)
		h.flying = h.flying[1:]
		untilTold(rt, p)
	}
}

// end gives a batch that was taken an outcome, as the engine does.
func end(p *Producer, b *buffer.Batch, outcome Outcome, reason Reason) {
	keep := p.reports != nil
	b.Topic().Resolve(b, outcome, reason, keep)
	if keep {
		p.reports.push(dispatch.Verdict{Batch: b, Outcome: outcome, Reason: reason, Offset: -1,
			Priority: p.laneOf(b.Topic()).Priority, At: p.clock.Mono()})
	}
}

// untilTold waits until all reports have given their memory back.
func untilTold(rt *rapid.T, p *Producer) {
	require.Eventually(rt, func() bool {
		p.reports.mu.Lock()
		defer p.reports.mu.Unlock()
		return p.reports.bytes == 0
	}, time.Minute, 100*time.Microsecond)
}

func requireNothingLower(rt *rapid.T, p *Producer, refused routing.Priority, size int) {
	if by, _ := p.budget.Shares(); by[classOf(refused)]+int64(size)+4096 > p.budget.Look(classOf(refused), 0).MayHold {
		return // what is left is guaranteed to lower priorities
	}
	for lower := routing.Low; lower < refused; lower++ {
		if p.budget.AboveGuarantee(classOf(lower)) {
			require.True(rt, p.setup.Load().lanes[lower].Buffer.TakeOldest() == nil,
				"%v was refused, and %v is above its guarantee", refused, lower)
		}
	}
}

// requireBounded also requires that what is guaranteed to lower priorities is not held by higher
// ones.
func requireBounded(rt *rapid.T, p *Producer) {
	s := p.Stats()
	require.LessOrEqual(rt, s.HeldBytes, s.MaxBytes)
	require.True(rt, s.Total.Balanced())
	higher, guaranteed := s.HeldBytes, int64(0)
	for priority := routing.Low; priority <= routing.High; priority++ {
		require.GreaterOrEqual(rt, s.Held[priority], int64(0))
		higher -= s.Held[priority]
		guaranteed += int64(p.setup.Load().cfg.Priorities.of(priority).GuaranteedShare * float64(s.MaxBytes))
		require.LessOrEqual(rt, higher, s.MaxBytes-guaranteed, "above %v", priority)
	}
}

func TestEvict_WhatMayHaveBeenWrittenIsPossiblyPersisted(t *testing.T) {
	reported := make(chan Report, 1000)
	p := away(t, nil, WithDelivery(func(r Report) { reported <- r }))
	defer giveUp(p)
	require.NoError(t, p.Send(Record{Topic: "low", Tag: 7, Value: make([]byte, 100)}))
	b := p.setup.Load().lanes[routing.Low].Buffer.TakeOldest()
	b.History = buffer.History{Attempts: 1, MaybeWritten: true, Counted: true}
	b.Topic().Requeue(b)
	for p.Send(Record{Topic: "high", Value: make([]byte, 1000)}) == nil &&
		p.Stats().Total.PossiblyPersisted == 0 {
		_ = p.Send(Record{Topic: "low1", Value: make([]byte, 1000)})
	}
	for r := range reported {
		if r.Tag == 7 {
			require.Equal(t, PossiblyPersisted, r.Outcome)
			require.Equal(t, ReasonPreemptedByHigh, r.Reason)
			require.Equal(t, 1, r.Attempts)
			require.True(t, r.MaybeDuplicated)
			require.Nil(t, r.Record)
			rec, ok := r.Returned()
			require.False(t, ok)
			require.Empty(t, rec)
			return
		}
	}
}

// stopReclaiming ends the goroutine that makes room before it is needed.
func stopReclaiming(p *Producer) {
	close(p.evict.quit)
	<-p.evict.done
	p.evict.quit = make(chan struct{}) // for Close
}

// Many senders at once give up no more than they need.
func TestEvict_ManySendersMakeRoomForNoMoreThanTheyNeed_ConcurrentSafe(t *testing.T) {
	p := away(t,
		func(c *Config) { c.Buffer.MaxBytes = 4 << 20; c.Priorities.Low.GuaranteedShare = NoGuarantee })
	defer giveUp(p)
	for p.Send(Record{Topic: "low", Value: make([]byte, 100)}) == nil {
	}
	stopReclaiming(p)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for range 100 {
				require.NoError(t, p.Send(Record{Topic: fmt.Sprintf("high%d", g),
					Value: make([]byte, 1000)}))
			}
		})
	}
	wg.Wait()
	s := p.Stats()
	require.Positive(t, s.Priorities[routing.Low].Shed)
	require.Less(t, s.MaxBytes-s.HeldBytes, int64(64<<10), "little more than was needed")
	require.True(t, p.evict.makeRoom(p.setup.Load().lanes[routing.High], nil, 0, buffer.ErrFull),
		"somebody else has made room")
	require.Equal(t, s.Total.Shed, p.Stats().Total.Shed)
	require.True(t, s.Total.Balanced())
}

// The bound is lowered by far more than a Send may make room for.
func TestEvict_HighIsNotRefusedWhenTheBoundShrinks_ConcurrentSafe(t *testing.T) {
	var cfg Config
	p := away(t, func(c *Config) { c.Buffer.MaxBytes = 16 << 20; cfg = *c })
	defer giveUp(p)
	for p.Send(Record{Topic: "low", Value: make([]byte, 1000)}) == nil {
	}
	require.NoError(t, p.Send(Record{Topic: "medium", Value: make([]byte, 1000)}))
	stopReclaiming(p)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for range 200 {
				require.NoError(t, p.Send(Record{Topic: fmt.Sprintf("high%d", g),
					Value: make([]byte, 1000)}))
			}
		})
	}
	cfg.Buffer.MaxBytes = 4 << 20
	require.NoError(t, p.Reconfigure(cfg))
	wg.Wait()
	require.NoError(t, p.Send(Record{Topic: "high", Value: make([]byte, 1000)}))
	s := p.Stats()
	require.LessOrEqual(t, s.HeldBytes, s.MaxBytes)
	require.Greater(t, s.HeldBytes, s.MaxBytes*8/10, "no more was given up than had to be")
	require.Positive(t, s.Priorities[routing.Low].Pending)
	low := s.Priorities[routing.Low]
	require.Positive(t, low.Lost(ReasonPreemptedByHigh))
	require.Zero(t, s.Priorities[routing.Medium].Shed, "low had more to give")
	require.True(t, s.Total.Balanced())
}

// What the highest priority holds is nobody's to take.
func TestEvict_TheOnlyPriorityLosesNothingWhenTheBoundShrinks(t *testing.T) {
	var cfg Config
	p := away(t, func(c *Config) {
		c.Buffer.MaxBytes, c.Topics = 4<<20, nil
		cfg = *c
	})
	defer giveUp(p)
	for p.Send(Record{Topic: "events", Value: make([]byte, 1000)}) == nil {
	}
	cfg.Buffer.MaxBytes = 1 << 20
	require.NoError(t, p.Reconfigure(cfg))
	// what fits into the open batch
	for p.Send(Record{Topic: "events", Value: make([]byte, 1000)}) == nil {
	}
	s := p.Stats()
	require.Equal(t, s.Total.Accepted, s.Total.Pending)
	require.Greater(t, s.HeldBytes, s.MaxBytes)
}

// A lower bound of reports concerns the newest of the lowest priorities first.
func TestReports_ALowerBoundDropsTheNewestOfLowerPriorities(t *testing.T) {
	var cfg Config
	hold, told := make(chan struct{}), make(chan Report, 10_000)
	p := away(t, func(c *Config) { c.Reports.MaxBytes = 512 << 10; cfg = *c },
		WithDelivery(func(r Report) { <-hold; told <- r }))
	give := func(topic string, n int) {
		for i := range n {
			require.NoError(t, p.Send(Record{Topic: topic, Tag: uint64(i),
				Value: make([]byte, 7000)}))
			l := p.setup.Load().lanes[p.setup.Load().rules.Priority(topic)]
			end(p, l.Buffer.TakeOldest(), Rejected, ReasonInvalid)
		}
	}
	give("medium", 1) // is being told
	give("low", 30)
	give("high", 5)
	cfg.Reports.MaxBytes = 100 << 10
	require.NoError(t, p.Reconfigure(cfg))
	require.LessOrEqual(t, p.reports.bytes, int64(100<<10))
	require.Positive(t, p.Stats().ReportsDropped)
	close(hold)
	giveUp(p)
	<-p.reports.done
	close(told)
	by := make(map[routing.Priority][]uint64)
	for r := range told {
		by[r.Priority] = append(by[r.Priority], r.Tag)
	}
	require.Equal(t, []uint64{0, 1, 2, 3, 4}, by[routing.High])
	require.NotEmpty(t, by[routing.Low])
	for i, tag := range by[routing.Low] {
		require.EqualValues(t, i, tag, "the oldest are told")
	}
}

func TestEvict_NothingIsGivenUpAfterClose(t *testing.T) {
	p := away(t, nil)
	for p.Send(Record{Topic: "low", Value: make([]byte, 1000)}) == nil {
	}
	giveUp(p)
	require.False(t, p.evict.makeRoom(p.setup.Load().lanes[routing.High], nil, 1<<20,
		buffer.ErrFull))
	require.Zero(t, p.Stats().Total.Pending)
}

func TestSend_SaysWhichBoundWasMet(t *testing.T) {
	p := away(t, func(c *Config) {
		c.Priorities.Medium.CeilingShare = 0.25
		c.Topics = append([]TopicConfig{{Topic: "low.small", Priority: routing.Low,
			MaxShare: 0.1}}, c.Topics...)
	})
	defer giveUp(p)
	until := func(topic string) (err error) {
		for err == nil {
			err = p.Send(Record{Topic: topic, Value: make([]byte, 1000)})
		}
		require.ErrorIs(t, err, ErrBufferFull)
		return err
	}
	require.EqualError(t, until("medium"),
		`send to "medium" (medium): buffer full: 262144 bytes are held for records that wait for Kafka: `+
			"the priority holds as much as its ceiling_share allows")
	require.EqualError(t, until("low.small"), `send to "low.small" (low): buffer full: `+
		"the topic holds more than its max_share, or more than half of what its priority may "+
		"hold while others want room")
	require.EqualError(t, until("high"),
		`send to "high" (high): buffer full: 1048576 bytes are held for records that wait for Kafka`)
}

func TestNew_NamesEveryMistakeInShares(t *testing.T) {
	cfg := Config{Clusters: map[string]ClusterConfig{"a": {Brokers: []string{"a:1"}}}}
	cfg.Priorities.Low = PriorityConfig{GuaranteedShare: 0.5, CeilingShare: 0.25, WhenFull: "wait"}
	cfg.Priorities.Medium = PriorityConfig{CeilingShare: math.NaN()}
	cfg.Priorities.High = PriorityConfig{GuaranteedShare: -0.5, CeilingShare: 0.5}
	cfg.Topics = []TopicConfig{{Topic: "a", Priority: routing.Low, MaxShare: 1.5}}
	_, err := New(cfg)
	require.EqualError(t, err, `forebay: wrong configuration:
priorities.high.guaranteed_share: -0.5: write a part of buffer.max_bytes up to 0.5, its ceiling_share; 0 for the default, or -1 for none
priorities.medium.ceiling_share: NaN: write a part of buffer.max_bytes up to 1, or 0 for all of it
priorities.low.guaranteed_share: 0.5: write a part of buffer.max_bytes up to 0.25, its ceiling_share; 0 for the default, or -1 for none
priorities.low.when_full: "wait": write one of refuse, drop_oldest
topics[0].max_share: 1.5: write a part of the lane's memory from 0 to 1, or 0 for no bound`)

	cfg.Priorities = PrioritiesConfig{Low: PriorityConfig{GuaranteedShare: 0.5},
		High: PriorityConfig{GuaranteedShare: 0.5}}
	cfg.Topics = nil
	_, err = New(cfg)
	require.EqualError(t, err, `forebay: wrong configuration:
priorities: the guaranteed shares are 1.0625 together (low 0.5, medium 0.0625, high 0.5): lower them to 1 or less, -1 is none`)

	cfg.Priorities = PrioritiesConfig{Medium: PriorityConfig{CeilingShare: 0.01},
		High: PriorityConfig{GuaranteedShare: NoGuarantee}}
	cfg, _, err = new(options).complete(cfg)
	require.NoError(t, err)
	require.InDelta(t, 1.0/16, cfg.Priorities.Low.GuaranteedShare, 0)
	require.InDelta(t, 0.01, cfg.Priorities.Medium.GuaranteedShare, 0)
	require.Zero(t, cfg.Priorities.High.GuaranteedShare)
	require.InDelta(t, 1, cfg.Priorities.High.CeilingShare, 0)
}
