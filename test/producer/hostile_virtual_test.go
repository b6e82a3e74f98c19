//go:build synctests

package producer_test

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/hostile"
	"github.com/forebay-go/forebay/test/ledger"
	"github.com/forebay-go/forebay/test/proof"
)

// siege is a producer whose brokers are behind a hostile man in the middle.
type siege struct {
	t      require.TestingT
	k      *embedded
	topics map[string]int32
	middle *hostile.Middle
	l      *ledger.Ledger
	p      *producer.Producer
	sent   int
	heap   uint64 // the most that was seen
}

var besieged = map[string]int32{"a": 3, "b": 2}

// besiege returns a siege that has not begun. Stop must be called.
func besiege(t require.TestingT, brokers int, seed uint64,
	change ...func(*producer.Config)) *siege {
	k := newEmbedded(t, brokers, besieged)
	s := &siege{t: t, k: k, topics: besieged, middle: hostile.New(k.link.Dial, seed),
		l: ledger.New()}
	hour := func(c *producer.Config) {
		c.Buffer.MaxBytes = 1 << 20
		c.Reports.MaxBytes = 8 << 20 // none is dropped, however many end at once
		c.Batching.MaxBytes = 4 << 10
		c.Priorities.Medium.DeliveryTimeout = time.Hour
	}
	p, err := producer.New(k.config(append([]func(*producer.Config){hour}, change...)...),
		producer.WithDialer(s.middle.Dial), producer.WithDelivery(s.l.Report))
	require.NoError(t, err)
	s.p = p
	return s
}

// send sends n records: of two topics, keyed and not.
func (s *siege) send(n int) {
	for range n {
		s.sent++
		rec := producer.Record{Topic: "a", Value: make([]byte, 50)}
		if s.sent%3 == 0 {
			rec.Topic = "b"
		}
		if s.sent%2 == 0 {
			rec.Key = fmt.Append(nil, s.sent%10)
		}
		_ = s.l.Send(s.p, rec) // a full buffer is one of the cases
	}
}

// endure sends records for a time, and checks books and bounds all along.
func (s *siege) endure(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		s.send(2)
		time.Sleep(100 * time.Millisecond)
		s.bounds()
	}
}

func (s *siege) bounds() {
	stats := s.p.Stats()
	require.True(s.t, stats.Total.Balanced(), "%+v", stats.Total)
	require.LessOrEqual(s.t, stats.HeldBytes, stats.MaxBytes+128<<10,
		"what is dealt out anew takes a little more")
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.heap = max(s.heap, m.HeapAlloc)
}

// recover ends the siege: within a minute everything that waits is delivered, and what is sent then
// too.
func (s *siege) recover() {
	s.middle.Sane()
	waiting := s.p.Stats().Total
	begin := time.Now()
	for s.p.Stats().Total.Pending > 0 && time.Since(begin) < time.Minute {
		time.Sleep(100 * time.Millisecond)
	}
	after := s.p.Stats().Total
	// nothing may be pending any more because it has expired
	time.Sleep(time.Minute - time.Since(begin))
	require.Zero(s.t, after.Pending, "after a minute; when it began: %+v, in the end: %+v", waiting,
		after)
	s.send(30)
	time.Sleep(5 * time.Second)
	require.EqualValues(s.t, after.Delivered+30, s.p.Stats().Total.Delivered, "all is well again")
}

// stop frees everything, also where the test has failed.
func (s *siege) stop() {
	closeWithin(s.t, s.p, time.Second)
	s.middle.Wait()
	s.k.Close()
}

// end closes the producer and has the ledger judge, as far as trust allows. It notes in c, if there
// is one, what was checked.
func (s *siege) end(c *proof.Case, trust hostile.Trust) {
	closeWithin(s.t, s.p, time.Minute)
	stats := s.p.Stats()
	require.True(s.t, stats.Total.Balanced(), "%+v", stats.Total)
	require.Zero(s.t, stats.Total.Pending)
	require.Less(s.t, s.heap, uint64(512<<20), "the heap, with all garbage")
	if c != nil {
		c.Held("I10", 1)
		c.Held("I3", uint64(s.sent))
	}
	if trust == hostile.Lies {
		return
	}
	log := s.k.read(s.t, slices.Sorted(maps.Keys(s.topics))...)
	s.l.Read(log...)
	if trust == hostile.Honest {
		s.l.Ordered(log)
	}
	problems := s.l.Check(stats.Total)
	require.Empty(s.t, problems, "%d problems, of %+v:\n%s", len(problems), stats.Total,
		strings.Join(problems, "\n"))
	if c != nil && trust == hostile.Honest {
		s.l.Prove(c)
	}
}

// A broker that spoils every answer in one way: each way by itself, and what is asked meanwhile.
func TestVirtual_Hostile_EveryAnswerSpoilt(t *testing.T) {
	for _, m := range hostile.All() {
		t.Run(strings.ReplaceAll(m.Name, " ", "_"), func(t *testing.T) {
			c := proof.Of(t, m.Fault)
			synctest.Test(t, func(t *testing.T) {
				s := besiege(t, 2, 1)
				defer s.stop()
				if m.Asked(kmsg.InitProducerID) {
					s.middle.Turn(100, m) // it is asked for only once
				}
				s.send(30)
				time.Sleep(5 * time.Second)
				s.middle.Turn(100, m)
				s.k.link.Reset() // for what is asked when a connection begins
				often := shortRange
				if m.Name == "a thousand partitions more" {
					// these brokers work; the longer, the more of the partitions have something to
					// try
					often = 30 * time.Second
				}
				s.endure(often)
				before := s.middle.Count()
				s.endure(30 * time.Second)
				s.paced(c, m.Name, before)
				s.recover()
				s.end(c, m.Trust)
				c.Bit(m.Name, s.middle.Served()[m.Name])
			})
		})
	}
}

// paced checks how often was asked in the last 30 seconds.
func (s *siege) paced(c *proof.Case, name string, before hostile.Count) {
	after := s.middle.Count()
	dials, requests := float64(after.Dials-before.Dials)/30, float64(after.Requests-before.Requests)/30
	maxDials, maxRequests := 15.0, 60.0
	switch name {
	case "a thousand brokers more":
		maxDials = 240 // twenty in 100 ms, and those that are there
	case "does not want to speak":
		// some codes mean that it does: each failure after that begins an outage, in which two
		// brokers are asked every 100 ms
		maxDials = 25
	case "a thousand partitions more":
		maxRequests = 600 // each is a partition in trouble
	}
	require.LessOrEqual(s.t, dials, maxDials, "dials a second")
	require.LessOrEqual(s.t, requests, maxRequests, "requests a second: %v", after.ByKey)
	c.Held("I16", uint64(after.Dials-before.Dials)+1)
	c.Figure("dials and requests a second", "%.1f and %.1f", dials, requests)
}

// Random ways to spoil answers, one after the other and together.
func TestVirtual_Hostile_RandomSieges(t *testing.T) {
	c := proof.Of(t, hostile.Frames, hostile.Metadata, hostile.Answers)
	served := make(map[string]int64)
	sieges := int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(t *rapid.T) {
			for name, n := range randomSiege(t) {
				served[name] += n
			}
			sieges++
		})
	})
	c.Bit("random sieges", sieges)
	for name, n := range served {
		c.Bit(name, n)
	}
	for _, invariant := range []string{"I3", "I4", "I10", "I11"} {
		c.Held(invariant, uint64(sieges))
	}
}

func randomSiege(t *rapid.T) map[string]int64 {
	timeout := rapid.SampledFrom([]time.Duration{5 * time.Second, time.Minute, time.Hour,
		time.Hour}).Draw(t, "timeout")
	s := besiege(t, rapid.IntRange(1, 3).Draw(t, "brokers"), rapid.Uint64().Draw(t, "seed"),
		func(c *producer.Config) {
			c.Batching.MaxBytes = rapid.SampledFrom([]int{1 << 10, 16 << 10}).Draw(t, "batch bytes")
			c.Batching.Compression = rapid.SampledFrom([]string{"none", "lz4"}).Draw(t,
				"compression")
			c.Priorities.Medium.DeliveryTimeout = timeout
			c.Priorities.Medium.MoveUnresolvedAfter = rapid.SampledFrom([]time.Duration{producer.Never,
				time.Second}).Draw(t, "move")
		})
	defer s.stop()
	pool := hostile.Trusted(rapid.SampledFrom([]hostile.Trust{hostile.Honest, hostile.Honest,
		hostile.Misplaces, hostile.Lies}).Draw(t, "trust"))
	trust := hostile.Honest
	partitions := false // there seem to be two thousand more, until an answer says otherwise
	for range rapid.IntRange(1, 5).Draw(t, "phases") {
		var mutations []hostile.Mutation
		for range rapid.IntRange(1, 4).Draw(t, "mutations") {
			mutations = append(mutations, pool[rapid.IntRange(0, len(pool)-1).Draw(t, "mutation")])
		}
		trust = max(trust, hostile.Worst(mutations))
		partitions = partitions || slices.ContainsFunc(mutations,
			func(m hostile.Mutation) bool { return m.Name == "a thousand partitions more" })
		s.middle.Turn(rapid.SampledFrom([]int{5, 30, 100}).Draw(t, "percent"), mutations...)
		if rapid.Bool().Draw(t, "reset") {
			s.k.link.Reset()
		}
		before, sent := s.middle.Count(), s.sent
		s.send(rapid.IntRange(0, 200).Draw(t, "records"))
		seconds := rapid.IntRange(1, 20).Draw(t, "seconds")
		s.endure(time.Duration(seconds) * time.Second)
		after := s.middle.Count()
		require.LessOrEqual(t, after.Dials-before.Dials, int64(500+250*seconds))
		requests := int64(1000 + 600*seconds + 10*(s.sent-sent))
		// each that refuses is tried six times in the first second, and then once a second, two or
		// more in a request
		if partitions {
			requests += int64(3000 + 500*seconds)
		}
		require.LessOrEqual(t, after.Requests-before.Requests, requests)
	}
	s.recover()
	s.end(nil, trust)
	return s.middle.Served()
}
