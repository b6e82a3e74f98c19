package fleet

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFetches_AgreeWithCasesComputedByHand(t *testing.T) {
	require.Zero(t, Fetches(100, 1, 1, 50), "no replicas")
	require.Zero(t, Fetches(100, 1, 3, 1), "no other broker")
	require.Zero(t, Fetches(0, 0, 3, 3))
	// both others follow everything: each fetches after 10 ms on average, and 2 ms
	require.InEpsilon(t, 2/0.012, Fetches(100, 1, 3, 3), 1e-9)
	// each of 49 others follows a 49th
	require.InEpsilon(t, 49/(0.49+0.002), Fetches(100, 1, 2, 50), 1e-9)
	// one of three batches is for one of four others, or two, or all
	rate := 100 * (1 - math.Pow(0.75, 3))
	require.InEpsilon(t, 4/(1/rate+0.002), Fetches(100, 3, 2, 5), 1e-9)
}

func TestPlan_CountsReplication(t *testing.T) {
	f := parse(t, "{instances: 10, brokers: 5, topics: [{records_per_second: 5k, "+
		"record_bytes: 991}]}")
	p := compute(f, Coefficients{PerFetch: 1e-3})
	each := 10 * 1 / (0.01 + 1/500.0) / 5
	require.InEpsilon(t, each, p.Broker.Requests, 1e-9)
	require.InEpsilon(t, 4/(1/(each/4)+0.002), p.Broker.Fetches, 1e-9)
	require.InEpsilon(t, p.Broker.Fetches*1e-3, p.Broker.Cores.Total, 1e-9)
}
