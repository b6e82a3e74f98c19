package health

import (
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/internal/page"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// fake is a producer that is what a test says.
type fake struct {
	stats   producer.Stats
	history []producer.Event
	samples []producer.Sample
	removed string // a cluster that is not in the settings any more
	cfg     producer.Config
	looks   atomic.Int64
}

func (f *fake) Stats() producer.Stats {
	f.looks.Add(1)
	return f.stats
}

func (f *fake) History() []producer.Event { return f.history }
func (f *fake) Config() producer.Config   { return f.cfg }

func (f *fake) Samples() []producer.Sample { return f.samples }

func (f *fake) Current() iter.Seq[producer.Event] {
	return func(yield func(producer.Event) bool) {
		for _, name := range slices.Sorted(maps.Keys(f.stats.Clusters)) {
			if name != f.removed && !yield(producer.Event{Kind: producer.EventCluster,
				Cluster: name}) {
				return
			}
		}
	}
}

// well returns a producer with nothing wrong.
func well() *fake {
	f := &fake{stats: producer.Stats{
		MaxBytes: 64 << 20,
		Clusters: map[string]producer.ClusterStats{"main": {State: producer.Up},
			"spare": {State: producer.Up}},
		Lanes: map[routing.Priority]producer.LaneStats{
			routing.Low: {Cluster: "main"}, routing.Medium: {Cluster: "main"}, routing.High: {Cluster: "main"},
		},
		Priorities: map[routing.Priority]producer.Books{routing.Low: {}, routing.Medium: {},
			routing.High: {}},
		Refused: map[error]uint64{},
	}}
	return f
}

// get asks h, and fails the test where an answer is not as all of them are.
func get(t testing.TB, h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	requireSecure(t, w)
	return w
}

func requireSecure(t testing.TB, w *httptest.ResponseRecorder) {
	t.Helper()
	for name, value := range page.Security {
		require.Equal(t, []string{value}, w.Header().Values(name))
	}
	require.NotEmpty(t, w.Header().Get("Content-Type"))
}

// manyTopics returns n topics, some of them in trouble.
func manyTopics(n, troubled int) (topics []producer.TopicStats) {
	for i := range n {
		t := producer.TopicStats{Topic: fmt.Sprintf("t%05d", i), Priority: routing.Low,
			Cluster: "main"}
		t.Accepted, t.Pending = uint64(i), uint64(i)
		if i < troubled {
			t.Trouble = "it is not there"
		}
		topics = append(topics, t)
	}
	return topics
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
