package simulate

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
)

// play plays a fleet for its outage, what is planned for the backlog, and three minutes more.
func play(t *testing.T, p *fleet.Plan) *Result {
	t.Helper()
	drain := time.Duration(max(0, p.Outage.DrainSeconds)) * time.Second
	r, err := Run(p, p.Fleet().Outage+drain+3*time.Minute)
	require.NoError(t, err)
	return r
}

// mean returns the average of a figure from one second to another.
func (r *Result) mean(from, to int, of func(*Second) float64) (sum float64) {
	for i := from; i < to; i++ {
		sum += of(&r.Timeline[i]) / float64(to-from)
	}
	return sum
}

func TestRun_AFleetThatIsWellHasTheLoadOfThePlan(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"{instances: 300, brokers: 20, topics: [{count: 20, records_per_second: 30k}]}",
		"{instances: 300, brokers: 20, topics: [{count: 5, records_per_second: 30k, keyed: true}]}",
		"{instances: 100, brokers: 6, settings: {share_connections: false, max_linger: 200ms}, topics: " +
			"[{records_per_second: 3k, priority: high}, {count: 3, records_per_second: 1k}]}",
		"{instances: 300, brokers: 30, zones: 3, topics: [{records_per_second: 30k}]}",
	} {
		p := planOf(t, text)
		r := play(t, p)
		for name, figure := range map[string]struct {
			planned float64
			of      func(*Second) float64
		}{
			"requests":    {p.Broker.Requests, func(s *Second) float64 { return s.Requests.Mean }},
			"cores":       {p.Broker.Cores.Total, func(s *Second) float64 { return s.Cores.Mean }},
			"bytes":       {p.Broker.ProduceBytes, func(s *Second) float64 { return s.Bytes.Mean }},
			"records":     {p.Broker.Records, func(s *Second) float64 { return s.Records / float64(p.Brokers) }},
			"connections": {p.Broker.Connections, func(s *Second) float64 { return s.Conns.Mean }},
		} {
			require.InEpsilon(t, figure.planned, r.mean(10, 60, figure.of), 0.05, name+" of "+text)
			last := len(r.Timeline)
			require.InEpsilon(t, figure.planned, r.mean(last-20, last, figure.of), 0.05,
				name+" after the outage of "+text)
		}
	}
}

// Nothing delays those that come back: the limits are those of brokers that have none.
const unlimited = "limits: {new_connections_per_second: 1M}, "

func TestRun_AnOutageIsThatOfThePlan(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"it fits": "outage: 5m, topics: [{records_per_second: 2k}]",
		"compressed": "outage: 5m, topics: [{count: 10, records_per_second: 2k, " +
			"compression_ratio: 4}]",
		"there is no room":     "outage: 20m, settings: {delivery_timeout: {medium: 1h}}, topics: [{records_per_second: 10k}]",
		"some records are old": "outage: 21m, topics: [{records_per_second: 1k}]",
		"low makes room": "outage: 20m, settings: {buffer_bytes: 16MiB, delivery_timeout: {low: 1h}}, topics: " +
			"[{records_per_second: 500, priority: high}, {records_per_second: 500, priority: low}]",
	} {
		p := planOf(t, "{instances: 50, brokers: 4, broker: {produce_bytes_per_second: 4MB}, "+
			unlimited+text+"}")
		r := play(t, p)
		end := &r.Timeline[int(r.Outage.To)-1]
		held := 0.0
		for i, lane := range p.Outage.Lanes {
			held += lane.Kept
			lost := r.Lost[i]
			fleet := float64(p.Instances)
			require.InDelta(t, lane.Expired*fleet, lost.Expired, 0.1*lane.Expired*fleet+1, name)
			require.InDelta(t, lane.NoRoom*fleet, lost.NoRoom, 0.1*lane.NoRoom*fleet+1, name)
		}
		// batches expire as a whole, and have a sixteenth of the delivery timeout
		require.InEpsilon(t, held, end.Memory.Mean, 0.125, name)
		require.InEpsilon(t, p.Outage.Backlog*float64(p.Brokers), end.Backlog, 0.125, name)
		require.InEpsilon(t, p.Outage.DrainSeconds, r.Drain.Last, 0.15, name)
		require.Zero(t, r.Drain.Left, name)
	}
}

// The attempts to connect are those of the pace of probes, and a broker opens no more connections
// than it may.
func TestRun_NewConnectionsKeepToTheLimit(t *testing.T) {
	t.Parallel()
	p := planOf(t, "{instances: 500, brokers: 4, outage: 3m, limits: "+
		"{new_connections_per_second: 50}, topics: [{records_per_second: 1k}]}")
	r := play(t, p)
	attempts := func(s *Second) float64 { return s.Attempts.Mean }
	from := int(r.Outage.From)
	require.InEpsilon(t, p.Storm.ShortAttempts, r.mean(from+5, from+85, attempts), 0.1)
	require.InEpsilon(t, p.Storm.Attempts, r.mean(from+100, from+175, attempts), 0.1)
	was := 0.0
	for i := int(r.Outage.To); i < len(r.Timeline); i++ {
		s := &r.Timeline[i]
		require.LessOrEqual(t, s.Conns.Most-was, 51.0)
		was = s.Conns.Most
	}
	require.InEpsilon(t, p.Storm.Seconds, r.Drain.Last, 0.2)
}

// Who finds the cluster first is done first if there is little to send. If there is much, brokers
// give the same to all, and what differs is how many instances have chosen the same broker.
func TestRun_ADrainIsFair(t *testing.T) {
	t.Parallel()
	const text = "brokers: 20, outage: 5m, broker: {produce_bytes_per_second: 10MB}, " + unlimited +
		"topics: [{records_per_second: 20k}]"
	all := play(t, planOf(t, "{instances: 400, settings: {max_brokers: -1}, "+text+"}")).Drain
	require.Less(t, all.Last-all.First, 0.05*all.Last+1)
	few := play(t, planOf(t, "{instances: 400, settings: {max_brokers: 4}, "+text+"}")).Drain
	require.Less(t, few.First, 0.95*few.Last)
	require.Greater(t, few.First, 0.5*few.Last)
}

func TestRun_ABrokerThatIsFullNeverDrains(t *testing.T) {
	t.Parallel()
	r := play(t, planOf(t, "{instances: 5, brokers: 2, outage: 1m, broker: "+
		"{produce_bytes_per_second: 100kB}, topics: [{records_per_second: 1k}]}"))
	require.Equal(t, 5, r.Drain.Left)
	require.Equal(t, "no instance in the time that was played", r.drainText())
	require.NotZero(t, r.Timeline[len(r.Timeline)-1].Backlog)
}

func TestRun_WithoutAnOutageNothingHappens(t *testing.T) {
	t.Parallel()
	r := play(t, planOf(t, "{instances: 5, brokers: 2, outage: 0, topics: [{records_per_second: 1k}]}"))
	require.Equal(t, Drain{}, r.Drain)
	for _, s := range r.Timeline {
		require.Zero(t, s.Attempts.Most+s.Backlog+s.Lost)
		require.NotZero(t, s.Requests.Mean)
	}
}

func TestRun_WithoutRecordsNothingIsLeft(t *testing.T) {
	t.Parallel()
	r := play(t, planOf(t, "{instances: 3, brokers: 2, topics: [{records_per_second: 0}]}"))
	require.Zero(t, r.Drain.Left)
	require.Equal(t, 3, r.Drain.Drained)
	require.Zero(t, r.Timeline[len(r.Timeline)-1].Draining)
}

func TestDrain_SaysHowManyHadNotDrained(t *testing.T) {
	t.Parallel()
	r := Result{Drain: Drain{First: 1, Median: 2, Last: 3, Drained: 4, Left: 6}}
	require.Equal(t, "the first instance 1s after the outage, half of them 2s, the last 3s; "+
		"6 of 10 had not when the time was over", r.drainText())
}

func TestRun_SaysWhatItCannotPlay(t *testing.T) {
	t.Parallel()
	p := planOf(t, "{instances: 1, brokers: 1, topics: [{records_per_second: 1}]}")
	_, err := Run(p, 11*time.Minute)
	require.EqualError(t, err, "11m: write a time from 12m, for the outage and a minute before "+
		"and after it, to 24h")
	_, err = Run(p, 25*time.Hour)
	require.ErrorContains(t, err, "25h: write a time from 12m")
	p = planOf(t, "{instances: 1M, brokers: 1k, topics: [{records_per_second: 1}]}")
	_, err = Run(p, time.Hour)
	require.EqualError(t, err, "instances × brokers is more than 10 million: write fewer of both, "+
		"with the same records/s for each instance")
	p = planOf(t, "{instances: 20k, brokers: 100, topics: [{records_per_second: 1, keyed: true}]}")
	_, err = Run(p, 24*time.Hour)
	require.EqualError(t, err, "24h of this fleet would take too long to play: write a fleet file "+
		"with 1142 instances or fewer, or a shorter time and outage")
	p = planOf(t, "{instances: 10k, brokers: 100, settings: {share_connections: false}, topics: ["+
		"{records_per_second: 11M, keyed: true}, "+
		"{records_per_second: 10M, keyed: true, priority: low}]}")
	require.Negative(t, p.Outage.DrainSeconds)
	_, err = Run(p, time.Hour)
	require.ErrorContains(t, err, "1h of this fleet would take too long to play")
	p = planOf(t, "{instances: 1, brokers: 1, topics: ["+
		strings.Repeat("{records_per_second: 1}, ", 301)+"]}")
	_, err = Run(p, time.Hour)
	require.EqualError(t, err, "topics has 301 entries: write 300 at most, and count for topics "+
		"that are alike")
}

func TestResult_PrintsAStepInARow(t *testing.T) {
	t.Parallel()
	r := play(t, planOf(t, "{instances: 50, brokers: 4, outage: 5m, settings: {buffer_bytes: 4MiB}, "+
		"topics: [{records_per_second: 2k}]}"))
	var out bytes.Buffer
	require.NoError(t, r.Print(&out))
	for _, words := range []string{"SIMULATION OF 8m, OUTAGE FROM 1m TO 6m", "\n  0 ", "\n  10s ",
		"\n  6m ", "\n  …", "\n  7m50s ", "drained  the first instance ", "lost     medium: 0 records expired, "} {
		require.Contains(t, out.String(), words)
	}
	require.Less(t, bytes.Count(out.Bytes(), []byte("\n")), 60)
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(text), `"timeline":[{"at":0,"requests_per_second":{"mean":`)
}

// A fleet of 10,000 instances on 100 brokers is played through an hour with an outage.
func BenchmarkRun(b *testing.B) {
	f, err := fleet.Parse("f", []byte("{instances: 10k, brokers: 100, settings: {buffer_bytes: "+
		"128MiB}, topics: [{count: 20, records_per_second: 1M, compression_ratio: 4}]}"))
	require.NoError(b, err)
	p := fleet.Make(f, fleet.Measured())
	for b.Loop() {
		_, err := Run(p, time.Hour)
		require.NoError(b, err)
	}
}
