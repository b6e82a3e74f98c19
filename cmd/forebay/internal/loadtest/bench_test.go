package loadtest

import (
	"testing"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// nowhere accepts every record.
type nowhere struct{}

func (nowhere) Send(producer.Record) error { return nil }

// BenchmarkSender is what the sender takes for a record beside Send.
func BenchmarkSender(b *testing.B) {
	c := testConfig()
	if err := c.Complete(); err != nil {
		b.Fatal(err)
	}
	m := newMeter("east")
	s := newSender(nowhere{}, m, c)
	t := newTally(m.since(), time.Nanosecond, 24*time.Hour)
	b.ReportAllocs()
	b.ResetTimer()
	// a rate that nobody reaches, so that it never sleeps
	s.send(b.Context(), t, 1e9, t.start+time.Duration(b.N))
}

// BenchmarkReport is what a delivery report takes.
func BenchmarkReport(b *testing.B) {
	m := newMeter("east")
	m.now.Store(newTally(0, 0, 24*time.Hour))
	rep := producer.Report{Outcome: producer.Delivered, Cluster: "east"}
	b.ReportAllocs()
	for b.Loop() {
		m.report(rep)
	}
}
