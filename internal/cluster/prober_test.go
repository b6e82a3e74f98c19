package cluster

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProber_AsksAsOftenAsItsLongestTimeSays(t *testing.T) {
	for _, most := range []time.Duration{ProbeMax, time.Minute} {
		p := newProber(most)
		for range 100 {
			wait := p.next(time.Second, false)
			require.GreaterOrEqual(t, wait, most/25, "a short outage")
			require.LessOrEqual(t, wait, most/16)
		}
		sum := time.Duration(0)
		for range 1000 {
			wait := p.next(shortRange, false)
			require.LessOrEqual(t, wait, most)
			sum += wait
		}
		require.InDelta(t, float64(most)/2, float64(sum)/1000, float64(most)/10)
		require.LessOrEqual(t, p.next(0, true), most, "refused")
	}
}
