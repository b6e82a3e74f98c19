//go:build unix

package audit_test

import (
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
)

// Among millions of records a broker acknowledges one that it does not write, and something on the
// way writes another one twice. Both are found by their numbers, and nothing else is.
func TestKafka_F21_OneLossAndOneCopyAreFoundAmongMillions(t *testing.T) {
	t.Parallel()
	s := newStage(t, kafkatest.Start(t, kafkatest.Brokers(3)))
	l := s.liar(t)
	source := s.source(t, "shop")
	p, err := producer.New(s.settings(), producer.WithObserver(source),
		producer.WithDialer(l.Dial))
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = p.Close(soon(t)) })
	source.Start(p)
	f := s.follow(t)
	reader := s.reader(t, f)

	const n, lost, twice = plantedAmong, plantedAmong / 3, plantedAmong/3*2 + 1
	begin, used := time.Now(), processorTime(t)
	send := s.sender(t, p)
	alone := func(i int) { // in a batch of its own
		require.NoError(t, p.Flush(soon(t)))
		send(i)
		require.NoError(t, p.Flush(soon(t)))
	}
	for i := range n {
		switch i {
		case lost:
			l.drop.Store(true)
			alone(i)
		case twice:
			l.double.Store(true)
			alone(i)
		default:
			send(i)
		}
	}
	require.NoError(t, source.Close(soon(t)))
	require.Equal(t, int64(1), l.dropped.Load())
	require.Equal(t, int64(1), l.doubled.Load())

	r := until(t, f, func(r *audit.Report) bool {
		return decided(r) && r.Total.Lost > 0 && r.Total.Unexplained > 0
	})
	t.Logf("%d records in %v, %v of processor time a record for all of it", n, time.Since(begin),
		(processorTime(t)-used)/n)
	require.Equal(t, audit.Faulty, r.Verdict())
	want := audit.Counts{Numbered: n, Delivered: n, Seen: n - 1, Lost: 1, Copies: 1, Unexplained: 1,
		Reasons: r.Total.Reasons}
	require.Equal(t, want, r.Total)
	require.Empty(t, r.Total.Reasons)
	var examples []uint64
	for _, row := range r.Rows {
		examples = append(examples, row.Examples...)
	}
	require.ElementsMatch(t, []uint64{lost, twice}, examples)
	all, audited := reader.Records()
	require.Equal(t, uint64(n), all) // one is not there, and one is there twice
	require.Equal(t, uint64(n), audited)

	before := heapHeld()
	again := s.follow(t)
	require.NoError(t, again.CatchUp(soon(t)))
	again.Ledger().Judge(time.Now(), true)
	t.Logf("a ledger that has all of it, and its client, take %.1f MiB",
		float64(heapHeld()-before)/(1<<20))
	require.Equal(t, r.Total, again.Ledger().Report(time.Now()).Total)
}

// sender returns what sends record i, of 100 bytes, every other one with a key. It waits while
// many have no outcome: a record that is refused would have a number, too.
func (s *stage) sender(t *testing.T, p *producer.Producer) func(i int) {
	value := make([]byte, 100)
	var key []byte
	return func(i int) {
		few := func() bool { return p.Stats().Total.Pending < 100_000 }
		if i%1000 == 0 && !few() {
			require.Eventually(t, few, 2*time.Minute, time.Millisecond)
		}
		rec := producer.Record{Topic: s.topic, Value: strconv.AppendInt(value[:0], int64(i), 10)}
		rec.Value = rec.Value[:len(value)]
		if i%2 == 0 {
			key = strconv.AppendInt(append(key[:0], "key-"...), int64(i%1000), 10)
			rec.Key = key
		}
		require.NoError(t, p.Send(rec))
	}
}

// processorTime returns what this process has used.
func processorTime(t *testing.T) time.Duration {
	var used syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func heapHeld() int64 {
	runtime.GC()
	runtime.GC() // what pools had is kept for one more
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
