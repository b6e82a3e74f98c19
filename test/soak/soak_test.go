//go:build soak && unix

package soak

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
)

var (
	minutes = flag.Float64("minutes", 10, "how long faults are injected")
	seed    = flag.Uint64("seed", 0, "of everything that is drawn; 0 draws one")
	rate    = flag.Float64("rate", 9000, "records a second of both producers, on average")
)

const (
	draining = time.Minute     // for everything to be delivered once all faults are over
	healing  = 5 * time.Minute // for everything to have an outcome, and to be read
	// bytes of heap that may be there in the end and were not in the beginning
	leftover = 8 << 20
)

func TestSoak(t *testing.T) {
	if *seed == 0 {
		*seed = rand.Uint64() >> 32
	}
	say("seed %d: repeat it with make soak MINUTES=%v SEED=%d", *seed, *minutes, *seed)
	k := kafkatest.Start(t, kafkatest.Brokers(3), kafkatest.Heap(512),
		kafkatest.Property("min.insync.replicas", "2"))
	verdict := soak(t, k)

	begin, goroutines := verdict.heap, verdict.goroutines
	heap := heapInUse()
	say("heap %+d KiB, of which %d KiB may be buffers for reuse, and %+d goroutines after Close",
		(heap-begin)>>10, verdict.reusable>>10,
		runtime.NumGoroutine()-goroutines)
	if heap-begin > leftover+verdict.reusable {
		verdict.violated("I11: the heap has %d bytes more than in the beginning; its profile is %s",
			heap-begin, profile("heap", 0))
	}
	verdict.print()
	for _, v := range verdict.violations {
		t.Error(v)
	}
}

// soak does it all.
func soak(t *testing.T, k *kafkatest.Cluster) *verdict {
	v := &verdict{heap: heapInUse(), goroutines: runtime.NumGoroutine(),
		faults: make(map[string]int)}
	sides := []*side{newSide(t, k, v, "a"), newSide(t, k, v, "b")}
	log := readLog(t, k, v, sides)

	begin := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(*minutes*float64(time.Minute)))
	defer cancel()
	quit, stopWatching := context.WithCancel(t.Context())
	defer stopWatching()
	var senders, faults, watchers sync.WaitGroup
	for _, s := range sides {
		s.start(ctx, &senders)
	}
	injectFaults(ctx, t, k, v, sides, &faults)
	watch(quit, v, sides, log, &watchers)
	senders.Wait()
	v.sending = time.Since(begin)
	faults.Wait() // every fault undoes itself
	say("all faults are over; what is held is delivered now")

	for _, s := range sides {
		s.finish(t, v)
	}
	log.finish(t, v)
	stopWatching()
	watchers.Wait()
	for _, s := range sides {
		s.judge(v)
		s.ledger = nil // for the heap is measured now, with the producers in it
	}
	return v
}

// verdict is what the soak has seen. It is safe for concurrent use while the soak runs.
type verdict struct {
	heap       int64 // in the beginning
	goroutines int
	reusable   int64         // bytes that the producers keep for reuse, in the end
	sending    time.Duration // for how long there were records and faults

	mu          sync.Mutex // guards what follows
	faults      map[string]int
	violations  []string
	unsaid      int
	emptyLoop   time.Duration // the longest
	observed    int           // snapshots of books
	dumps       int           // of goroutines
	seenInSend  int           // goroutines in them that were in Send
	sides       []string      // closing lines
	attempted   uint64
	accepted    uint64
	outcomes    map[producer.Outcome]uint64
	maybeTwice  uint64
	twice       uint64
	compared    uint64
	disordered  uint64
	longestSend time.Duration
	read        uint64
}

// violated notes that something did not hold.
func (v *verdict) violated(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.violations) >= 100 {
		v.unsaid++
		return
	}
	text := fmt.Sprintf(format, args...)
	v.violations = append(v.violations, text)
	say("VIOLATION %s", text)
}

// bit notes that a fault has happened.
func (v *verdict) bit(kind, format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.faults[kind]++
	say("fault: %s %s", kind, fmt.Sprintf(format, args...))
}

func (v *verdict) print() {
	v.mu.Lock()
	defer v.mu.Unlock()
	total := 0
	for _, n := range v.faults {
		total += n
	}
	o := v.outcomes
	fmt.Println(strings.Join(v.sides, "\n"))
	fmt.Printf("minutes:           %.1f with faults, %.1f in all\n", v.sending.Minutes(),
		time.Since(started).Minutes())
	fmt.Printf("faults injected:   %d: %s\n", total, counted(v.faults))
	fmt.Printf("records:           %d attempted, %d accepted, %d refused; %.0f a second\n",
		v.attempted, v.accepted, v.attempted-v.accepted,
		float64(v.attempted)/v.sending.Seconds())
	fmt.Printf("outcomes:          %d delivered, %d expired, %d shed, %d rejected, %d possibly "+
		"persisted\n", o[producer.Delivered],
		o[producer.Expired], o[producer.Shed], o[producer.Rejected], o[producer.PossiblyPersisted])
	fmt.Printf("duplicates:        %d counted as maybe duplicated, %d really twice in the log "+
		"of %d\n", v.maybeTwice, v.twice, v.read)
	fmt.Printf("order:             %d violations in %d keyed records\n", v.disordered, v.compared)
	fmt.Printf("longest Send:      %v; the longest of an empty loop: %v\n", v.longestSend,
		v.emptyLoop)
	fmt.Printf("books:             checked %d times; %d goroutines seen in Send, in %d dumps\n",
		v.observed, v.seenInSend, v.dumps)
	fmt.Printf("violations:        %d\n", len(v.violations)+v.unsaid)
	fmt.Printf("seed:              %d\n", *seed)
}

var started = time.Now()

// say prints a line with the time since the start.
func say(format string, args ...any) {
	fmt.Printf("%8.2fs %s\n", time.Since(started).Seconds(), fmt.Sprintf(format, args...))
}

// heapInUse returns the bytes that live. What waits in a pool and has a finalizer outlives two
// collections.
func heapInUse() int64 {
	var m runtime.MemStats
	for range 5 {
		runtime.GC()
		time.Sleep(10 * time.Millisecond) // for finalizers
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// profile writes a profile of the process to a file and returns its name.
func profile(kind string, debug int) string {
	file, err := os.CreateTemp("", "soak-"+kind+"-")
	if err != nil {
		return err.Error()
	}
	defer func() { _ = file.Close() }()
	if err := pprof.Lookup(kind).WriteTo(file, debug); err != nil {
		return err.Error()
	}
	return file.Name()
}

// draws returns a source of its own for everything that draws by itself, so that none depends on
// the pace of another.
func draws(who string) *rand.Rand {
	var s [32]byte
	copy(s[:], fmt.Sprintf("%d %s", *seed, who))
	return rand.New(rand.NewChaCha8(s))
}

// between draws a time.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}

// pick draws one of those.
func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// pause waits, and reports whether there is time left.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
