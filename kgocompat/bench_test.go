package kgocompat

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
)

// BenchmarkProduce is what a Client adds to a SendFunc that does nothing but call its function.
func BenchmarkProduce(b *testing.B) {
	p, promise := called{}, func(*kgo.Record, error) {}
	c := Over(p)
	rec := &kgo.Record{Topic: "plays", Value: make([]byte, 100), Timestamp: time.UnixMilli(1)}
	headers := []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "b", Value: []byte("2")}}
	b.Run("SendFunc alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = p.SendFunc(producer.Record{Topic: rec.Topic, Value: rec.Value}, func(producer.Report) {})
		}
	})
	for _, row := range []struct {
		name    string
		headers []kgo.RecordHeader
	}{{"Produce", nil}, {"Produce with two headers", headers}} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			rec.Headers = row.headers
			for b.Loop() {
				c.Produce(context.Background(), rec, promise)
			}
		})
	}
	b.Run("Produce by many goroutines", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			rec := *rec
			for pb.Next() {
				c.Produce(context.Background(), &rec, promise)
			}
		})
	})
}

// called is a producer that delivers at once.
type called struct{ Producer }

func (called) SendFunc(_ producer.Record, fn func(producer.Report)) error {
	fn(producer.Report{Outcome: producer.Delivered, Topic: "plays"})
	return nil
}
