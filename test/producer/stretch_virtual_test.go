//go:build synctests

package producer_test

import (
	"crypto/rand"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// pourKeyed is pour to events with one key, and values of which so many bytes cannot be compressed.
func (b *bubble) pourKeyed(d time.Duration, random int) (rate float64) {
	b.t.Helper()
	return b.pourOf(d, func() producer.Record { return partlyRandom(random) })
}

// partlyRandom returns a record of which so many bytes cannot be compressed.
func partlyRandom(random int) producer.Record {
	value := make([]byte, pourBytes)
	_, _ = rand.Read(value[:random])
	return producer.Record{Topic: "events", Key: []byte("k"), Value: value}
}

// judgedPacked is judged with a partition that answers late, and with compression. It requires that
// no batch is larger than a full one.
func judgedPacked(t *testing.T, c *proof.Case, load func(b *bubble)) {
	var l *late
	var most atomic.Int64
	s := judged(t, c, setup{brokers: 1, topics: onePartition, change: func(c *producer.Config) {
		smallBatches(c)
		c.Batching.Compression = "lz4"
	}, before: behind(&l, false, disklessTakes)}, func(b *bubble) {
		b.k.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
			b.k.KeepControl()
			most.Store(max(most.Load(), int64(largest(r.(*kmsg.ProduceRequest), "events"))))
			return nil, nil, false
		})
		load(b)
		n, _ := l.seen()
		c.Bit("requests that were answered late", int64(n))
	})
	require.Greater(t, most.Load(), int64(disklessBatch/2))
	require.LessOrEqual(t, most.Load(), int64(disklessBatch))
	require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	l.Wait()
}

// A partition has one batch of keyed records in flight. One that answers late takes four times as
// much where that is what compression saves.
func TestVirtual_Diskless_KeyedBatchesAreFullWhenTheyAreCompressed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F7")
		judgedPacked(t, c, func(b *bubble) {
			one := float64(disklessBatch) / disklessTakes.Seconds()
			for range 2 {
				b.flush()
				b.pourKeyed(20*time.Second, pourBytes)
				require.InEpsilon(t, one, b.pourKeyed(20*time.Second, pourBytes), 0.15)
				b.flush()
				b.pourKeyed(time.Minute, pourBytes/5)
				rate := b.pourKeyed(20*time.Second, pourBytes/5)
				c.Figure("rate, in batches an answer", "%.1f", rate/one)
				require.Greater(t, rate, 3.5*one)
				b.pourKeyed(5*time.Second, pourBytes)
			}
		})
	})
}

// Where less is sent than that, an open batch is as large when the partition is free again. It is
// compressed before it goes, and not cut in pieces.
func TestVirtual_Diskless_AnOpenBatchGoesCompressedAndWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		judgedPacked(t, proof.Of(t, "F7"), func(b *bubble) {
			b.pourKeyed(20*time.Second, pourBytes/5)
			b.flush()
			const seconds, perAnswer = 60.0, 2.5 * disklessBatch / pourBytes
			before := b.p.Stats().Requests
			answers := seconds / disklessTakes.Seconds()
			for range int(answers * perAnswer) {
				require.NoError(t, b.ledger.Send(b.p, partlyRandom(pourBytes/5)))
				time.Sleep(time.Duration(float64(disklessTakes) / perAnswer))
			}
			require.Less(t, b.p.Stats().Requests-before, uint64(1.1*answers))
			require.Less(t, float64(b.p.Stats().Total.Pending), 2.5*perAnswer)
		})
	})
}

func TestVirtual_Diskless_ABrokerThatRefusesTheCompressionGetsNoLargerBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F9")
		judgedPacked(t, c, func(b *bubble) {
			b.pourKeyed(20*time.Second, pourBytes/5)
			fault := b.k.Fault(kfake.Fault{
				Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.UnsupportedCompressionType, Count: -1,
				When: func(r kmsg.Request) bool { return compressed(r.(*kmsg.ProduceRequest)) },
			})
			b.pourKeyed(time.Minute, pourBytes/5)
			c.Bit("compressed requests refused", int64(fault.Hits()))
		})
	})
}
