package dispatch

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/buffer"
)

// A topic is handed over when what is in flight has come home. Records may expire before that.
func TestSender_WakesForWhatExpiresInATopicThatIsToBeHandedOver(t *testing.T) {
	f := newFilling(t)
	f.topic(false, f.broker())
	ts := f.active[0]
	r := buffer.Record{TTL: 8 * time.Second}
	require.NoError(t, ts.t.Append(&r, buffer.Unkeyed, -1, f.pass.now))
	ts.leaving, ts.all[0].flying = true, new(item)
	ts.survey()
	f.settleActive()
	require.Equal(t, ts.t.Deadline(time.Hour), f.pass.at)
}

// Batches that are not sent before they are compressed would wait for as long as another lane, or
// another topic, has others.
func TestSender_WhatMustBeCompressedWaitsForNoOtherLaneOrTopic(t *testing.T) {
	f := newFilling(t)
	for range 3 {
		f.topic(false, f.broker())
		ts := f.active[len(f.active)-1]
		ts.t = newStretchedTopic(t, 40)
		ts.cfg = ts.t.Config()
		ts.survey()
	}
	c := f.engine.compressor
	c.slots = 1
	c.busy = 1 // another lane has it, and takes it again each time
	for range 30 {
		f.settleActive()
		require.LessOrEqual(t, f.pass.at, f.pass.now+retryMin, "it looks again")
		c.wg.Wait()
		packed := 0
		for _, ts := range f.active {
			ts.survey()
			for _, w := range slices.Clone(ts.waiting) {
				if !w.Stretched {
					packed++
					b := ts.t.Take(w.Kind, w.Partition, false)
					require.NotZero(t, b.Codec())
					ts.t.Resolve(b, 0, 0, false)
				}
			}
			ts.survey()
		}
		require.Equal(t, 1, packed)
	}
	for _, ts := range f.active {
		require.Len(t, ts.waiting, 30, "topics take turns")
	}
}

// newStretchedTopic returns a topic with a batch for each of so many partitions that is larger than
// a full one by now.
func newStretchedTopic(t *testing.T, partitions int32) *buffer.Topic {
	codec, err := buffer.NewCodec("lz4", 0)
	require.NoError(t, err)
	l := newTestLane()
	cfg := *l.Config()
	topic, err := l.Topic("t", 0)
	require.NoError(t, err)
	for p := range partitions {
		for range 2 {
			r := buffer.Record{Value: make([]byte, 450)}
			require.NoError(t, topic.Append(&r, buffer.Explicit, p, 0))
		}
	}
	l.Flush(buffer.NewWaiter())
	cfg.Codec, cfg.BatchBytes = codec, 512
	l.Configure(cfg)
	return topic
}
