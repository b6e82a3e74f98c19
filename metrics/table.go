package metrics

import (
	"slices"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// Table returns every metric, in the order of docs/metrics.md.
func Table() []Metric {
	return slices.Concat(sent(), refusals(), waiting(), memory(), routes(), clusters(),
		clusterRecords(), requests(), attempts(), names(), callbacks(), settings(), topicBooks(),
		topicState())
}

// byPriority reads one number of the books of each priority.
func byPriority(number func(*producer.Books) uint64) func(*view, emit) {
	return func(v *view, emit emit) {
		for priority, books := range v.eachPriority() {
			emit(float64(number(&books)), priority)
		}
	}
}

func byLane(number func(*producer.LaneStats) float64) func(*view, emit) {
	return func(v *view, emit emit) {
		for priority, lane := range v.eachLane() {
			emit(number(&lane), priority)
		}
	}
}

func byCluster(number func(*producer.ClusterStats) float64) func(*view, emit) {
	return func(v *view, emit emit) {
		for name, c := range v.eachCluster() {
			emit(number(&c), name)
		}
	}
}

func byPath(number func(*producer.Traffic) float64) func(*view, emit) {
	return func(v *view, emit emit) {
		for i := range v.Paths {
			emit(number(&v.Paths[i].Traffic), v.Paths[i].Priority.String(), v.Paths[i].Cluster)
		}
	}
}

func byTopic(number func(*topicRow) float64) func(*view, emit) {
	return func(v *view, emit emit) {
		for i := range v.rows {
			emit(number(&v.rows[i]), v.rows[i].name)
		}
	}
}

// unix returns t in seconds since 1970, and 0 for the zero time.
func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}
