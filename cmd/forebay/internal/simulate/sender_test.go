package simulate

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
	"github.com/forebay-go/forebay/routing"
)

// planOf returns the plan of a fleet.
func planOf(t *testing.T, text string) *fleet.Plan {
	t.Helper()
	f, err := fleet.Parse("fleet.yaml", []byte(text))
	require.NoError(t, err)
	return fleet.Make(f, fleet.Coefficients{PerRequest: 2e-4, PerBatch: 1e-4, PerMegabyte: 2e-3,
		PerFetch: 3e-4, PerConnection: 1e-5, Base: 0.05})
}

// The formulas of the plan, and what it plays where there is none, against the rules of the engine
// record by record. TestVirtual_OneRequestALinger has 101, 59, 45 and 9.6 records in a request for
// the cases of 50 topics, of the engine itself.
func TestSender_AgreesWithThePlan(t *testing.T) {
	const few = "settings: {ack_latency: 100us, buffer_bytes: 1GiB"
	for _, c := range []struct{ name, text string }{
		{"one topic", "brokers: 12, " + few + "}, topics: [{records_per_second: 10k, record_bytes: 100}]"},
		{"one partition", "brokers: 3, " + few + "}, topics: [{partitions: 1, records_per_second: 300, record_bytes: 100}]"},
		{"50 topics", "brokers: 12, " + few + "}, topics: [{count: 50, records_per_second: 10k, record_bytes: 100}]"},
		{"50 topics on a quarter of the brokers", "brokers: 12, " + few + "}, topics: [{count: 50, partitions: 3, records_per_second: 10k, record_bytes: 100}]"},
		{"50 topics on half of the brokers", "brokers: 12, " + few + "}, topics: [{count: 50, partitions: 6, records_per_second: 1k, record_bytes: 100}]"},
		{"10 topics on a quarter", "brokers: 12, " + few + "}, topics: [{count: 10, partitions: 3, records_per_second: 1k, record_bytes: 100}]"},
		{"none of the few brokers leads it", "brokers: 40, " + few + "}, topics: [{count: 60, partitions: 3, records_per_second: 600, record_bytes: 100}]"},
		{"many topics", "brokers: 12, " + few + "}, topics: [{count: 1k, records_per_second: 1k, record_bytes: 100}]"},
		{"keys", "brokers: 12, " + few + "}, topics: [{records_per_second: 10k, record_bytes: 100, keyed: true}]"},
		{"few keys", "brokers: 6, " + few + "}, topics: [{count: 5, records_per_second: 300, record_bytes: 100, keyed: true}]"},
		{"keys in many partitions", "brokers: 6, " + few + "}, topics: [{partitions: 60, records_per_second: 1k, record_bytes: 100, keyed: true}]"},
		{"with and without keys", "brokers: 6, " + few + "}, topics: [{count: 4, records_per_second: 300, record_bytes: 100}, {count: 4, records_per_second: 300, record_bytes: 100, keyed: true}]"},
		{"full batches", "brokers: 4, " + few + "}, topics: [{records_per_second: 1k, record_bytes: 100kB}]"},
		{"full batches, fast", "brokers: 4, " + few + "}, topics: [{records_per_second: 5k, record_bytes: 20kB}]"},
		{"full batches of topics", "brokers: 4, " + few + "}, topics: [{count: 3, records_per_second: 20k, record_bytes: 20kB}]"},
		{"two records in a batch", "brokers: 4, " + few + "}, topics: [{count: 4, records_per_second: 1k, record_bytes: 400kB}]"},
		{"slow answers", "brokers: 2, settings: {ack_latency: 40ms, linger: 0}, topics: [{records_per_second: 10k, record_bytes: 100}]"},
		{"no linger", "brokers: 2, " + few + ", linger: 0}, topics: [{records_per_second: 100, record_bytes: 100}]"},
		{"max_linger, ten records", "brokers: 6, " + few + ", max_linger: 1s}, topics: [{records_per_second: 100, record_bytes: 100}]"},
		{"max_linger, 16 KiB", "brokers: 6, " + few + ", linger: 0, max_linger: 1s}, topics: [{records_per_second: 1k, record_bytes: 4087}]"},
		{"max_linger, as far as it may", "brokers: 6, " + few + ", max_linger: 40ms}, topics: [{records_per_second: 100, record_bytes: 100}]"},
		{"max_linger, no need", "brokers: 6, " + few + ", max_linger: 1s}, topics: [{records_per_second: 10k, record_bytes: 100}]"},
		{"max_linger, keys", "brokers: 3, " + few + ", max_linger: 1s}, topics: [{records_per_second: 300, record_bytes: 100, keyed: true}]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := planOf(t, "{instances: 4, "+c.text+"}")
			f := p.Fleet()
			for i := range f.Topics { // the rates above are those of one instance
				f.Topics[i].InstanceRecordsPerSecond = f.Topics[i].RecordsPerSecond
			}
			p = p.With(func(changed *fleet.Fleet) { *changed = f })
			got := paceOf(newLayout(&f), routing.Medium, 0)
			require.InEpsilon(t, p.Instance.Requests, got.requests, 0.1)
			require.InEpsilon(t, p.Instance.Batches, got.batches, 0.15)
		})
	}
}

// A file with many entries is played in little time.
func TestSender_ManyEntriesTakeLittleTime(t *testing.T) {
	t.Parallel()
	p := planOf(t, "{instances: 1k, brokers: 100, topics: ["+strings.Repeat(
		"{count: 200, partitions: 20, records_per_second: 100}, "+
			"{count: 200, partitions: 20, records_per_second: 100, keyed: true}, ", 150)+"]}")
	f := p.Fleet()
	s := newSender(newLayout(&f), 0, routing.Medium, 0)
	require.Less(t, len(s.streams), 4000)
	c := s.run()
	require.LessOrEqual(t, c.records*float64(len(s.streams)), float64(looks))
	require.NotZero(t, c.requests)
}
