package fleet

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// requestsOf returns the requests/s of one instance, for all priorities.
func requestsOf(t *testing.T, text string) float64 {
	t.Helper()
	return compute(parse(t, text), Coefficients{}).Instance.Requests
}

func TestRequests_AgreeWithCasesComputedByHand(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       float64
	}{
		{"a record comes after 1 ms, and lingers for 10 ms",
			"{instances: 1, brokers: 1, topics: [{records_per_second: 1k, record_bytes: 100}]}",
			1 / 0.011},
		{"how many brokers there are does not matter without keys",
			"{instances: 1, brokers: 9, topics: [{records_per_second: 1k, record_bytes: 100}]}",
			1 / 0.011},
		{"nor how many topics share the requests",
			"{instances: 1, brokers: 9, topics: [{count: 50, records_per_second: 1k, " +
				"record_bytes: 100}]}", 1 / 0.011},
		{"with keys each broker gets its own: 12 times 1/(10 ms + 1 ms)",
			"{instances: 1, brokers: 12, topics: [{records_per_second: 12k, keyed: true, " +
				"record_bytes: 100}]}", 12 / 0.011},
		{"3 partitions are on 3 of 12 brokers",
			"{instances: 1, brokers: 12, topics: [{records_per_second: 3k, keyed: true, " +
				"partitions: 3, record_bytes: 100}]}", 3 / 0.011},
		{"each priority makes its own",
			"{instances: 1, brokers: 2, topics: [{records_per_second: 1k}, " +
				"{records_per_second: 100, priority: low}]}", 1/0.011 + 1/0.020},
		{"without linger each record is a request",
			"{instances: 1, brokers: 2, settings: {linger: 0}, topics: [{records_per_second: 70}]}",
			70},
		{"but not more than two in flight to each broker, for 5 ms",
			"{instances: 1, brokers: 2, settings: {linger: 0}, topics: [{records_per_second: 1M, " +
				"record_bytes: 1, partitions: 10}]}", 2 * 2 / 0.005},
		{"nor more than one to each partition",
			"{instances: 1, brokers: 2, settings: {linger: 0}, topics: [{records_per_second: 1M, " +
				"record_bytes: 1, partitions: 1}]}", 1 / 0.005},
		{"a batch is full after 1,000 records of 1,000 bytes",
			"{instances: 1, brokers: 1, settings: {linger: 1s, buffer_bytes: 1GiB}, topics: " +
				"[{records_per_second: 20k, record_bytes: 991}]}", 20},
		{"one of two topics fills batches, half a batch goes with each request of the other",
			"{instances: 1, brokers: 1, settings: {linger: 1s, buffer_bytes: 1GiB}, topics: " +
				"[{records_per_second: 20k, record_bytes: 991}, {records_per_second: 1, " +
				"record_bytes: 100}]}", 1/2.0 + 20 - 1/2.0/2},
		{"the fleet's rate is shared by the instances",
			"{instances: 10, brokers: 1, topics: [{records_per_second: 10k, record_bytes: 100}]}",
			1 / 0.011},
		{"nothing is sent", "{instances: 1, brokers: 1, topics: [{records_per_second: 0}]}", 0},
	} {
		require.InDelta(t, c.want, requestsOf(t, c.text), 1e-6*c.want, c.name)
	}
}

func TestRequests_LateBatchesAreFewer(t *testing.T) {
	f := parse(t, "{instances: 1, brokers: 1, topics: [{records_per_second: 1k}]}")
	p := compute(f, Coefficients{Late: 0.001})
	require.InEpsilon(t, 1/0.012, p.Instance.Requests, 1e-9)
}

func TestBatches_AreOneForEachTopicThatHasSomething(t *testing.T) {
	for _, c := range []struct {
		text string
		want float64
	}{
		{"{instances: 1, brokers: 1, topics: [{records_per_second: 1k}]}", 1 / 0.011},
		// 50 topics of 20 records/s: 1-e^(-20·0.011) of them have something
		{"{instances: 1, brokers: 1, topics: [{count: 50, records_per_second: 1k}]}",
			50 * (1 - math.Exp(-20*0.011)) / 0.011},
		// 20 topics of 1,000 records/s, and 49 records in each batch
		{"{instances: 1, brokers: 1, settings: {linger: 1s, ack_latency: 100us}, topics: " +
			"[{count: 20, records_per_second: 20k, record_bytes: 20kB}]}", 20_000.0 / 49},
		// 12 partitions of 1,000/12 records/s
		{"{instances: 1, brokers: 1, topics: [{records_per_second: 1k, keyed: true, " +
			"partitions: 12}]}", 12 * (1 - math.Exp(-1000.0/12*0.011)) / 0.011},
	} {
		p := compute(parse(t, c.text), Coefficients{})
		require.InEpsilon(t, c.want, p.Instance.Batches, 1e-6, c.text)
	}
}

func TestPlay_IsTheSameEachTime(t *testing.T) {
	const text = "{instances: 1, brokers: 12, topics: [{count: 50, partitions: 3, " +
		"records_per_second: 1k}]}"
	require.Equal(t, requestsOf(t, text), requestsOf(t, text))
}
