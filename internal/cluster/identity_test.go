package cluster

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"pgregory.net/rapid"
)

// granted returns a producer ID that asks for no other.
func granted(id int64) *identity {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	i := newIdentity(&Cluster{cfg: Config{Logger: zap.NewNop()}, ctx: ctx},
		func() {})
	i.answered(id, 0, nil)
	return i
}

func TestIdentity_GivesAPartitionAnEpochItHasNotHad(t *testing.T) {
	i := granted(7)
	renew := func(partition int32) Sequence {
		s, ok := i.renew("events", partition)
		require.True(t, ok)
		return s
	}
	require.Equal(t, Sequence{ID: 7}, renew(3))
	require.Equal(t, Sequence{ID: 7, Epoch: 1}, renew(3))
	require.Equal(t, Sequence{ID: 7, Epoch: 1}, renew(0), "another partition may share the epoch")
	require.True(t, i.current(7))
	require.False(t, i.current(-1), "an ID was granted")
	i.forget("events")
	require.Empty(t, i.taken)
	require.Equal(t, Sequence{ID: 7, Epoch: 2}, renew(0), "above every epoch that it may have had")
}

func TestIdentity_TakesAnotherIDWhenItsEpochsAreSpent(t *testing.T) {
	i := granted(7)
	last := int16(-1)
	for {
		s, ok := i.renew("events", 0)
		if !ok {
			break
		}
		require.Equal(t, last+1, s.Epoch)
		last = s.Epoch
	}
	require.EqualValues(t, lastEpoch, last)
	i.forget("events")
	require.False(t, i.available())
	require.Positive(t, i.epoch, "it does not overflow")
	i.answered(7, 0, nil)
	require.False(t, i.available(), "the same ID is unusable")
	require.True(t, i.retryAt.After(time.Now()), "and is asked for after a pause")
	i.answered(8, 0, nil)
	s, ok := i.renew("events", 0)
	require.True(t, ok)
	require.Equal(t, Sequence{ID: 8}, s)
}

// Whoever asks and forgets, in whatever order: no numbering is given to a partition twice.
func TestIdentity_NeverGivesANumberingTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type given struct {
			topic     string
			partition int32
			Sequence
		}
		i := granted(1)
		before := make(map[given]bool)
		topic := rapid.SampledFrom([]string{"a", "b"})
		ids := int64(1)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"renew", "renew", "forget", "another ID",
				"nearly spent"}).Draw(t, "step") {
			case "renew":
				g := given{topic: topic.Draw(t, "topic"),
					partition: rapid.Int32Range(0, 2).Draw(t, "partition")}
				var ok bool
				if g.Sequence, ok = i.renew(g.topic, g.partition); ok {
					require.False(t, before[g], "%+v", g)
					before[g] = true
				}
			case "forget":
				i.forget(topic.Draw(t, "topic"))
			case "another ID":
				i.drop(i.id)
				id := ids + rapid.Int64Range(0, 1).Draw(t, "more")
				ids = max(ids, id)
				i.answered(id, 0, nil)
			case "nearly spent":
				i.epoch = max(i.epoch, lastEpoch-1)
			}
		}
	})
}
