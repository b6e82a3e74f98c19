package audit

import (
	"cmp"
	"slices"
	"time"

	"github.com/forebay-go/forebay/delivery"
)

// ReadTopic is what a reader has of one topic.
type ReadTopic struct {
	Topic      string
	Partitions int   // that the reader was assigned
	Unread     int64 // records behind where it is, in those whose end is known

	// OneClock and TwoClocks count the audited records by how long they took, from when they were
	// to be sent until the reader got them. OneClock has those of the source that the reader was
	// given (WithSource). TwoClocks has all others: it is wrong by the difference of two clocks.
	OneClock, TwoClocks delivery.Histogram
}

// WithSource says which source is in the same process, so that one clock measures how long its
// records take.
func WithSource(s *Source) ReaderOption {
	return func(r *Reader) { r.own = s.run }
}

// latency has the histograms of one topic.
type latency struct{ oneClock, twoClocks delivery.Histogram }

// add counts a record that came now. A record that was read before it was to be sent shows that two
// clocks differ: it counts as one that took no time.
func (l *latency) add(h *Header, now time.Time, own uint64) {
	to := &l.twoClocks
	if h.Run == own {
		to = &l.oneClock
	}
	count(to, max(0, now.Sub(h.Intended)))
}

// latencyLocked returns the histograms of a topic.
func (r *Reader) latencyLocked(topic string) *latency {
	l := r.latencies[topic]
	if l == nil {
		l = new(latency)
		r.latencies[topic] = l
	}
	return l
}

// Topics returns what the reader has of each of its topics, by name.
func (r *Reader) Topics() (topics []ReadTopic) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range r.cfg.Topics {
		t := ReadTopic{Topic: name}
		if l := r.latencies[name]; l != nil {
			t.OneClock, t.TwoClocks = l.oneClock, l.twoClocks
		}
		for of, assigned := range r.partitions {
			if of.topic == name {
				t.Partitions++
				t.Unread += max(0, assigned.high-assigned.segment.upto)
			}
		}
		topics = append(topics, t)
	}
	slices.SortFunc(topics, func(a, b ReadTopic) int { return cmp.Compare(a.Topic, b.Topic) })
	return topics
}
