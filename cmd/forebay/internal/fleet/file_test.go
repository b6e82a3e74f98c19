package fleet

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/routing"
)

// parse returns the fleet that text describes.
func parse(t *testing.T, text string) *Fleet {
	t.Helper()
	f, err := Parse("fleet.yaml", []byte(text))
	require.NoError(t, err)
	return f
}

func TestParse_FillsInTheDefaults(t *testing.T) {
	f := parse(t, "{instances: 10, brokers: 17, topics: [{records_per_second: 1k}, "+
		"{instance_records_per_second: 5, priority: high}]}")
	require.Equal(t, &Fleet{Instances: 10, Brokers: 17, Zones: 1, Outage: 10 * time.Minute,
		Topics: []Topic{
			{Count: 1, RecordsPerSecond: 1000, InstanceRecordsPerSecond: 100, RecordBytes: 1024,
				Priority: routing.Medium, Partitions: 17, Replicas: 2, CompressionRatio: 1},
			{Count: 1, RecordsPerSecond: 50, InstanceRecordsPerSecond: 5, RecordBytes: 1024,
				Priority: routing.High, Partitions: 17, Replicas: 3, CompressionRatio: 1},
		},
		Settings: Settings{Linger: 10 * time.Millisecond, BatchBytes: 1_000_000,
			BufferBytes: 64 << 20, MaxBrokers: 8, ShareConnections: true,
			ProbeMax: 2 * time.Second, AckLatency: 5 * time.Millisecond,
			DeliveryTimeout: Timeouts{High: time.Hour, Medium: 10 * time.Minute,
				Low: 2 * time.Minute}},
		Broker: Broker{Cores: 8, ProduceBytesPerSecond: 100_000_000},
		Limits: Limits{Connections: 3000, NewConnections: 100},
	}, f)
	sixteen := parse(t, "{instances: 1, brokers: 16, topics: [{records_per_second: 1}]}")
	require.Equal(t, AllBrokers, sixteen.Settings.MaxBrokers, "all of up to sixteen brokers")
	two := parse(t, "{instances: 1, brokers: 2, topics: [{records_per_second: 1, priority: high}]}")
	require.Equal(t, 2, two.Topics[0].Replicas, "no more than there are brokers")
}

func TestParse_ZeroMeansZero(t *testing.T) {
	f := parse(t, "{instances: 1, brokers: 20, outage: 0, settings: {linger: 0}, "+
		"topics: [{records_per_second: 0}]}")
	require.Zero(t, f.Settings.Linger)
	require.Zero(t, f.Outage)
	require.Zero(t, f.Topics[0].InstanceRecordsPerSecond)
}

func TestParse_SaysWhatIsWrongAndWhatToWrite(t *testing.T) {
	const good = "instances: 1\nbrokers: 1\ntopics: [{records_per_second: 1}]\n"
	for _, c := range []struct{ text, want string }{
		{"", `instances: not set: write how many processes send, such as 1000
fleet.yaml: brokers: not set: write how many brokers the cluster has, such as 12
fleet.yaml: topics: not set: write a list with one topic or more, such as "- records_per_second: 1000"`},
		{good + "zone: 3\n", `:4:1: zone: unknown setting: did you mean zones?`},
		{good + "linger: 3ms\n", `:4:1: linger: unknown setting: did you mean settings.linger?`},
		{good + "xyzzy: 3\n", `:4:1: xyzzy: unknown setting: write one of instances, brokers, zones, topics, settings, outage, broker, limits`},
		{"instnaces: 5\nbrokers: 1\ntopics: [{records_per_second: 1}]\n", `:1:1: instnaces: unknown setting: did you mean instances?`},
		{good + "settings: {max_linger: 5ms}\n", `:4:24: settings.max_linger: 5ms: write linger (10ms) or more, or leave it out`},
		{good + "settings: {batching.max_bytes: 1}\n", `:4:12: settings.batching.max_bytes: unknown setting: write batch_bytes for batching.max_bytes, or buffer_bytes for buffer.max_bytes`},
		{good + "batching: {linger: 1s}\n", `:4:1: batching: unknown setting: write linger and batch_bytes below settings`},
		{good + "clusters: {}\n", `:4:1: clusters: unknown setting: this is a setting of a producer: "forebay plan --help" has those of a fleet`},
		{good + "settings: {lingr: 1ms}\n", `:4:12: settings.lingr: unknown setting: did you mean linger?`},
		{good + "settings: {linger: 10}\n", `:4:20: settings.linger: "10": no unit: write 10ms, 10s or 10m`},
		{good + "settings: {linger: soon}\n", `:4:20: settings.linger: "soon": write a time such as 10ms, 30s, 5m or 1h`},
		{good + "settings: {linger: 2m}\n", `:4:20: settings.linger: 2m0s: write a value from 0s to 1m`},
		{good + "settings: {linger: -1}\n", `:4:20: settings.linger: "-1": write a time such as 10ms, 30s, 5m or 1h`},
		{good + "settings: {linger: }\n", `:4:20: settings.linger: no value: write one, or remove the line to use the default`},
		{good + "settings: {linger: [1]}\n", `:4:20: settings.linger: this is a list: write one value`},
		{good + "settings: 5\n", `:4:11: settings: this is a word, "5": write its settings, indented below it: linger, max_linger, batch_bytes, buffer_bytes, max_brokers, share_connections, probe_max, ack_latency, delivery_timeout`},
		{good + "settings: {buffer_bytes: 1MiB}\n", `:4:26: settings.buffer_bytes: 1048576 bytes: write a value from 4MB to 1TiB`},
		{good + "settings: {buffer_bytes: lots}\n", `:4:26: settings.buffer_bytes: "lots": write a size such as 512B, 64MiB or 1MB`},
		{good + "settings: {max_brokers: -2}\n", `:4:25: settings.max_brokers: -2: write a value from -1 to 100000`},
		{good + "settings: {share_connections: maybe}\n", `:4:31: settings.share_connections: "maybe": write true or false`},
		{good + "outage: -5m\n", `:4:9: outage: -5m0s: write a value from 0s to 8760h`},
		{good + "brokers: 2\n", `:4:1: brokers: already set in line 2: keep one of them`},
		{"instances: 1.5\nbrokers: 1\ntopics: [{records_per_second: 1}]\n", `:1:12: instances: "1.5": write a whole number such as 12 or 10k`},
		{"instances: 0\nbrokers: 1\ntopics: [{records_per_second: 1}]\n", `:1:12: instances: 0: write a value from 1 to 10000000`},
		{"instances: 1\nbrokers: 2\nzones: 3\ntopics: [{records_per_second: 1}]\n", `:3:8: zones: 3: write a value from 1 to 2`},
		{"instances: 1\nbrokers: 1\ntopics: []\n", `:3:9: topics: empty: write one topic or more, such as "- records_per_second: 1000"`},
		{"instances: 1\nbrokers: 1\ntopics: plays\n", `:3:9: topics: this is a word, "plays": write a list, each topic on lines of its own that begin with "- records_per_second: 1000"`},
		{"instances: 1\nbrokers: 1\ntopics: [{}]\n", `:3:10: topics[0].records_per_second: not set: write the rate of the whole fleet, such as 8M, or instance_records_per_second, that of one instance`},
		{"instances: 1\nbrokers: 1\ntopics: [{records_per_second: 1, instance_records_per_second: 1}]\n", `:3:63: topics[0].instance_records_per_second: records_per_second is set too: keep one of them`},
		{"instances: 1\nbrokers: 1\ntopics: [{records_per_second: fast}]\n", `:3:31: topics[0].records_per_second: "fast": write a number such as 1500, 2.5, 10k or 8M`},
		{"instances: 1\nbrokers: 1\ntopics: [{records_per_second: -1}]\n", `:3:31: topics[0].records_per_second: -1: write a value from 0 to 1000000000000`},
		{"instances: 1\nbrokers: 1\ntopics: [{records_per_second: NaN}]\n", `"NaN": write a number such as 1500, 2.5, 10k or 8M`},
		{"instances: 1\nbrokers: 1\ntopics: [{records_per_second: 1, priority: urgent}]\n", `:3:44: topics[0].priority: "urgent": write low, medium or high`},
		{"instances: 1\nbrokers: 1\ntopics: [{records_per_second: 1, replicas: 2}]\n", `:3:44: topics[0].replicas: 2: write a value from 1 to 1`},
		{"instances: &n 1\nbrokers: *n\ntopics: [{records_per_second: 1}]\n", `:2:10: brokers: an alias (*n): write the value itself`},
		{good + "---\na: 1\n", `a second YAML document begins here: keep only one`},
		{"instances: [1\n", `not YAML: `},
		{"instances: 1\nsettings:\n\tlinger: 1ms\n", `:3:1: not YAML: found character that cannot start any token: indent with spaces, not with tabs`},
		{"instances: 1\nbrokers: 1\ntopics: [{records_per_second: 1, record_bytes: 1.5}]\n", `:3:48: topics[0].record_bytes: "1.5": no unit: write 1.5kB, 1.5MB or 1.5GB`},
		{"instances: 1\nbrokers: 1\ntopics: [{records_per_second: 1, compression_ratio: 0.25}]\n", `:3:53: topics[0].compression_ratio: 0.25: write the size before compression divided by the size after it: 4 if 25 % is left, 1 for no compression`},
		{"- 1\n", `:1:1: this is a list: write its settings, indented below it: instances, brokers,`},
		{strings.Repeat("#", maxFileBytes+1), `larger than 1 MiB, so it does not describe a fleet: name another file`},
	} {
		_, err := Parse("fleet.yaml", []byte(c.text))
		require.ErrorContains(t, err, c.want)
		_, isMistake := errors.AsType[*Error](err)
		require.True(t, isMistake)
		if c.text != "" {
			require.NotContains(t, err.Error(), "\n", "one mistake causes no other")
		}
	}
}

func TestParse_ListsAllMistakesInTheOrderOfTheFile(t *testing.T) {
	_, err := Parse("f", []byte("brokers: x\nzonse: 2\ntopics: [{count: 0, records_per_second: 1}]\n"))
	require.EqualError(t, err, `f:1:10: brokers: "x": write a whole number such as 12 or 10k
f:2:1: zonse: unknown setting: did you mean zones?
f:3:18: topics[0].count: 0: write a value from 1 to 100000
f: instances: not set: write how many processes send, such as 1000`)
}

func TestParse_BoundsItsMistakes(t *testing.T) {
	_, err := Parse("f", []byte(strings.Repeat("? [", 40)+strings.Repeat("]", 40)))
	require.Error(t, err)
	var text strings.Builder
	for i := range 1000 {
		text.WriteString(strconv.Itoa(i) + strings.Repeat("x", 500) + ": 1\n")
	}
	_, err = Parse("f", []byte(text.String()))
	wrong, ok := errors.AsType[*Error](err)
	require.True(t, ok)
	require.Len(t, wrong.Mistakes, maxMistakes)
	require.Less(t, len(err.Error()), 20_000)
}

func TestRead_ReadsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fleet.yaml")
	require.NoError(t, os.WriteFile(path,
		[]byte("{instances: 1, brokers: 1, topics: [{records_per_second: 1}]}"), 0o600))
	f, err := Read(path)
	require.NoError(t, err)
	require.Equal(t, 1, f.Brokers)
	_, err = Read(path + ".not")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// Whatever is written, the answer is mistakes with a text, or a plan whose figures are finite.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "a: &a [*a, *a]", "instances: 1\nbrokers: 1\ntopics: [{records_per_second: 1}]\n",
		"{instances: 10M, brokers: 100k, zones: 7, topics: [{count: 100k, records_per_second: 1G, " +
			"record_bytes: 64MiB, partitions: 1M, keyed: true}, {records_per_second: 1e-300}]}",
		"{instances: 3, brokers: 40, topics: [{count: 9, partitions: 3, records_per_second: 1k}, " +
			"{keyed: true, priority: low, records_per_second: 1k, compression_ratio: 2}], " +
			"settings: {linger: 0, share_connections: false}}",
		"{instances: 1, brokers: 1k, zones: 7, topics: [{count: 10k, records_per_second: 1G, " +
			"record_bytes: 64MB}]}", // needs more brokers than anybody has
		"{instances: 1, brokers: 1, topics: [{records_per_second: 1, record_bytes: 1}], " +
			"settings: {linger: 1m, batch_bytes: 1KiB, ack_latency: 1m}, outage: 8760h}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		fleet, err := Parse("f", text)
		if err != nil {
			wrong, ok := errors.AsType[*Error](err)
			require.True(t, ok)
			for _, m := range wrong.Mistakes {
				require.NotEmpty(t, m.Text)
			}
			return
		}
		plan := Make(fleet, Coefficients{PerRequest: 1e-4, PerMegabyte: 1e-3})
		requireFinite(t, plan)
	})
}
