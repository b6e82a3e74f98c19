package fleet

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConnections_AgreeWithCasesComputedByHand(t *testing.T) {
	for _, c := range []struct {
		name, text      string
		instance, limit float64
	}{
		{"one to each broker, and one for metadata",
			"{instances: 100, brokers: 10, topics: [{records_per_second: 1}]}", 11, 3000},
		{"eight of a hundred by default",
			"{instances: 100, brokers: 100, topics: [{records_per_second: 1}]}", 9, 3000},
		{"those of its zone",
			"{instances: 100, brokers: 12, zones: 3, topics: [{records_per_second: 1}]}", 5, 3000},
		{"all priorities use the same",
			"{instances: 100, brokers: 100, topics: [{records_per_second: 1}, " +
				"{records_per_second: 1, priority: low}]}", 9, 3000},
		{"or each has its own", "{instances: 100, brokers: 100, settings: {share_connections: " +
			"false}, topics: [{records_per_second: 1}, {records_per_second: 1, priority: low}]}",
			17, 3000},
		{"keys go to all brokers", "{instances: 100, brokers: 100, limits: {connections: 50}, " +
			"topics: [{records_per_second: 1}, {records_per_second: 1, keyed: true}]}", 101, 50},
		{"that lead their partitions", "{instances: 100, brokers: 100, topics: " +
			"[{records_per_second: 1, keyed: true, partitions: 20}]}", 21, 3000},
	} {
		p := planOf(t, c.text)
		require.InEpsilon(t, c.instance, p.Connections.Instance, 1e-9, c.name)
		require.InEpsilon(t, c.instance*100/float64(p.Brokers), p.Connections.Broker, 1e-9, c.name)
		require.InEpsilon(t, p.Connections.Broker/c.limit, p.Connections.Share, 1e-9, c.name)
	}
}

func TestStorm_AgreesWithACaseComputedByHand(t *testing.T) {
	s := planOf(t, "{instances: 1000, brokers: 100, topics: [{records_per_second: 1}]}").Storm
	require.InEpsilon(t, 1000/1.5, s.Attempts, 1e-9, "one in 1.5 seconds on average")
	require.InEpsilon(t, 500, s.ShortAttempts, 1e-9, "one in probe_max")
	require.Equal(t, 1000+1000*8/100.0, s.Open, "that of the probe, and those for records")
	require.InEpsilon(t, 1080/100.0, s.Seconds, 1e-9)

	s = planOf(t, "{instances: 1000, brokers: 100, settings: {probe_max: 500ms}, topics: "+
		"[{records_per_second: 1}], limits: {new_connections_per_second: 10k}}").Storm
	require.InEpsilon(t, 2000, s.Attempts, 1e-9, "200 of each instance")
	require.InEpsilon(t, 2000, s.ShortAttempts, 1e-9)
	require.Equal(t, 0.5, s.Seconds, "the last probe")

	s = planOf(t, "{instances: 10, brokers: 10, outage: 1m, topics: [{records_per_second: 1}]}").Storm
	require.InEpsilon(t, 30, s.ShortAttempts, 1e-9, "three in 100 ms, on ten brokers")
	require.InEpsilon(t, 1/3.0, s.Seconds, 1e-9)
}

// A topic that none of the few brokers leads goes to its first leader in the order of the instance.
// The formula agrees with an instance that is played.
func TestConnections_TopicsWithFewPartitionsReachMoreBrokers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ brokers, topics, partitions int }{
		{200, 2000, 7}, {200, 50, 7}, {100, 20, 3}, {100, 5, 1}, {20, 40, 6}, {100, 20, 100},
	} {
		p := planOf(t, fmt.Sprintf("{instances: 100, brokers: %d, topics: [{count: %d, "+
			"partitions: %d, records_per_second: 1}]}", c.brokers, c.topics, c.partitions))
		const rounds, kept = 30, 8
		sum := 0
		for range rounds {
			used := make(map[int]bool)
			for i := range kept {
				used[i] = true
			}
			for range c.topics {
				used[slices.Min(random.Perm(c.brokers)[:c.partitions])] = true
			}
			sum += len(used)
		}
		require.InEpsilon(t, 1+float64(sum)/rounds, p.Connections.Instance, 0.05, "%+v", c)
	}
}
