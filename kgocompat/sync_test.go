package kgocompat

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/producertest"
)

func TestProduceSync_LeavesRecordsAloneWhenItsContextHasEnded(t *testing.T) {
	var r producertest.Recorder
	r.Script("held", producertest.Hold())
	c := Over(&r)
	rs := []*kgo.Record{{Topic: "held"}, {Topic: "delivered"}}
	var ctx, cancel = context.WithCancel(t.Context())
	c.Produce(t.Context(), &kgo.Record{Topic: "delivered"}, ignore)
	require.NoError(t, c.Flush(t.Context()))
	go func() {
		for len(r.Records()) < 3 || c.BufferedProduceRecords() > 1 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	results := c.ProduceSync(ctx, rs...)
	require.Same(t, rs[0], results[0].Record)
	require.ErrorIs(t, results[0].Err, context.Canceled)
	require.ErrorContains(t, results[0].Err, `send to "held": no outcome yet, the record stays in the buffer`)
	require.NoError(t, results[1].Err)
	require.EqualValues(t, 1, rs[1].Offset)
	rs[0].Topic = "mine" // the race detector sees who else writes to it
	r.Release(producertest.Deliver())
	require.NoError(t, c.Flush(t.Context()))
	require.Equal(t, &kgo.Record{Topic: "mine"}, rs[0])
	require.Len(t, r.Records(), 3)
	require.ErrorIs(t, results[0].Err, context.Canceled)
}

// It would wait for itself, without a deadline for ever.
func TestProduceSync_SendsNothingInAPromise(t *testing.T) {
	for name, steps := range map[string][]producertest.Step{
		"delivered": {producertest.Deliver()},
		"refused":   {producertest.Refuse(producer.ErrBufferFull)},
	} {
		t.Run(name, func(t *testing.T) {
			var r producertest.Recorder
			r.Script("first", steps...)
			c := Over(&r)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			var err error
			c.Produce(t.Context(), &kgo.Record{Topic: "first"}, func(*kgo.Record, error) {
				err = c.ProduceSync(ctx, &kgo.Record{Topic: "second"}).FirstErr()
			})
			require.NoError(t, c.Flush(t.Context()))
			require.EqualError(t, err, `send to "second": ProduceSync waits for promises, so it `+
				"sends nothing in a promise: call Produce")
			for _, rec := range r.Records() {
				require.Equal(t, "first", rec.Topic)
			}
		})
	}
}
