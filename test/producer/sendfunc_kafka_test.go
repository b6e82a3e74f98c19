//go:build unix

package producer_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
)

// Through a restart of the only broker, each function is called once, and each SendWait returns
// when its record is delivered.
func TestKafka_SendFuncAndSendWaitOutliveARestart(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	c.CreateTopic(t, "events", 3)
	tr := try(t, to(c))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var mu sync.Mutex // guards told and called
	told, called := make(map[uint64]int), 0
	sendFunc := func(rec producer.Record) error {
		return tr.SendFunc(rec, func(r producer.Report) {
			mu.Lock()
			defer mu.Unlock()
			told[r.Tag]++
			called++
		})
	}
	waited := 0 // times that SendWait has returned
	sendWait := func(rec producer.Record) error {
		rep, err := tr.SendWait(ctx, rec)
		if err == nil {
			assert.Equal(t, rec.Tag, rep.Tag)
			assert.GreaterOrEqual(t, rep.Offset, int64(-1))
			waited++
		}
		return err
	}
	quit := make(chan struct{})
	// the records of sendWait have no key: those of one key must come from one goroutine
	record, unkeyed, funcs := mixed("events"), producer.Record{Topic: "events"}, 0
	var senders sync.WaitGroup
	senders.Go(func() {
		for ; !ended(quit); funcs++ {
			assert.NoError(t, tr.ledger.SendBy(sendFunc, record(funcs)))
			time.Sleep(time.Millisecond)
		}
	})
	senders.Go(func() {
		for !ended(quit) {
			assert.NoError(t, tr.ledger.SendBy(sendWait, unkeyed))
		}
	})
	stop := sync.OnceFunc(func() {
		close(quit)
		senders.Wait()
	})
	t.Cleanup(stop)
	tr.awaitDelivered(t, 100)

	c.Broker(0).Kill(t)
	tr.await(t, "the cluster is not down",
		func(s *producer.Stats) bool { return s.Clusters["events"].State == producer.Down })
	short, cancelShort := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancelShort()
	var err error
	require.NoError(t, tr.ledger.SendBy(func(rec producer.Record) error {
		_, err = tr.SendWait(short, rec)
		return nil // it was accepted
	}, unkeyed))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "(cluster events is down: ")
	require.Greater(t, tr.Stats().Total.Pending, uint64(1))
	c.Broker(0).Start(t)
	tr.awaitDelivered(t, 100)
	stop()
	tr.settle(t, c, "events")
	require.Greater(t, waited, 1)
	require.Equal(t, funcs, called)
	require.Len(t, told, funcs)
}

func ended(quit <-chan struct{}) bool {
	select {
	case <-quit:
		return true
	default:
		return false
	}
}
