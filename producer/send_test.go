package producer_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// nowhere returns a producer whose clusters cannot be reached, as changed by change, and closes it
// with the test.
func nowhere(t testing.TB, change func(*producer.Config),
	opts ...producer.Option) *producer.Producer {
	t.Helper()
	cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{"gone": {Brokers: []string{"127.0.0.1:1"}}}}
	if change != nil {
		change(&cfg)
	}
	p, err := producer.New(cfg, opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = p.Close(ctx)
	})
	return p
}

func requireSendError(t *testing.T, err, want error, text string) {
	t.Helper()
	require.ErrorIs(t, err, want)
	e, ok := errors.AsType[*producer.SendError](err)
	require.True(t, ok)
	require.EqualError(t, e, text)
}

func TestSend_SaysWhyItRefuses(t *testing.T) {
	p := nowhere(t, func(c *producer.Config) {
		c.Clusters = map[string]producer.ClusterConfig{"low": {Brokers: []string{"127.0.0.1:1"}},
			"medium": {Brokers: []string{"127.0.0.1:1"}}}
		c.Batching.MaxRecordBytes = 1000
		c.Buffer.MaxTopics = 2
	})
	requireSendError(t, p.Send(producer.Record{Topic: "t", Value: make([]byte, 992)}),
		producer.ErrRecordTooLarge,
		`send to "t" (medium): record too large: 1001 bytes, at most 1000 are allowed`)
	require.NoError(t, p.Send(producer.Record{Topic: "t", Value: make([]byte, 991)}))
	requireSendError(t, p.Send(producer.Record{Topic: "t", Priority: routing.High}),
		producer.ErrNoRoute,
		`send to "t" (high): no cluster for this priority`)
	requireSendError(t, p.Send(producer.Record{Topic: "t", Priority: 77}), producer.ErrNoRoute,
		`send to "t" (priority(77)): no cluster for this priority`)
	requireSendError(t, p.Send(producer.Record{Topic: "a b"}), producer.ErrInvalidRecord,
		`send to "a b" (medium): invalid record: the name of the topic has a character other than letters, digits, '.', '_' and '-'`)
	for _, name := range []string{"", ".", "..", strings.Repeat("x", 250), "ü"} {
		require.ErrorIs(t, p.Send(producer.Record{Topic: name}), producer.ErrInvalidRecord, name)
	}
	require.ErrorIs(t, p.Send(producer.Record{Topic: "t", Partition: producer.ToPartition(-1)}),
		producer.ErrInvalidRecord)
	require.NoError(t, p.Send(producer.Record{Topic: "t2"}))
	requireSendError(t, p.Send(producer.Record{Topic: "t3"}), producer.ErrTooManyTopics,
		`send to "t3" (medium): too many topics: buffer.max_topics allows 2 at a time`)
	require.NoError(t, p.Send(producer.Record{Topic: "t3", Priority: routing.Low}),
		"each priority has its own")
	s := p.Stats()
	require.EqualValues(t, 1, s.Refused[producer.ErrRecordTooLarge])
	require.EqualValues(t, 2, s.Refused[producer.ErrNoRoute])
	require.EqualValues(t, 7, s.Refused[producer.ErrInvalidRecord])
	require.EqualValues(t, 1, s.Refused[producer.ErrTooManyTopics])
	require.EqualValues(t, 3, s.Total.Pending)
}

func TestSend_RefusesAtTheBoundAndTheBooksBalance(t *testing.T) {
	p := nowhere(t, func(c *producer.Config) { c.Buffer.MaxBytes = 1 << 20 })
	accepted := uint64(0)
	for range 20_000 {
		err := p.Send(producer.Record{Topic: "t", Value: make([]byte, 100)})
		if err == nil {
			accepted++
			continue
		}
		require.ErrorIs(t, err, producer.ErrBufferFull)
	}
	s := p.Stats()
	require.True(t, s.Total.Balanced())
	require.Equal(t, accepted, s.Total.Pending)
	require.EqualValues(t, 20_000-accepted, s.Refused[producer.ErrBufferFull])
	require.LessOrEqual(t, s.HeldBytes, s.MaxBytes)
	require.Greater(t, accepted, uint64(7000), "records of 109 bytes fill the bound")
}

func TestSend_CopiesWhatItIsGiven(t *testing.T) {
	var got *producer.Record
	p := nowhere(t, nil, producer.WithDelivery(func(r producer.Report) {
		if rec, ok := r.Returned(); ok {
			got = &rec
		}
	}))
	key, value, header := []byte("key"), []byte("value"), []byte("header")
	require.NoError(t, p.Send(producer.Record{
		Topic: "t", Key: key, Value: value, Headers: []producer.Header{{Key: "h", Value: header}},
		Timestamp: time.UnixMilli(1234), Partition: producer.ToPartition(3), Priority: routing.High,
		Tag: 99,
	}))
	for _, b := range [][]byte{key, value, header} {
		clear(b)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	summary, err := p.Close(ctx)
	require.ErrorIs(t, err, producer.ErrLeft)
	require.ErrorIs(t, err, context.Canceled)
	require.EqualValues(t, 1, summary.Left)
	require.Eventually(t, func() bool { return p.Stats().HeldBytes < 2000 && got != nil },
		time.Minute, time.Millisecond)
	require.Equal(t, &producer.Record{
		Topic: "t", Key: []byte("key"), Value: []byte("value"),
		Headers:   []producer.Header{{Key: "h", Value: []byte("header")}},
		Timestamp: time.UnixMilli(1234), Partition: producer.ToPartition(3), Priority: routing.High,
		Tag: 99,
	}, got)
	require.ErrorIs(t, p.Send(producer.Record{Topic: "t"}), producer.ErrClosed)
	again, err := p.Close(context.Background())
	require.NoError(t, err)
	require.Equal(t, summary, again)
}

func TestSend_AllocatesNothingInSteadyState(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	p := nowhere(t, func(c *producer.Config) { c.Batching.Linger = time.Minute })
	rec := producer.Record{Topic: "t", Value: make([]byte, 100)}
	require.NoError(t, p.Send(rec))
	require.Zero(t, testing.AllocsPerRun(1000, func() { _ = p.Send(rec) }))
	rec.Key = []byte("key")
	require.Zero(t, testing.AllocsPerRun(1000, func() { _ = p.Send(rec) }))
}

func TestSend_WhileOthersCloseAndLook_ConcurrentSafe(t *testing.T) {
	var mu sync.Mutex
	reports := 0
	p := nowhere(t, func(c *producer.Config) { c.Buffer.MaxBytes = 1 << 20 },
		producer.WithDelivery(func(producer.Report) { mu.Lock(); reports++; mu.Unlock() }))
	var wg sync.WaitGroup
	accepted := make([]uint64, 4)
	for g := range accepted {
		wg.Go(func() {
			for i := 0; ; i++ {
				rec := producer.Record{Topic: string(rune('a' + rand.IntN(5))),
					Value: make([]byte, i%2000)}
				if i%3 == 0 {
					rec.Key = []byte{byte(i)}
				}
				err := p.Send(rec)
				if errors.Is(err, producer.ErrClosed) {
					return
				}
				if err == nil {
					accepted[g]++
				}
			}
		})
	}
	for looks, sent := 0, false; looks < 200 || !sent; looks++ {
		s := p.Stats()
		require.True(t, s.Total.Balanced())
		require.LessOrEqual(t, s.HeldBytes, s.MaxBytes)
		sent = s.Total.Accepted > 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	summary, err := p.Close(ctx)
	require.ErrorIs(t, err, producer.ErrLeft)
	wg.Wait()
	require.Equal(t, accepted[0]+accepted[1]+accepted[2]+accepted[3], summary.Accepted)
	require.Equal(t, summary.Accepted, summary.Left+summary.Lost[producer.ReasonOverShare],
		"one topic may hold more than half")
	require.Zero(t, p.Stats().Total.Pending)
	require.Eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return uint64(reports)+p.Stats().ReportsDropped == summary.Accepted
	}, time.Minute, time.Millisecond, "one report for each")
}

func TestNew_TakesAnyNetwork(t *testing.T) {
	for _, addr := range []string{"name.invalid:9092", "192.0.2.1:9092", "127.0.0.1:1"} {
		p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{"x": {Brokers: []string{addr}}}},
			producer.WithDialer(func(context.Context, string, string) (net.Conn, error) {
				return nil, errors.New("no network")
			}))
		require.NoError(t, err)
		require.NoError(t, p.Send(producer.Record{Topic: "t",
			Value: bytes.Repeat([]byte("x"), 10)}))
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		err = p.WaitReady(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "x is connecting")
		require.ErrorIs(t, p.Flush(ctx), context.DeadlineExceeded)
		_, err = p.Close(ctx)
		require.ErrorIs(t, err, producer.ErrLeft)
		cancel()
	}
}

func TestSend_WhatIsRefusedMakesNoTopic(t *testing.T) {
	p := nowhere(t, func(c *producer.Config) {
		c.Batching.MaxRecordBytes, c.Buffer.MaxTopics = 1000, 1
	})
	for i := range 10 {
		require.ErrorIs(t, p.Send(producer.Record{Topic: string(rune('a' + i)),
			Value: make([]byte, 2000)}), producer.ErrRecordTooLarge)
	}
	require.NoError(t, p.Send(producer.Record{Topic: "t"}))
}
