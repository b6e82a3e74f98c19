package metrics_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/metrics"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// world is a producer whose topics come, go idle, and come back.
type world struct {
	rows    map[string]*producer.TopicStats
	retired [routing.High + 1]producer.Books
	made    int64 // topics, so far
}

func newWorld() *world { return &world{rows: make(map[string]*producer.TopicStats)} }

func (w *world) row(topic string, p routing.Priority) *producer.TopicStats {
	key := fmt.Sprint(p, topic)
	if w.rows[key] == nil {
		w.made++
		w.rows[key] = &producer.TopicStats{Topic: topic, Priority: p, Since: time.Unix(w.made, 0)}
	}
	return w.rows[key]
}

// send has n records of a topic accepted, and of those that wait as many delivered as wait for it.
func (w *world) send(topic string, p routing.Priority, n, delivered uint64) {
	row := w.row(topic, p)
	row.Accepted += n
	row.Pending += n
	delivered = min(delivered, row.Pending)
	row.Pending -= delivered
	row.Delivered += delivered
}

// free has the topics forgotten that have nothing waiting, as after ten minutes.
func (w *world) free(topic string, p routing.Priority) {
	if row := w.rows[fmt.Sprint(p, topic)]; row != nil && row.Pending == 0 {
		w.retired[p].Add(&row.Books)
		delete(w.rows, fmt.Sprint(p, topic))
	}
}

func (w *world) stats() producer.Stats {
	s := producer.Stats{Priorities: make(map[routing.Priority]producer.Books)}
	for _, p := range routing.All {
		sum := w.retired[p]
		for _, row := range w.rows {
			if row.Priority == p {
				sum.Add(&row.Books)
			}
		}
		s.Priorities[p] = sum
		s.Total.Add(&sum)
	}
	for _, row := range w.rows {
		s.Topics = append(s.Topics, *row)
	}
	return s
}

// series returns the values of one metric by the value of its first label.
func series(samples []metrics.Sample, name string) map[string]float64 {
	by := make(map[string]float64)
	for _, s := range samples {
		if s.Metric.Name == name {
			by[s.Labels[0]] += s.Value
		}
	}
	return by
}

const acceptedByTopic = "forebay_topic_accepted_records_total"

func TestSource_TheBusiestTopicsComeFirstAndKeepTheirSeries(t *testing.T) {
	w := newWorld()
	source := metrics.New(w.stats, metrics.Options{Topics: 2})
	for i := range uint64(5) {
		w.send(fmt.Sprint("t", i), routing.Medium, i+1, 0)
	}
	require.Equal(t, map[string]float64{"t4": 5, "t3": 4, "other": 6},
		series(source.Read(), acceptedByTopic))
	w.send("t0", routing.Medium, 1000, 0)
	require.Equal(t, map[string]float64{"t4": 5, "t3": 4, "other": 1006},
		series(source.Read(), acceptedByTopic))
}

func TestSource_ATopicThatIsIdleGivesItsPlaceToOneThatIsNot(t *testing.T) {
	w := newWorld()
	source := metrics.New(w.stats, metrics.Options{Topics: 1})
	w.send("yesterday", routing.Medium, 9, 9)
	w.send("today", routing.Medium, 5, 5)
	require.Equal(t, map[string]float64{"yesterday": 9, "other": 5},
		series(source.Read(), acceptedByTopic))
	w.free("yesterday", routing.Medium)
	require.Equal(t, map[string]float64{"today": 0, "other": 5},
		series(source.Read(), acceptedByTopic), "what it had stays where it was")
	w.send("today", routing.Medium, 7, 7)
	w.send("yesterday", routing.Medium, 1, 1)
	require.Equal(t, map[string]float64{"today": 7, "other": 6},
		series(source.Read(), acceptedByTopic))
}

// A topic that has a record now and then has as much as before each time that it comes back.
func TestSource_ATopicThatComesBackCountsOn(t *testing.T) {
	for _, seen := range []bool{false, true} {
		w := newWorld()
		source := metrics.New(w.stats, metrics.Options{})
		for i := range 20 {
			w.send("rare", routing.Medium, 1, 1)
			w.send("rare", routing.High, 2, 2)
			require.Equal(t, map[string]float64{"rare": float64(3 * (i + 1)), "other": 0},
				series(source.Read(), acceptedByTopic))
			w.free("rare", routing.Medium)
			if i%2 == 0 {
				w.free("rare", routing.High)
			}
			if seen { // that it is gone
				require.Equal(t, map[string]float64{"rare": float64(3 * (i + 1)), "other": 0},
					series(source.Read(), acceptedByTopic))
			}
		}
	}
}

func TestSource_ATopicCalledOtherHasNoSeriesOfItsOwn(t *testing.T) {
	w := newWorld()
	source := metrics.New(w.stats, metrics.Options{})
	w.send("other", routing.High, 3, 0)
	w.send("events", routing.High, 2, 0)
	samples := source.Read()
	require.Equal(t, map[string]float64{"events": 2, "other": 3}, series(samples, acceptedByTopic))
	seen := make(map[string]bool)
	for _, s := range samples {
		key := s.Metric.Name + fmt.Sprint(s.Labels)
		require.False(t, seen[key], key)
		seen[key] = true
	}
}

func TestSource_NoTopicsMeansNone(t *testing.T) {
	w := newWorld()
	w.send("events", routing.High, 2, 0)
	require.Equal(t, map[string]float64{"other": 2},
		series(metrics.New(w.stats, metrics.Options{Topics: -1}).Read(), acceptedByTopic))
}

func TestSource_TenThousandTopicsDoNotExplodeTheSeries(t *testing.T) {
	w := newWorld()
	for i := range 10_000 {
		w.send(fmt.Sprint("t", i), routing.All[i%3], 1, 0)
	}
	s := w.stats()
	samples := metrics.New(func() producer.Stats { return s }, metrics.Options{}).Read()
	count := make(map[string]int)
	for _, s := range samples {
		count[s.Metric.Name]++
	}
	require.Equal(t, 51, count[acceptedByTopic])
	require.Equal(t, 5*51, count["forebay_topic_records_total"])
	require.Less(t, len(samples), 700)
	require.EqualValues(t, 10_000-50, series(samples, acceptedByTopic)["other"])
	require.EqualValues(t, 10_000-50, series(samples, "forebay_topic_pending_records")["other"])
}

// TestSource_CountersNeverFallAndGrowAsTheirPrioritiesDo draws topics that come, idle and come
// back.
func TestSource_CountersNeverFallAndGrowAsTheirPrioritiesDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		limit := rapid.IntRange(1, 4).Draw(t, "limit")
		source := metrics.New(w.stats, metrics.Options{Topics: limit})
		var last map[string]float64
		var lastTotal uint64
		for range rapid.IntRange(1, 40).Draw(t, "scrapes") {
			for range rapid.IntRange(0, 6).Draw(t, "steps") {
				topic := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "other"}).Draw(t,
					"topic")
				p := rapid.SampledFrom(routing.All[:]).Draw(t, "priority")
				if rapid.Bool().Draw(t, "free") {
					w.free(topic, p)
				} else {
					w.send(topic, p, rapid.Uint64Range(0, 5).Draw(t, "n"), 5)
				}
			}
			samples := source.Read()
			now, total := series(samples, acceptedByTopic), w.stats().Total
			if len(now) > limit+1 {
				t.Fatalf("%d series", len(now))
			}
			growth := 0.0
			for topic, n := range now {
				was := last[topic] // 0 where it has just come
				if n < was || n < 0 {
					t.Fatalf("%s fell from %v to %v", topic, was, n)
				}
				growth += n - was
			}
			if got := total.Accepted - lastTotal; growth != float64(got) {
				t.Fatalf("the topics grew by %v, and all together by %d", growth, got)
			}
			sum := 0.0
			for _, n := range series(samples, "forebay_topic_pending_records") {
				sum += n
			}
			if sum != float64(total.Pending) {
				t.Fatalf("%v wait by topic, and %d in all", sum, total.Pending)
			}
			last, lastTotal = now, total.Accepted
		}
	})
}

// TestSource_SeveralReadersConcurrentSafe: no reader sees a counter that is lower than one that it
// has seen.
func TestSource_SeveralReadersConcurrentSafe(t *testing.T) {
	var mu sync.Mutex
	w := newWorld()
	source := metrics.New(func() producer.Stats {
		mu.Lock()
		defer mu.Unlock()
		w.send("events", routing.High, 1, 1)
		return w.stats()
	}, metrics.Options{})
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			last := 0.0
			for range 50 {
				now := series(source.Read(), acceptedByTopic)["events"]
				assert.Greater(t, now, last)
				last = now
			}
		})
	}
	readers.Wait()
	require.EqualValues(t, 8*50+1, series(source.Read(), acceptedByTopic)["events"])
}

func TestSource_ReadIsInTheOrderOfTheTable(t *testing.T) {
	w := newWorld()
	w.send("events", routing.High, 2, 0)
	var names []string
	for _, s := range metrics.New(w.stats, metrics.Options{}).Read() {
		names = append(names, s.Metric.Name)
	}
	at := func(name string) int {
		return slices.IndexFunc(metrics.Table(),
			func(m metrics.Metric) bool { return m.Name == name })
	}
	require.True(t, slices.IsSortedFunc(names, func(a, b string) int { return at(a) - at(b) }))
}
