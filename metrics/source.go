package metrics

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// defaultTopics is the default of Options.Topics.
const defaultTopics = 50

// Options are the options of New. The zero value is a working default.
type Options struct {
	// Topics is the most topics that have series of their own. The series of the topic "other" have
	// the rest. Of topics first seen together, those with the most records come first. A topic
	// keeps its place while it is in use. Zero means 50, a negative number none.
	Topics int
}

// Source turns the figures of a producer into samples. It is safe for concurrent use.
type Source struct {
	stats func() producer.Stats
	table []Metric

	// guards topics; held from Stats to the last sample, so that no caller sees an older state
	// after a newer one
	mu     sync.Mutex
	topics *topics
}

// New returns a source that reads stats, usually the Stats method of a producer.
func New(stats func() producer.Stats, o Options) *Source {
	if o.Topics == 0 {
		o.Topics = defaultTopics
	}
	return &Source{stats: stats, table: Table(), topics: newTopics(max(0, o.Topics))}
}

// Metrics returns the table that the samples point into. Do not change it.
func (s *Source) Metrics() []Metric { return s.table }

// Read calls Stats once, and returns the samples in the order of the table.
func (s *Source) Read() []Sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats()
	v := &view{Stats: &stats, rows: s.topics.see(&stats)}
	samples := make([]Sample, 0, 256+16*len(v.rows))
	for i := range s.table {
		m := &s.table[i]
		if m.hist != nil {
			m.hist(v, func(h *producer.Histogram, labels ...string) {
				samples = append(samples, Sample{Metric: m, Labels: sound(labels), Histogram: h})
			})
			continue
		}
		m.read(v, func(value float64, labels ...string) {
			samples = append(samples, Sample{Metric: m, Labels: sound(labels), Value: value})
		})
	}
	return samples
}

// sound makes labels valid UTF-8: the name of a cluster may hold any bytes, and Prometheus refuses
// a whole scrape for one invalid label.
func sound(labels []string) []string {
	for i := range labels {
		labels[i] = strings.ToValidUTF8(labels[i], "\uFFFD")
	}
	return labels
}

// view is the data that the rows of the table read.
type view struct {
	*producer.Stats
	rows []topicRow
}

// eachPriority yields the name and books of each priority that has a cluster.
func (v *view) eachPriority() iter.Seq2[string, producer.Books] {
	return func(yield func(string, producer.Books) bool) {
		for _, p := range routing.All {
			if books, ok := v.Priorities[p]; ok && !yield(p.String(), books) {
				return
			}
		}
	}
}

// eachLane yields the name and lane of each of those priorities.
func (v *view) eachLane() iter.Seq2[string, producer.LaneStats] {
	return func(yield func(string, producer.LaneStats) bool) {
		for _, p := range routing.All {
			if lane, ok := v.Lanes[p]; ok && !yield(p.String(), lane) {
				return
			}
		}
	}
}

// eachCluster yields the clusters in the order of their names.
func (v *view) eachCluster() iter.Seq2[string, producer.ClusterStats] {
	return func(yield func(string, producer.ClusterStats) bool) {
		for _, name := range slices.Sorted(maps.Keys(v.Clusters)) {
			if !yield(name, v.Clusters[name]) {
				return
			}
		}
	}
}

// outcomes yields each outcome with its number of records.
func outcomes(b *producer.Books) iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for _, o := range []struct {
			outcome producer.Outcome
			records uint64
		}{
			{producer.Delivered, b.Delivered},
			{producer.Shed, b.Shed},
			{producer.Expired, b.Expired},
			{producer.Rejected, b.Rejected},
			{producer.PossiblyPersisted, b.PossiblyPersisted},
		} {
			if !yield(label(o.outcome.String()), o.records) {
				return
			}
		}
	}
}

// label turns words into the value of a label that needs no quoting in a URL.
func label(words string) string { return strings.ReplaceAll(words, " ", "_") }

// is returns a condition as a number.
func is(so bool) float64 {
	if so {
		return 1
	}
	return 0
}
