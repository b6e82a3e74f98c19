package fleet

import (
	"math"
	"slices"

	"github.com/forebay-go/forebay/routing"
)

const (
	// RecordFraming is what the wire format adds to a record without headers: length, attributes,
	// both deltas, and the lengths of key, value and headers.
	RecordFraming = 9
	// BatchFraming is the header of a batch, and its place in a request.
	BatchFraming = 61 + 20
	// MaxRequestBytes is the size of the largest request that the engine makes.
	MaxRequestBytes = 8 << 20
	// leastRate is what counts as no records at all: one in thirty years.
	leastRate = 1e-9
)

// flow is what one instance sends of the topics of one entry.
type flow struct {
	topic  *Topic
	topics float64 // how many
	rate   float64 // records/s of all of them
	size   float64 // bytes of a record with its framing, before compression
	most   float64 // records that fit into a batch
	reach  float64 // the brokers that lead partitions of one of the topics
}

// wire returns the bytes/s of f after compression, without the framing of batches.
func (f *flow) wire() float64 { return f.rate * f.size / f.topic.CompressionRatio }

// lane is what one instance sends with one priority. Each priority makes requests of its own.
type lane struct {
	fleet    *Fleet
	priority routing.Priority
	flows    []flow
	linger   float64 // seconds; see settled
}

// lanesOf returns the priorities in use, the highest first.
func lanesOf(f *Fleet) []lane {
	var lanes []lane
	for _, priority := range routing.All {
		l := lane{fleet: f, priority: priority}
		for i := range f.Topics {
			if t := &f.Topics[i]; t.Priority == priority && t.InstanceRecordsPerSecond > leastRate {
				l.flows = append(l.flows, newFlow(f, t))
			}
		}
		if len(l.flows) > 0 {
			lanes = append(lanes, l)
		}
	}
	return lanes
}

func newFlow(f *Fleet, t *Topic) flow {
	size := float64(t.RecordBytes + RecordFraming)
	return flow{topic: t, topics: float64(t.Count), rate: t.InstanceRecordsPerSecond, size: size,
		most:  max(1, math.Floor(float64(f.Settings.BatchBytes)/size)),
		reach: float64(min(t.Partitions, f.Brokers))}
}

// rate returns the records/s of the lane.
func (l *lane) rate() (sum float64) {
	for i := range l.flows {
		sum += l.flows[i].rate
	}
	return sum
}

// wire returns the bytes/s of the lane after compression.
func (l *lane) wire() (sum float64) {
	for i := range l.flows {
		sum += l.flows[i].wire()
	}
	return sum
}

// subset returns how many brokers an instance uses for records without a key: those of its zone,
// and of these max_brokers at most.
func (f *Fleet) subset() float64 {
	near := math.Ceil(float64(f.Brokers) / float64(f.Zones))
	if f.Settings.MaxBrokers == AllBrokers {
		return near
	}
	return min(near, float64(f.Settings.MaxBrokers))
}

// keyedReach returns how many brokers an instance reaches with records that have keys: those that
// lead a partition of any such topic, where leaders are placed at random.
func (l *lane) keyedReach() float64 {
	brokers := float64(l.fleet.Brokers)
	missed := 1.0
	for i := range l.flows {
		if f := &l.flows[i]; f.topic.Keyed {
			missed *= math.Pow(1-f.reach/brokers, f.topics)
		}
	}
	return brokers * (1 - missed)
}

// unkeyed reports whether some records of the lane have no key.
func (l *lane) unkeyed() bool {
	return slices.ContainsFunc(l.flows, func(f flow) bool { return !f.topic.Keyed })
}

// reach returns how many brokers an instance sends to.
func (l *lane) reach() float64 { return l.fleet.reached([]lane{*l}) }
