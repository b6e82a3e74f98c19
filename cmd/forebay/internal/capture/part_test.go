package capture

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestPart_EndsWhenNothingIsLeftUpToItsEnd(t *testing.T) {
	p := &part{next: 5, end: 10}
	for range emptyFetches {
		require.EqualValues(t, 5, p.next)
		require.NoError(t, p.take(&kmsg.FetchResponseTopicPartition{HighWatermark: 10}))
	}
	require.EqualValues(t, 10, p.next)
	require.NoError(t, p.fill(t.Context()), "it asks nobody any more")
}

func TestPart_DoesNotTakeALogThatWasCutForAGap(t *testing.T) {
	p := &part{next: 5, end: 10}
	for range 2 * emptyFetches {
		require.ErrorIs(t, p.take(&kmsg.FetchResponseTopicPartition{HighWatermark: 9}), errShort)
	}
	require.EqualValues(t, 5, p.next)
}

func TestFatal_WaitsForWhatPasses(t *testing.T) {
	require.True(t, fatal(kerr.TopicAuthorizationFailed))
	require.True(t, fatal(errMadeAnew))
	for _, err := range []error{nil, errShort, kerr.NotLeaderForPartition, kerr.OffsetOutOfRange} {
		require.False(t, fatal(err), err)
	}
}
