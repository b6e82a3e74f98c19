package audit

import (
	"testing"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// BenchmarkOutcome is what an audited record costs its producer beside Send and the report, the
// statements included. BenchmarkAudit in test/bench has what Send takes.
func BenchmarkOutcome(b *testing.B) {
	for _, bench := range []struct {
		name       string
		partitions uint64 // that records alternate between
	}{{"in order", 1}, {"scattered", 12}} {
		b.Run(bench.name, func(b *testing.B) {
			s, err := NewSource(SourceConfig{Instance: "bench"})
			if err != nil {
				b.Fatal(err)
			}
			s.state.sender = &mailbox{}
			var offsets [12]int64
			b.ReportAllocs()
			i := uint64(0)
			bucket := BucketOf(time.Now())
			for b.Loop() {
				sequence, _, _ := s.stream("t").stamp(bucket)
				rep := producer.Report{Topic: "t", Tag: s.tags.of(sequence, 0), Outcome: producer.Delivered,
					Partition: int32(i % bench.partitions), Offset: offsets[i%bench.partitions]}
				offsets[i%bench.partitions]++
				s.Outcome(&rep)
				if i++; i%50_000 == 0 {
					s.stateAll(false) // as every five seconds of 10,000 a second
					s.state.sender.(*mailbox).values = nil
				}
			}
		})
	}
}

// BenchmarkReader is what an audited record costs its reader beside fetching it.
func BenchmarkReader(b *testing.B) {
	for _, bench := range []struct {
		name string
		step uint64 // between two sequences in the partition
	}{{"in order", 1}, {"scattered", 12}} {
		b.Run(bench.name, func(b *testing.B) {
			ledger := NewLedger()
			h := Header{Instance: 1, Run: 1, Bucket: BucketOf(time.Now())}
			seg := newSegment("r", "t", 0, 0, 0)
			b.ReportAllocs()
			offset := int64(0)
			for b.Loop() {
				value := h.AppendTo(nil)
				read, err := ParseHeader(value)
				if err != nil {
					b.Fatal(err)
				}
				if seg.full() || offset%4000 == 0 {
					if err := ledger.Add(seg.encode(), time.Now()); err != nil {
						b.Fatal(err)
					}
					if seg.full() {
						seg = newSegment("r", "t", 0, 0, seg.upto)
					}
				}
				seg.see(&read, offset)
				offset++
				seg.pass(offset)
				h.Sequence += bench.step
			}
		})
	}
}
