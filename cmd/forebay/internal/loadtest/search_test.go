package loadtest

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// until returns a probe of a system with a capacity. One of hiccups measurements is missed whatever
// the rate; 0: none.
func until(capacity float64, hiccups int, random *rand.Rand) probe {
	return func(_ context.Context, rate float64) (Verdict, error) {
		if rate > capacity || hiccups > 0 && random.IntN(hiccups) == 0 {
			return Missed, nil
		}
		return Met, nil
	}
}

func TestSearch_FindsTheCapacityToItsResolution(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := rapid.Float64Range(1000, 900_000).Draw(t, "capacity")
		resolution := rapid.Float64Range(0.001, 0.5).Draw(t, "resolution")
		f, err := search(context.Background(), SearchConfig{From: 1000, To: 1e6,
			Resolution: resolution, Confirm: 2}, until(capacity, 0, nil))
		require.NoError(t, err)
		require.Equal(t, ByObjective, f.Limit)
		require.LessOrEqual(t, f.Highest, capacity)
		require.Greater(t, f.Above, capacity)
		require.LessOrEqual(t, f.Above-f.Highest, resolution*f.Highest)
	})
}

// One of ten measurements fails for no reason. Taken one by one, some of the ten or more rates would
// then be called too high in most searches.
func TestSearch_AHiccupDoesNotDecide(t *testing.T) {
	right := func(confirm int) (n int) {
		for seed := range uint64(1000) {
			f, err := search(context.Background(), SearchConfig{From: 1000, To: 1e6,
				Resolution: 0.05, Confirm: confirm}, until(100_000, 10, rand.New(rand.NewPCG(seed, 1))))
			require.NoError(t, err)
			if f.Highest > 100_000/1.1 {
				n++
			}
		}
		return n
	}
	require.Less(t, right(1), 600)
	require.Greater(t, right(2), 700)
	require.Greater(t, right(3), 900)
}

func TestSearch_StopsAtItsBounds(t *testing.T) {
	c := SearchConfig{From: 1000, To: 5000, Resolution: 0.05, Confirm: 2}
	f, err := search(t.Context(), c, until(1e9, 0, nil))
	require.NoError(t, err)
	require.Equal(t, Found{Highest: 5000, Limit: ByTo, Measurements: 8}, f)

	f, err = search(t.Context(), c, until(10, 0, nil))
	require.NoError(t, err)
	require.Equal(t, Found{Above: 1000, Limit: ByObjective, Measurements: 2}, f)
}

func TestSearch_ASlowSenderIsNotAMissedObjective(t *testing.T) {
	f, err := search(t.Context(), SearchConfig{From: 1000, To: 1e6, Resolution: 0.1, Confirm: 2},
		func(_ context.Context, rate float64) (Verdict, error) {
			if rate > 10_000 {
				return Inconclusive, nil
			}
			return Met, nil
		})
	require.NoError(t, err)
	require.Equal(t, BySender, f.Limit)
	require.InDelta(t, 10_000, f.Highest, 1000)
}

func TestSearch_VerdictsThatDifferEndAfterAWhile(t *testing.T) {
	n := 0
	f, err := search(t.Context(), SearchConfig{From: 1000, To: 1000, Resolution: 0.1, Confirm: 3},
		func(context.Context, float64) (Verdict, error) {
			n++
			return []Verdict{Met, Missed, Inconclusive}[n%3], nil
		})
	require.NoError(t, err)
	require.Equal(t, Found{Above: 1000, Limit: ByObjective, Measurements: 7}, f)
}

func TestSearch_KeepsWhatItHasFoundWhenItEndsEarly(t *testing.T) {
	ended := errors.New("ended")
	f, err := search(t.Context(), SearchConfig{From: 1000, To: 1e6, Resolution: 0.1, Confirm: 1},
		func(_ context.Context, rate float64) (Verdict, error) {
			if rate > 4000 {
				return "", ended
			}
			return Met, nil
		})
	require.ErrorIs(t, err, ended)
	require.Equal(t, Found{Highest: 4000, Limit: ByInterrupted, Measurements: 3}, f)
}

// All of it but Kafka: the objective is one of latency, and the latency that of a queue.
func TestSearch_FindsTheCapacityOfAQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testConfig()
		c.Mode, c.Objective = Search, &Objective{P99: 50 * time.Millisecond}
		c.WarmUp, c.Duration = time.Second, 2*time.Second
		c.Search.From = 500
		require.NoError(t, c.Complete())
		clock := newMeter("east")
		kafka := newFakeKafka(clock, 3000)
		defer kafka.close()
		b := newFakeBench(c, kafka, clock)
		f, err := search(t.Context(), c.Search, func(ctx context.Context, rate float64) (Verdict, error) {
			m, err := b.measure(ctx, ctx, rate, nil, named{})
			return m.Verdict, err
		})
		require.NoError(t, err)
		require.Equal(t, ByObjective, f.Limit)
		require.InDelta(t, 3000, f.Highest, 3000*0.06)
	})
}
