package fleet

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func planOf(t *testing.T, text string) *Plan {
	t.Helper()
	p := Make(parse(t, text), Coefficients{PerRequest: 2e-4, PerBatch: 1e-4, PerMegabyte: 2e-3,
		PerConnection: 1e-5, Base: 0.05})
	requireFinite(t, p)
	return p
}

// Records of 991 bytes have 1,000 with their framing. 100 a second fill a batch of 1,000,000 bytes
// in ten seconds. Its buffer has 245 pages of 4,096 bytes.
const fullBatch = 245*4096 + 320

func TestOutage_AgreesWithACaseComputedByHand(t *testing.T) {
	o := planOf(t, "{instances: 10, brokers: 2, topics: [{instance_records_per_second: 100, "+
		"record_bytes: 991}]}").Outage
	require.Equal(t, 600.0, o.Seconds)
	require.InEpsilon(t, 61*fullBatch, o.Needed, 1e-9, "sixty are full, and one is open")
	require.True(t, o.Fits, "61 MB of 67")
	require.InEpsilon(t, 61*fullBatch, o.Lanes[0].Kept, 1e-9)
	require.InEpsilon(t, 600, o.Lanes[0].KeptSeconds, 1e-9)
	require.Zero(t, o.Lanes[0].Expired+o.Lanes[0].NoRoom)
	require.InEpsilon(t, 60e6*10/2, o.Backlog, 1e-9)
	require.Equal(t, 100e6, o.Capacity)
	require.Equal(t, "network or disk", o.Bound)
	// 500 records/s come in meanwhile
	require.InEpsilon(t, 60e6*5/(100e6-0.5e6), o.DrainSeconds, 0.001)
}

func TestMemory_AgreesWithCasesComputedByHand(t *testing.T) {
	for _, c := range []struct {
		name, topic string
		want        float64
	}{
		{"full batches are compressed to 250,000 bytes, for which a buffer of 2^18 is made",
			"{records_per_second: 100, record_bytes: 991, compression_ratio: 4}",
			60*(1<<18+320) + fullBatch},
		{"what is compressed a little takes whole pages still",
			"{records_per_second: 100, record_bytes: 991, compression_ratio: 1.001}",
			60*(244*4096+320) + fullBatch},
		// 1 + 10·37.5 records in each, of 1,000 bytes, in a buffer of 2^19
		{"a slow batch is sealed after a sixteenth of the delivery timeout",
			"{records_per_second: 10, record_bytes: 991}",
			(600/(37.5+0.1) + 1) * (1<<19 + 320)},
		{"each topic has its own", "{count: 10, records_per_second: 100, record_bytes: 991}",
			10 * (600/(37.5+0.1) + 1) * (1<<19 + 320)},
		{"with keys each partition", "{partitions: 10, keyed: true, records_per_second: 100, " +
			"record_bytes: 991}", 10 * (600/(37.5+0.1) + 1) * (1<<19 + 320)},
		// 1 + 0.2·225 records of 100 bytes in each, in a buffer of 2^13
		{"the delivery timeout of high is longer",
			"{records_per_second: 0.2, record_bytes: 91, priority: high}",
			(600/(225+5.0) + 1) * (1<<13 + 320)},
		// the batch that is open has what came in 600 s: 1,000 · 600 · 0.002 = 1,200 bytes
		{"nothing is sealed before the outage ends", "{records_per_second: 0.002, record_bytes: 991, " +
			"priority: high}", 1<<11 + 320},
		{"a topic that has a record in an hour or so", "{records_per_second: 1e-4, record_bytes: 91}",
			600 * 1e-4 * (512 + 320)},
	} {
		o := planOf(t, "{instances: 1, brokers: 1, topics: ["+c.topic+"]}").Outage
		require.InEpsilon(t, c.want, o.Needed, 1e-6, c.name)
	}
}

func TestOutage_RecordsExpireOrFindNoRoom(t *testing.T) {
	o := planOf(t, "{instances: 1, brokers: 1, outage: 20m, topics: ["+
		"{records_per_second: 100, record_bytes: 991, priority: low}, "+
		"{records_per_second: 100, record_bytes: 991}]}").Outage
	require.Len(t, o.Lanes, 2)
	medium, low := o.Lanes[0], o.Lanes[1]
	require.Equal(t, "medium", medium.Priority)
	require.False(t, o.Fits)
	require.Equal(t, 100.0*(1200-600), medium.Expired, "after ten minutes")
	require.InEpsilon(t, 61*fullBatch, medium.Kept, 1e-9, "61.2 MB of 62.9")
	require.InEpsilon(t, 64*(1<<20)-61*fullBatch, low.Kept, 1e-9, "what medium leaves")
	// nine times two minutes, each of which fills the buffer once, and the two that are left
	require.InEpsilon(t, 9*120*low.Kept/low.Needed*100, low.Expired, 1e-9)
	require.InEpsilon(t, 10*120*(1-low.Kept/low.Needed)*100, low.NoRoom, 1e-9)
}

func TestOutage_HigherPrioritiesLeaveTheGuarantees(t *testing.T) {
	o := planOf(t, "{instances: 1, brokers: 1, outage: 50m, settings: {buffer_bytes: 16MiB}, "+
		"topics: [{records_per_second: 100, priority: high}, {records_per_second: 100}, "+
		"{records_per_second: 1, priority: low, record_bytes: 100}]}").Outage
	guaranteed := 16 * float64(1<<20) / 16
	low := o.Lanes[2]
	require.Less(t, low.Needed, guaranteed)
	require.InEpsilon(t, low.Needed, low.Kept, 1e-9, "less than its guarantee")
	require.InEpsilon(t, guaranteed, o.Lanes[1].Kept, 1e-9)
	require.InEpsilon(t, 15*guaranteed-low.Needed, o.Lanes[0].Kept, 1e-9)
}

func TestOutage_ABrokerThatIsFullNeverDrains(t *testing.T) {
	p := planOf(t, "{instances: 1, brokers: 1, broker: {produce_bytes_per_second: 1MB}, "+
		"topics: [{records_per_second: 2k}]}")
	require.Equal(t, -1.0, p.Outage.DrainSeconds)
	p = planOf(t, "{instances: 100, brokers: 1, broker: {cores: 0.2}, "+
		"topics: [{records_per_second: 1k}]}")
	require.Equal(t, "processor", p.Outage.Bound)
	// 0.15 cores less those of 200 connections, by 2 ms and 0.3 ms for each megabyte
	require.InEpsilon(t, (0.15-200*1e-5)/(2e-3+3e-4)*1e6, p.Outage.Capacity, 1e-9)
}
