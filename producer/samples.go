package producer

import (
	"slices"
	"sync"
	"time"

	"github.com/forebay-go/forebay/routing"
)

const (
	sampleEvery = 10 * time.Second
	samplesMax  = 361 // an hour of them, and the one that the first is compared with
)

// Sample is what a producer had counted from its start to one moment. The difference of two is what
// happened in between.
type Sample struct {
	At time.Time

	Accepted  uint64 // records, as in Books
	Delivered uint64
	Lost      uint64 // shed, expired, rejected and possibly persisted
	Refused   uint64 // by Send, for whatever reason

	Low, Medium, High uint64 // records accepted, by priority

	HeldBytes int64 // held at that moment, as in Stats

	Requests       uint64 // as in Traffic
	RequestRecords uint64
	DeliveryTime   Histogram
}

// samples are those of the last hour. The zero value is ready.
type samples struct {
	mu   sync.Mutex // guards what follows; taken alone
	ring []Sample
	next int // where the next one goes, when ring is full
}

func (s *samples) add(sample Sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.ring); n < samplesMax {
		if n == cap(s.ring) { // append would take half as much again as is ever needed
			s.ring = append(make([]Sample, 0, min(2*n+1, samplesMax)), s.ring...)
		}
		s.ring = append(s.ring, sample)
		return
	}
	s.ring[s.next] = sample
	s.next = (s.next + 1) % samplesMax
}

// Samples returns a sample for every ten seconds of the last hour, the oldest first; the first is
// that of New. They are taken whether anybody looks or not, and hold 90 KB at most, beside
// Buffer.MaxBytes. It is safe for concurrent use, and the caller owns what it returns.
func (p *Producer) Samples() []Sample {
	s := &p.samples
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Concat(s.ring[s.next:], s.ring[:s.next])
}

// sample counts. It costs much less than Stats, as nobody is asked how much waits.
func (p *Producer) sample() Sample {
	now := Sample{At: time.Now()}
	for class := range p.refused {
		now.Refused += p.refused[class].Load()
	}
	_, now.HeldBytes = p.budget.Shares()
	var traffic Traffic
	for l := range p.setup.Load().eachLane {
		l.AddTraffic(&traffic)
		topics, books := l.Buffer.Topics()
		for _, t := range topics {
			settled := t.Settled()
			books.Add(&settled)
		}
		now.Accepted += books.Accepted
		now.Delivered += books.Delivered
		now.Lost += books.Shed + books.Expired + books.Rejected + books.PossiblyPersisted
		now.Refused += books.Refused
		switch l.Priority {
		case routing.Low:
			now.Low = books.Accepted
		case routing.High:
			now.High = books.Accepted
		default:
			now.Medium = books.Accepted
		}
	}
	now.Requests, now.RequestRecords = traffic.Requests, traffic.RequestRecords
	now.DeliveryTime = traffic.DeliveryTime
	return now
}
