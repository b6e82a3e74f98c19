package buffer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// ownOf returns the function that gives one topic settings of its own.
func ownOf(name string, own *Own) func(string) *Own {
	return func(topic string) *Own {
		if topic == name {
			return own
		}
		return nil
	}
}

func TestLane_TopicsMayHaveSettingsOfTheirOwn(t *testing.T) {
	zstd, err := NewCodec("zstd", 0)
	require.NoError(t, err)
	lane := newTestLane(t, 1<<20, func(cfg *Config) {
		cfg.DeliveryTimeout, cfg.BatchBytes = time.Hour, 4<<10
		cfg.Own = ownOf("own", &Own{Linger: time.Second, DeliveryTimeout: time.Minute,
			BatchBytes: 1 << 10, Codec: zstd, LeaderAcks: true})
	})
	own, err := lane.Topic("own", 0)
	require.NoError(t, err)
	other, err := lane.Topic("other", 0)
	require.NoError(t, err)
	cfg := own.Config()
	require.Equal(t, []any{time.Second, time.Minute, 1 << 10, zstd, true}, []any{cfg.Linger,
		cfg.DeliveryTimeout, cfg.BatchBytes, cfg.Codec, cfg.LeaderAcks})
	require.NotNil(t, cfg.ForKey)
	require.Equal(t, 4<<10, other.Config().BatchBytes)
	require.Same(t, NoCodec, other.Config().Codec)

	value := make([]byte, 600)
	for _, topic := range []*Topic{own, other} {
		for range 2 {
			require.NoError(t, topic.Append(&Record{Value: value}, Unkeyed, -1, 0))
		}
	}
	require.Equal(t, 1, own.Take(Unkeyed, -1, true).Records(), "two are too large for its limit")
	require.Equal(t, 2, other.Take(Unkeyed, -1, true).Records())
	own.Limit(1 << 20)
	require.Equal(t, 1<<10-HeaderBytes, own.limitLocked(own.Config()), "the smaller one counts")

	// a sixteenth of its own delivery timeout, after which a batch takes no more
	small := &Record{Value: []byte("a")}
	for _, topic := range []*Topic{own, other} {
		require.NoError(t, topic.Append(small, Unkeyed, -1, time.Hour))
		require.NoError(t, topic.Append(small, Unkeyed, -1, time.Hour+time.Minute/16))
	}
	for own.Take(Unkeyed, -1, false) != nil {
	}
	require.Equal(t, 1, own.Take(Unkeyed, -1, true).Records())
	require.Equal(t, 2, other.Take(Unkeyed, -1, true).Records())
}

func TestLane_ConfigureReachesTheTopicsThatThereAre(t *testing.T) {
	lane := newTestLane(t, 1<<20, func(cfg *Config) { cfg.BatchBytes = 4 << 10 })
	topic, err := lane.Topic("own", 0)
	require.NoError(t, err)
	also, err := lane.Topic("also", 0)
	require.NoError(t, err)
	require.Same(t, topic.Config(), also.Config())

	cfg := *lane.Config()
	was := &Own{DeliveryTimeout: time.Minute, BatchBytes: 2 << 10}
	cfg.Own = func(string) *Own { return was }
	lane.Configure(cfg)
	require.Equal(t, 2<<10, topic.Config().BatchBytes)
	require.Same(t, topic.Config(), also.Config(), "thousands of topics may have it")

	cfg.Own, cfg.BatchBytes = ownOf("also", was), 3<<10
	lane.Configure(cfg)
	require.Equal(t, 3<<10, topic.Config().BatchBytes)
	require.Equal(t, 2<<10, also.Config().BatchBytes)
}
