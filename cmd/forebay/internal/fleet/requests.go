package fleet

import "math"

// Requests are the produce requests of one instance and priority, per second.
type Requests struct {
	// Lingered is how many are made because a batch has lingered. They take all open batches that
	// their broker can take.
	Lingered float64 `json:"lingered"`
	// Full is how many more are made for batches that were full before they had lingered.
	Full float64 `json:"full"`
	// Limit is what the acknowledgements allow: two requests in flight to a broker, one batch in
	// flight to a partition.
	Limit float64 `json:"limit"`
}

// Total returns all of them.
func (r Requests) Total() float64 { return min(r.Lingered+r.Full, r.Limit) }

// stream is a sequence of open batches: of a topic without keys, or of a partition.
type stream struct {
	count float64 // how many streams are alike
	rate  float64 // records/s of each
	most  float64 // records that fit into a batch
	reach float64 // brokers that have a partition for it
}

// filled returns the probability that a batch is full before it has lingered.
func (s *stream) filled(linger float64) float64 { return full(s.rate*linger, s.most) }

// group is streams that share requests.
type group struct {
	streams []stream
	linger  float64 // seconds, with the lateness of the timer
}

// requests returns how many requests an instance makes with this priority. late is how long after
// its linger a batch leaves, in seconds.
func (l *lane) requests(late float64) Requests {
	linger := l.linger + late
	free, keyed := l.groups(linger)
	brokers := l.keyedReach()
	r := Requests{Limit: l.limit()}
	switch {
	case len(keyed.streams) == 0 && l.covered(free):
		r.Lingered = free.lingered()
	case len(free.streams) == 0:
		r.Lingered = keyed.lingered() * brokers
	default:
		r.Lingered = l.play(free, keyed)
	}
	r.Full = free.full(r.Lingered)
	if brokers > 0 {
		r.Full += keyed.full(r.Lingered/brokers) * brokers
	}
	if inFull := l.wire() / MaxRequestBytes; inFull > r.Lingered+r.Full {
		r.Lingered = inFull - r.Full
	}
	return r
}

// groups returns the streams of records without keys, which share all requests, and those of one
// broker of records with keys.
func (l *lane) groups(linger float64) (free, keyed group) {
	free.linger, keyed.linger = linger, linger
	for i := range l.flows {
		f := &l.flows[i]
		if !f.topic.Keyed {
			free.streams = append(free.streams, stream{f.topics, f.rate / f.topics, f.most,
				f.reach})
			continue
		}
		partitions := f.topics * float64(f.topic.Partitions)
		keyed.streams = append(keyed.streams, stream{partitions / l.keyedReach(),
			f.rate / partitions, f.most, 1})
	}
	return free, keyed
}

// covered reports whether every broker can take a batch of every stream, so that no batch ever
// misses a request.
func (l *lane) covered(g group) bool {
	streams := 0.0
	least := float64(l.fleet.Brokers)
	for _, s := range g.streams {
		streams += s.count
		least = min(least, s.reach)
	}
	return streams == 1 || least == float64(l.fleet.Brokers)
}

// limit returns how many requests per second acknowledgements allow.
func (l *lane) limit() float64 {
	partitions := 0.0
	for i := range l.flows {
		partitions += l.flows[i].topics * float64(l.flows[i].topic.Partitions)
	}
	return min(2*l.reach(), partitions) / l.fleet.Settings.AckLatency.Seconds()
}

// lingered returns how many requests per second the group makes because a batch has lingered. It
// holds where each request takes every open batch of the group.
//
// A cycle begins after a request, when nothing is open. The first record comes after 1/rate on
// average, because arrivals are a Poisson process. A linger later the next request goes.
func (g *group) lingered() float64 {
	slow, allFull := 0.0, 1.0
	for _, s := range g.streams {
		filled := s.filled(g.linger)
		slow += s.count * s.rate * (1 - filled)
		allFull *= math.Pow(filled, s.count)
	}
	switch {
	case g.single():
		s := g.streams[0]
		return s.rate / batchRecords(s.rate*g.linger, s.most)
	case slow == 0:
		return 0
	}
	return (1 - allFull) / (1/slow + g.linger)
}

// single reports whether the group is one stream, for which the number of batches is exact.
func (g *group) single() bool { return len(g.streams) == 1 && g.streams[0].count == 1 }

// full returns how many requests per second the group makes for batches that are full, beside so
// many that take what is open. Each of those takes half a batch, on average, of a stream that
// fills its batches.
func (g *group) full(lingered float64) (sum float64) {
	if g.single() {
		return 0 // lingered counts them
	}
	for _, s := range g.streams {
		sum += s.count * s.filled(g.linger) * max(0, s.rate/s.most-lingered/2)
	}
	return sum
}

// batches returns how many batches per second the group sends, in so many requests per second, of
// which lingered take what is open. A stream has something open for a request unless nothing came
// since the last one that could take it, which has the probability e^(-rate/requests). A stream
// that fills its batches sends these, and for each request that takes what is open half a batch
// more.
func (g *group) batches(requests, lingered, brokers float64) (sum float64) {
	if g.single() {
		return requests
	}
	for _, s := range g.streams {
		takes := requests * max(1/brokers, min(1, s.reach/brokers))
		open := max(takes*(1-math.Exp(-s.rate/takes)), s.rate/s.most)
		filled := s.filled(g.linger)
		sum += s.count * ((1-filled)*open + filled*(s.rate/s.most+min(lingered, takes)/2))
	}
	return sum
}

// batches returns how many batches per second an instance sends with this priority.
func (l *lane) batches(r Requests) float64 {
	free, keyed := l.groups(l.linger)
	sum := free.batches(r.Total(), r.Lingered, float64(l.fleet.Brokers))
	if brokers := l.keyedReach(); brokers > 0 {
		sum += keyed.batches(r.Total()/brokers, r.Lingered/brokers, 1) * brokers
	}
	return min(l.rate(), max(r.Total(), sum))
}
