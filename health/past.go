package health

import (
	"time"

	"github.com/forebay-go/forebay/internal/page"
	"github.com/forebay-go/forebay/producer"
)

// past holds the figures of the hour before the page was opened. Like data it belongs to the page.
type past struct {
	Samples []sampleRow `json:"samples"` // the oldest first
}

type sampleRow struct {
	At             int64             `json:"at"`
	In             uint64            `json:"in"`
	Out            uint64            `json:"out"`
	Lost           uint64            `json:"lost"` // or refused
	Held           int64             `json:"held"`
	Requests       uint64            `json:"requests"`
	RequestRecords uint64            `json:"requestRecords"`
	Delivery       []uint64          `json:"delivery"`
	Lanes          map[string]uint64 `json:"lanes"` // accepted, by priority
}

// past returns the encoded past, made at most once each fresh.
func (l *looks) past() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pastAt.IsZero() || time.Since(l.pastAt) >= fresh {
		l.pastAt, l.pastText = time.Now(), page.Encode(pastOf(l.p.Samples()))
	}
	return l.pastText
}

func pastOf(samples []producer.Sample) past {
	p := past{Samples: make([]sampleRow, len(samples))}
	for i := range samples {
		s := &samples[i]
		p.Samples[i] = sampleRow{
			At: s.At.UnixMilli(), In: s.Accepted, Out: s.Delivered, Lost: s.Lost + s.Refused,
			Held: s.HeldBytes, Requests: s.Requests, RequestRecords: s.RequestRecords,
			Delivery: s.DeliveryTime.Buckets[:],
			Lanes:    map[string]uint64{"low": s.Low, "medium": s.Medium, "high": s.High},
		}
	}
	return p
}
