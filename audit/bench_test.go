package audit

import (
	"fmt"
	"runtime"
	"slices"
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
			h := Header{Instance: 1, Run: 1, Bucket: BucketOf(time.Now()), Intended: time.Now()}
			seg := newSegment("r", "t", 0, 0, 0)
			b.ReportAllocs()
			offset := int64(0)
			now, took := time.Now(), new(latency)
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
				took.add(&read, now, 1)
				seg.see(&read, offset)
				offset++
				seg.pass(offset)
				h.Sequence += bench.step
			}
		})
	}
}

// BenchmarkLedger is the memory of a ledger that knows a day of 10 topics of 100 records a second
// each.
func BenchmarkLedger(b *testing.B) {
	const topics, buckets, partitions, records = 10, 144, 12, 60_000
	for _, bench := range []struct {
		name string
		step uint64 // between two sequences in a partition
	}{{"in order", 1}, {"scattered", partitions}} {
		b.Run(bench.name, func(b *testing.B) {
			for range b.N {
				before := heapHeld()
				l := NewLedger()
				offset := int64(0)
				for bucket := range Bucket(buckets) {
					for topic := range topics {
						addBucket(b, l, fmt.Sprint("topic-", topic), bucket, offset, bench.step)
					}
					offset += records
					l.Judge(time.Now(), false)
				}
				b.ReportMetric(float64(heapHeld()-before)/(1<<20), "MiB")
				total := l.Report(time.Now()).Total
				if total.Seen != topics*buckets*records || total.Waiting > 0 || total.Faulty() {
					b.Fatalf("%+v", total)
				}
			}
		})
	}
}

// BenchmarkLate is what a record costs a ledger that hears of all claims before it hears of sights,
// and of every other sight first. So it is for who reads old statements, which are in several
// partitions of their topic.
func BenchmarkLate(b *testing.B) {
	const records, each = 200_000, 2000
	for b.Loop() {
		l := NewLedger()
		var sights [2][][]byte
		for first := uint64(0); first < records; first += each {
			c := claim{instance: "a", run: 1, topic: "t", part: uint32(first / each), next: 2 * records}
			s := sight{reader: "r", topic: "t", from: int64(first), upto: int64(first + each),
				streams: []origin{{IDOf("a"), 1}}}
			for i := first; i < first+each; i++ { // every other record is in this partition
				c.runs = append(c.runs, run{first: 2 * i, n: 1, offset: int64(i)})
				s.runs = append(s.runs, sighting{first: 2 * i, n: 1, offset: int64(i)})
			}
			addTo(b, l, c.encode())
			odd := first / each % 2
			sights[odd] = append(sights[odd], s.encode())
		}
		for _, s := range slices.Concat(sights[1], sights[0]) {
			addTo(b, l, s)
		}
		if total := l.Report(time.Now()).Total; total.Seen != records || total.Waiting > 0 {
			b.Fatalf("%+v", total)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
}

func addTo(b *testing.B, l *Ledger, statement []byte) {
	if err := l.Add(statement, time.Now()); err != nil {
		b.Fatal(err)
	}
}

// addBucket adds what is stated about a bucket of 60,000 records, whose sequences alternate between
// step partitions.
func addBucket(b *testing.B, l *Ledger, topic string, bucket Bucket, offset int64, step uint64) {
	const records = 60_000
	first := uint64(offset)
	each := records / int64(step)
	from := offset / int64(step)
	c := claim{instance: "a", run: 1, topic: topic, bucket: bucket, first: first, next: first + records}
	for partition := range int32(step) {
		s := sight{reader: "r", topic: topic, partition: partition, from: from, upto: from + each,
			streams: []origin{{IDOf("a"), 1}}}
		for i := range uint64(each) {
			if step == 1 {
				s.runs = append(s.runs, sighting{bucket: bucket, first: first, n: records, offset: from})
				c.runs = append(c.runs, run{first: first, n: records, offset: from})
				break
			}
			at := first + i*step + uint64(partition)
			s.runs = append(s.runs, sighting{bucket: bucket, first: at, n: 1, offset: from + int64(i)})
			c.runs = append(c.runs, run{first: at, n: 1, partition: partition, offset: from + int64(i)})
		}
		if err := l.Add(s.encode(), time.Now()); err != nil {
			b.Fatal(err)
		}
	}
	c.final = true
	if err := l.Add(c.encode(), time.Now()); err != nil {
		b.Fatal(err)
	}
}

func heapHeld() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkReport is how long a ledger that knows a day of 100 topics takes for what an agent asks
// again and again, and for a look by the clock. A statement came since the last report.
func BenchmarkReport(b *testing.B) {
	l := NewLedger()
	const topics, buckets = 100, 144
	offset := int64(0)
	for bucket := range Bucket(buckets) {
		for topic := range topics {
			addBucket(b, l, fmt.Sprint("topic-", topic), bucket, offset, 1)
		}
		offset += 60_000
	}
	l.Judge(time.Now(), false)
	said := func(i int) {
		c := claim{instance: "a", run: 1, topic: "topic-1", bucket: buckets - 1, first: uint64(offset),
			next: uint64(offset + int64(i))}
		if err := l.Add(c.encode(), time.Now()); err != nil {
			b.Fatal(err)
		}
	}
	i := 0
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			said(i)
			i++
			l.Report(time.Now())
		}
	})
	b.Run("since the newest bucket", func(b *testing.B) {
		for b.Loop() {
			said(i)
			i++
			l.reportSince(buckets-1, time.Now())
		}
	})
	b.Run("locked", func(b *testing.B) {
		for b.Loop() {
			said(i)
			i++
			l.collect(0, time.Now())
		}
	})
	b.Run("judge", func(b *testing.B) {
		now := time.Now()
		for b.Loop() {
			now = now.Add(time.Second)
			l.Judge(now, false)
		}
	})
}
