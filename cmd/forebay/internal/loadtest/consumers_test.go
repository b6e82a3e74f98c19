package loadtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rounds makes measurements of some rounds. The machine becomes slower by drift ms from phase to
// phase, and readers cost as much as cost says.
func rounds(n int, drift float64, cost map[string]float64) (all []*Measurement) {
	at := 10.0
	for round := 1; round <= n; round++ {
		for _, phase := range phases {
			m := &Measurement{Name: phase, Round: round, DeliveredRate: 1000}
			m.Ack.P50 = Millis(at + cost[phase])
			m.Ack.P99 = 2 * m.Ack.P50
			all = append(all, m)
			at += drift
		}
	}
	return all
}

func TestImpacts_AMachineThatBecomesSlowerDoesNotLookLikeReadersThatCostSomething(t *testing.T) {
	list := impacts(rounds(3, 1, map[string]float64{Tailing: 5, Beginning: 40}))
	require.Len(t, list, 4)
	require.Nil(t, list[0].Changes)
	// Of the 3 ms that the machine loses in a round, half a millisecond is left.
	require.Equal(t, &Spread{4.5, 4.5, 4.5}, list[1].Changes.AckP50)
	require.Equal(t, &Spread{40.5, 40.5, 40.5}, list[2].Changes.AckP50)
	require.Equal(t, &Spread{3, 3, 3}, list[3].Changes.AckP50, "the drift shows where nothing else differs")
	require.Equal(t, &Spread{14, 10, 18}, list[0].AckP50)
	require.Nil(t, list[1].BrokerCPU, "what is not at hand is not 0")
	require.Nil(t, list[1].Changes.BrokerCPU)
}

func TestImpacts_LeavesOutARoundThatIsNotWhole(t *testing.T) {
	all := rounds(3, 0, map[string]float64{Tailing: 5})
	list := impacts(all[:7])
	require.Equal(t, &Spread{5, 5, 5}, list[1].Changes.AckP50)
	require.Empty(t, impacts(all[:3]))
	all[7].Interrupted, all[7].Ack.P50 = true, 1000
	require.Equal(t, &Spread{10, 10, 10}, impacts(all[:8])[3].AckP50, "its last phase is cut short")
	last := &Measurement{Name: "10ms", Interrupted: true, Ack: Latency{P50: 1000}}
	first := &Measurement{Name: "10ms", Ack: Latency{P50: 10}}
	require.Equal(t, &Spread{10, 10, 10}, waits([]time.Duration{10 * time.Millisecond}, []*Measurement{first, last})[0].AckP50)
}

func TestSpread_IsTheMedianAndBothEnds(t *testing.T) {
	require.Nil(t, spread(nil))
	require.Equal(t, &Spread{2, 1, 30}, spread([]float64{30, 1, 2}))
	require.Equal(t, &Spread{2.5, 1, 4}, spread([]float64{4, 1, 2, 3}))
}
