package drive

import (
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"time"
)

// appAllocates is what the application allocates while the collector is watched.
const (
	appAllocates  = 100 // blocks of a kilobyte in each millisecond
	appAllocsTime = 2 * time.Second
)

// heldMeter compares what the process holds with what it held in the beginning.
type heldMeter struct {
	heap    runtime.MemStats
	rss     int64
	gcShare float64
}

func beginHeld() *heldMeter {
	m := &heldMeter{gcShare: gcShare()}
	m.heap, m.rss = heap(), residentBytes()
	return m
}

func (m *heldMeter) end() *Held {
	now := heap()
	return &Held{
		HeapBytes:   int64(now.HeapAlloc) - int64(m.heap.HeapAlloc),
		HeapObjects: int64(now.HeapObjects) - int64(m.heap.HeapObjects),
		RSSBytes:    residentBytes() - m.rss,
		GCShare:     gcShare(),
		GCShareIdle: m.gcShare,
	}
}

// heap returns what is reachable.
func heap() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC() // what the first freed is swept
	runtime.ReadMemStats(&m)
	return m
}

// sink keeps what gcShare allocates from the stack.
var sink atomic.Pointer[[]byte]

// gcShare returns the collector's share of the CPU that the process takes, while the application
// allocates and throws away.
func gcShare() float64 {
	before := gcTime()
	for tick, end := time.Now(), time.Now().Add(appAllocsTime); tick.Before(end); tick = tick.Add(time.Millisecond) {
		for range appAllocates {
			block := make([]byte, 1<<10)
			sink.Store(&block)
		}
		time.Sleep(time.Until(tick))
	}
	runtime.GC() // the runtime adds up its times when it has collected
	after := gcTime()
	if after.busy <= before.busy {
		return 0
	}
	return (after.gc - before.gc) / (after.busy - before.busy)
}

type gcTimes struct{ gc, busy float64 }

func gcTime() gcTimes {
	s := []metrics.Sample{
		{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"},
		// The collector's idle marking takes only what nobody else wants.
		{Name: "/cpu/classes/gc/mark/idle:cpu-seconds"},
	}
	metrics.Read(s)
	idle := s[3].Value.Float64()
	return gcTimes{s[0].Value.Float64() - idle, s[1].Value.Float64() - s[2].Value.Float64() - idle}
}

// residentBytes returns what the process has in memory, or zero where /proc does not tell.
func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			var kib int64
			if _, err := fmt.Sscan(rest, &kib); err == nil {
				return kib << 10
			}
		}
	}
	return 0
}
