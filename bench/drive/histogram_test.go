package drive

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHistogram_QuantilesAreRightToOneIn64(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var rec recorder
	var all []int64
	for range 10_000 {
		d := time.Duration(r.Int64N(1 << (1 + r.IntN(40))))
		h.Add(d)
		rec.add(d)
		all = append(all, int64(d))
	}
	slices.Sort(all)
	require.Equal(t, h, rec.histogram())
	require.EqualValues(t, len(all), h.Count())
	for _, q := range []float64{0.0001, 0.5, 0.99, 0.999, 0.9999} {
		exact := all[int(q*float64(len(all))+0.999999)-1]
		got := h.Quantile(q)
		require.GreaterOrEqual(t, got, exact, "p%v", 100*q)
		require.LessOrEqual(t, float64(got), float64(exact)*(1+1.0/fine), "p%v", 100*q)
	}
	require.Equal(t, all[len(all)-1], h.Quantile(1))
}

func TestHistogram_BucketsFollowEachOther(t *testing.T) {
	for n := int64(0); n < 1<<14; n++ {
		b := bucketOf(n)
		require.GreaterOrEqual(t, topOf(b), n)
		if b > 0 {
			require.Less(t, topOf(b-1), n)
		}
	}
	require.Less(t, bucketOf(1<<62), len(recorder{}.counts))
}

func TestHistogram_SurvivesJSONAndMerging(t *testing.T) {
	var a, b Histogram
	a.Add(10)
	b.Add(10)
	b.Add(5000)
	text, err := json.Marshal(b)
	require.NoError(t, err)
	var read Histogram
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, b, read)
	a.merge(read)
	require.EqualValues(t, 3, a.Count())
	require.EqualValues(t, 10, a.Quantile(0.5))
	require.EqualValues(t, 5000, a.Quantile(0.99))
	require.Zero(t, new(Histogram).Quantile(0.5))
}
