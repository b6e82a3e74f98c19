package simulate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
)

// Batches that fill in no time are kept together, so a long outage needs no more memory.
func TestBacklog_DoesNotGrowWithTheBatches(t *testing.T) {
	t.Parallel()
	f := flow{timeout: 600, rate: 1000, size: 100, wire: 50, ratio: 2, streams: 1, most: 10,
		batch: 1000}
	lane := 0.0
	q := backlog{lane: &lane}
	expired := 0.0
	for now := range 1200 {
		expired += q.expire(&f, float64(now))
		q.seal(&f, float64(now))
		q.add(1000, f.openBytes(1000), float64(now))
	}
	require.Less(t, len(q.sealed), sealedApart+2)
	require.InDelta(t, 600_000, q.records, 5_000)
	require.InDelta(t, 600_000, expired, 5_000)
	require.InEpsilon(t, q.records/10*(512+fleet.BatchOverhead), q.held, 0.01)
	require.InDelta(t, q.held, lane, 1)
	require.InDelta(t, 60_000, q.send(&f, q.records), 500)
	require.InDelta(t, 0, q.held+lane, 1)
}
