package fleet

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// advised returns what is advised about a setting.
func advised(p *Plan, setting string) *Advice {
	for i := range p.Advice {
		if p.Advice[i].Setting == setting {
			return &p.Advice[i]
		}
	}
	return nil
}

func TestAdvice_GivesTheFigureOfTheChange(t *testing.T) {
	for _, c := range []struct{ name, text, setting, write, gives string }{
		{"a short linger",
			"{instances: 2000, brokers: 10, topics: [{records_per_second: 20k}]}",
			"settings.linger", "100ms",
			"2 records per request; 1,818 → 1,000 requests/s and 0.63 → 0.38 cores per broker"},
		{"too many connections", "{instances: 6000, brokers: 20, settings: {max_brokers: -1}, " +
			"topics: [{records_per_second: 6k}]}",
			"settings.max_brokers", "7", "2,400 connections per broker"},
		{"too many, because keys go everywhere", "{instances: 6000, brokers: 20, topics: " +
			"[{records_per_second: 6k, keyed: true}]}", "topics[].partitions of records with keys",
			"7", "2,400 connections per broker"},
		{"too many instances", "{instances: 60k, brokers: 20, topics: " +
			"[{records_per_second: 6k, keyed: true}]}", "instances",
			"fewer, or split the topics over several clusters", "2,857 instances fit"},
		{"few partitions", "{instances: 1, brokers: 12, topics: [{count: 50, partitions: 3, " +
			"records_per_second: 10k, record_bytes: 100}]}", "topics[].partitions", "12", "requests/s per broker"},
		{"keys", "{instances: 100, brokers: 10, topics: [{records_per_second: 100k, keyed: true}]}",
			"topics[].keyed", "false, where nobody needs the order", "requests/s and"},
		{"a busy processor", "{instances: 1000, brokers: 2, broker: {cores: 1}, settings: " +
			"{linger: 100ms}, topics: [{records_per_second: 10k}]}", "brokers", "3",
			"58 % busy; settings that save requests come first"},
		{"a broker that is full", "{instances: 1, brokers: 1, broker: {produce_bytes_per_second: 1MB}, " +
			"topics: [{records_per_second: 2k, replicas: 1}]}", "brokers", "5", "and a backlog is drained in"},
		{"a small buffer", "{instances: 1, brokers: 1, topics: [{records_per_second: 200, " +
			"record_bytes: 991}]}", "settings.buffer_bytes", "128MiB",
			"room for all records that do not expire"},
		{"records that expire", "{instances: 1, brokers: 1, topics: [{records_per_second: 1, " +
			"priority: low}]}", "settings.delivery_timeout.low", "11m",
			"none of them expires; all priorities need "},
		{"a storm", "{instances: 1000, brokers: 10, topics: [{records_per_second: 1k}]}",
			"settings.probe_max", "14s",
			"95 attempts/s; records flow up to 14s after the cluster is back"},
		{"a storm that no pause helps against",
			"{instances: 10k, brokers: 10, topics: [{records_per_second: 1k}]}",
			"limits.new_connections_per_second", "6,667",
			"all are connected 2s after the cluster is back, instead of 3m20s: ask your provider for " +
				"it, or split the topics over several clusters"},
	} {
		a := advised(planOf(t, c.text), c.setting)
		require.NotNil(t, a, c.name)
		require.Equal(t, c.write, a.Write, c.name)
		require.Contains(t, a.Gives, c.gives, c.name)
		require.NotEmpty(t, a.Why, c.name)
	}
}

func TestAdvice_SaysNothingWhereAllIsWell(t *testing.T) {
	require.Empty(t, planOf(t, "{instances: 10, brokers: 3, settings: {linger: 100ms}, topics: "+
		"[{records_per_second: 10k, record_bytes: 100}]}").Advice)
}

func TestAdvice_LeavesOutProcessorTimesThatWereNotMeasured(t *testing.T) {
	p := Make(parse(t, "{instances: 2000, brokers: 10, topics: [{records_per_second: 20k}]}"),
		Coefficients{NoProcessor: true})
	require.Equal(t, "2 records per request; 1,818 → 1,000 requests/s per broker",
		advised(p, "settings.linger").Gives)
	p = Make(parse(t, "{instances: 2000, brokers: 10, topics: [{records_per_second: 1}]}"),
		Coefficients{NoProcessor: true})
	require.Nil(t, advised(p, "settings.linger"), "it would save next to nothing")
}

// What is advised, if it is a setting, is no longer advised once it is done.
func TestAdvice_IsEnough(t *testing.T) {
	p := planOf(t, "{instances: 6000, brokers: 20, settings: {max_brokers: -1}, topics: "+
		"[{instance_records_per_second: 200, record_bytes: 991}]}")
	require.NotNil(t, advised(p, "settings.max_brokers"))
	require.NotNil(t, advised(p, "settings.buffer_bytes"))
	p = planOf(t, "{instances: 6000, brokers: 20, settings: {max_brokers: 7, buffer_bytes: 192MiB}, "+
		"topics: [{instance_records_per_second: 200, record_bytes: 991}]}")
	require.Nil(t, advised(p, "settings.max_brokers"))
	require.Nil(t, advised(p, "settings.buffer_bytes"))
}

// The number of brokers is enough, and one less is not. Replication makes it more than in
// proportion to the load.
func TestAdvice_NamesAsManyBrokersAsAreEnough(t *testing.T) {
	const text = "{instances: 10k, brokers: 100, topics: [{count: 20, records_per_second: 2M}]}"
	f := parse(t, text)
	p := Make(f, Measured())
	brokers, err := strconv.Atoi(advised(p, "brokers").Write)
	require.NoError(t, err)
	for _, c := range []struct {
		brokers int
		enough  bool
	}{{brokers, true}, {brokers - 1, false}} {
		share := p.withBrokers(c.brokers).Broker.Cores.Share
		require.Equal(t, c.enough, share <= busy, "%d brokers: %v", c.brokers, share)
		f = parse(t, strings.Replace(text, "100,", strconv.Itoa(c.brokers)+",", 1))
		require.InEpsilon(t, share, Make(f, Measured()).Broker.Cores.Share, 1e-9)
	}
	p = Make(parse(t, "{instances: 1, brokers: 1, topics: [{records_per_second: 1G, "+
		"record_bytes: 64MB}]}"), Measured())
	require.Equal(t, "more than 100,000", advised(p, "brokers").Write)
}

// Nobody can have no partition.
func TestAdvice_NamesOnePartitionAtLeast(t *testing.T) {
	p := planOf(t, "{instances: 2900, brokers: 2, topics: [{records_per_second: 1, keyed: true}]}")
	require.Equal(t, "1", advised(p, "topics[].partitions of records with keys").Write)
}

// The memory that a longer delivery timeout needs is that of a fleet that has it.
func TestAdvice_SaysWhatALongerTimeoutNeeds(t *testing.T) {
	const text = "{instances: 1, brokers: 1, outage: 20m, settings: {buffer_bytes: 1GiB, " +
		"delivery_timeout: {%s: 1m}}, topics: [{records_per_second: 100, priority: %s}]}"
	for _, lane := range []string{"high", "medium", "low"} {
		a := advised(planOf(t, fmt.Sprintf(text, lane, lane)), "settings.delivery_timeout."+lane)
		require.NotNil(t, a)
		longer := planOf(t, strings.Replace(fmt.Sprintf(text, lane, lane), "1m", a.Write, 1))
		require.Nil(t, advised(longer, "settings.delivery_timeout."+lane))
		require.Contains(t, a.Gives, "need "+BytesText(longer.Outage.Needed)+" of memory")
	}
}
