package buffer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// taken sends a record at each of the times, and returns a batch of each, which is taken.
func taken(t *testing.T, topic *Topic, at ...time.Duration) (batches []*Batch) {
	for _, now := range at {
		sendTTL(t, topic, Unkeyed, 0, now)
		b := topic.Take(Unkeyed, -1, true)
		require.NotNil(t, b)
		batches = append(batches, b)
	}
	return batches
}

func TestTopic_ABatchThatWasGivenBackDoesNotHideAnOlderOne(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<30))
	both := taken(t, topic, 0, 30*time.Second)
	topic.Requeue(both[0])
	topic.Requeue(both[1]) // its request has failed later
	require.Equal(t, time.Minute, topic.Deadline(time.Minute))
	require.Equal(t, both[:1], topic.TakeExpired(time.Minute, time.Minute))
	require.Equal(t, both[1:], topic.TakeExpired(90*time.Second, time.Minute))
}

// newMixed returns a topic with keyed records, which were sent half an hour apart, and their
// batches, to be dealt out to three partitions. A key is its partition by modulo. Records of an
// older batch may be younger than those of a newer one.
func newMixed(t *testing.T, size int, keys ...byte) (topic *Topic, stale []*Batch) {
	topic = newTestTopic(t, newTestLane(t, 1<<30, func(c *Config) {
		c.BatchBytes = 4 * joinBelow
		c.ForKey = func(_ string, key []byte, partitions int32) int32 {
			return int32(key[0]) % partitions
		}
	}))
	topic.Recount(2)
	for i, key := range keys {
		r := Record{Key: []byte{key}, Value: make([]byte, size)}
		require.NoError(t, topic.Append(&r, Keyed, 0, time.Duration(i)*30*time.Minute))
	}
	return topic, topic.Recount(3)
}

func TestTopic_WhatWasDealtOutDoesNotHideAnOlderRecord(t *testing.T) {
	topic, stale := newMixed(t, joinBelow, 2, 1, 4)
	for _, b := range stale { // 1 and 4 go to the same one
		require.NoError(t, topic.DealOut(b, 3, roomy))
	}
	requireDue(t, topic, day)
	for _, b := range topic.TakeExpired(day+30*time.Minute, day) {
		require.LessOrEqual(t, b.Born(), 30*time.Minute)
	}
	requireInTime(t, topic, day+30*time.Minute, day)
}

func TestTopic_ABatchThatGetsAnOlderRecordExpiresEarlier(t *testing.T) {
	topic, stale := newMixed(t, 1, 2, 1, 4)
	sendTTL(t, topic, Unkeyed, 0, 45*time.Minute)
	require.NoError(t, topic.DealOut(stale[0], 3, roomy))
	require.NotNil(t, topic.Take(Keyed, 2, true))
	require.Equal(t, day+45*time.Minute, topic.Deadline(day))
	require.NoError(t, topic.DealOut(stale[1], 3, roomy))
	require.Len(t, waits(topic), 2, "1 joins 4")
	require.Equal(t, day+30*time.Minute, topic.Deadline(day))
}

// Of [4, 1] the first record is not the oldest.
func TestTopic_WhatWasJoinedAndIsDividedAgainExpiresWithItsOldestRecord(t *testing.T) {
	topic, stale := newMixed(t, 1, 2, 1, 4)
	for _, b := range stale {
		require.NoError(t, topic.DealOut(b, 3, roomy))
	}
	require.NotNil(t, topic.Take(Keyed, 2, true))
	joined := topic.Take(Keyed, 1, true)
	require.Equal(t, 2, joined.Records())
	require.NoError(t, topic.DealOut(joined, 1, roomy))
	require.Equal(t, day+30*time.Minute, topic.Deadline(day))
}

func TestTopic_ABatchThatIsBeingCompressedDoesNotKeepOthers(t *testing.T) {
	for _, ttl := range []time.Duration{0, time.Second} {
		topic := newTestTopic(t, newTestLane(t, 1<<30))
		for i := range 3 {
			sendTTL(t, topic, Unkeyed, ttl, time.Duration(i))
			topic.flush(NewWaiter())
		}
		busy := topic.ClaimRaw()
		require.EqualValues(t, 0, busy.Born())
		require.Len(t, topic.TakeAll(), 2)
		require.Empty(t, topic.TakeAll())
		busy.Compress(NoCodec)
		require.Equal(t, []*Batch{busy}, topic.TakeAll())
	}
}

func TestTopic_WhatExpiresTakesNoMemoryAfterwards(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<30))
	for i := range 10000 {
		sendTTL(t, topic, Explicit, time.Duration(i%2)*time.Hour, time.Duration(i))
	}
	require.Len(t, topic.TakeAll(), 10000)
	require.Less(t, cap(topic.dues), 100)
}
