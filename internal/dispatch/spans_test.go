package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/delivery"
)

func TestHistogram_CountsWhereABoundBelongsToItsBucket(t *testing.T) {
	var s spans
	s.add(5*time.Millisecond, 3)
	s.add(5*time.Millisecond+1, 2)
	s.add(25*time.Hour, 1)
	h := s.load()
	require.EqualValues(t, 6, h.Count())
	require.EqualValues(t, 3, h.Buckets[0])
	require.EqualValues(t, 2, h.Buckets[1])
	require.EqualValues(t, 1, h.Buckets[len(h.Buckets)-1])
	require.InDelta(t, 0.025+90_000, h.Sum, 1e-3)
	require.Len(t, h.Buckets, len(delivery.HistogramBounds())+1)
	require.IsIncreasing(t, delivery.HistogramBounds())
}

func TestHistogram_QuantileIsTheBoundOfItsBucket(t *testing.T) {
	var s spans
	empty := s.load()
	require.Zero(t, empty.Quantile(0.99))
	s.add(time.Millisecond, 90)
	s.add(80*time.Millisecond, 9)
	s.add(2*time.Hour, 1)
	h := s.load()
	require.Equal(t, 5*time.Millisecond, h.Quantile(0))
	require.Equal(t, 5*time.Millisecond, h.Quantile(0.9))
	require.Equal(t, 100*time.Millisecond, h.Quantile(0.99))
	require.Equal(t, time.Hour, h.Quantile(1))
}
