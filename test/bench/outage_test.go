//go:build linux || darwin

package bench_test

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	heldRecords = 1_000_000
	heldSize    = 100
	heldGCs     = 5
)

// BenchmarkOutage is what a record costs while it waits: a million of them, offered to a cluster
// that is away.
func BenchmarkOutage(b *testing.B) {
	for _, name := range []string{"forebay", "franz-go"} {
		b.Run(name, func(b *testing.B) { benchHeld(b, newClient(b, name, deadSeeds, refused)) })
	}
}

func benchHeld(b *testing.B, c client) {
	before, gcBefore := heap()
	for i := range heldRecords {
		record := make([]byte, heldSize) // an event is new memory; who keeps it, pays for it
		binary.BigEndian.PutUint64(record, uint64(i))
		c.offer("events", record)
	}
	c.settle(b, heldRecords)
	after, gcAfter := heap()
	c.settle(b, heldRecords) // they are still there
	require.Zero(b, c.refused())
	bytes := float64(after.HeapAlloc) - float64(before.HeapAlloc)
	objects := float64(after.HeapObjects) - float64(before.HeapObjects)
	b.ReportMetric(0, "ns/op") // the time of all of it says nothing
	b.ReportMetric(bytes/heldRecords, "heap-B/record")
	b.ReportMetric(objects/heldRecords*1e6, "objects/1M-records")
	b.ReportMetric(gcAfter.median(), "GC-ms")
	b.Logf("a full collection takes %v ms, %v ms when nothing is held", gcAfter, gcBefore)
}

// heap returns what is reachable, and how long it takes to find that out, in milliseconds.
func heap() (m runtime.MemStats, took spread) {
	runtime.GC()
	runtime.GC() // what the first freed is swept
	for range heldGCs {
		begin := time.Now()
		runtime.GC()
		took = append(took, float64(time.Since(begin).Microseconds())/1000)
	}
	runtime.ReadMemStats(&m)
	return m, took
}

// BenchmarkAway is what an outage takes of a processor when its first minute and a half, in which
// Kafka is asked ten times a second, is over: nothing listens where three brokers were.
func BenchmarkAway(b *testing.B) {
	const seconds = 20
	value := make([]byte, heldSize)
	for _, perMillisecond := range []int{0, 1} {
		b.Run(fmt.Sprintf("records=%d/s", 1000*perMillisecond), func(b *testing.B) {
			begin := processTime(b)
			pace(1000*seconds, func(int) {})
			loop := processTime(b) - begin
			f := newForebay(b, []string{"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}, nil)
			time.Sleep(95 * time.Second)
			begin = processTime(b)
			pace(1000*seconds, func(int) {
				for range perMillisecond {
					f.offer("events", value)
				}
			})
			took := processTime(b) - begin - loop
			f.settle(b, int64(1000*seconds*perMillisecond))
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(took/1e6/seconds, "cpu-ms/s")
			b.ReportMetric(loop/1e6/seconds, "cpu-ms/s-of-the-loop")
		})
	}
}
