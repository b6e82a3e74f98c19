package buffer

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/delivery"
)

// requireDue checks that t knows when what waits in it expires.
func requireDue(t require.TestingT, topic *Topic, timeout time.Duration) {
	first, waiting := never, waits(topic)
	for _, b := range waiting {
		first = min(first, b.Deadline(timeout))
		require.Same(t, b, (*topic.duesLocked(b))[b.dueAt])
	}
	require.Len(t, waiting, len(topic.dues)+len(topic.ages))
	require.Equal(t, first, topic.Deadline(timeout))
	if survey := topic.Survey(nil); len(survey) > 0 {
		require.Equal(t, first, survey[0].Deadline(timeout))
	}
}

// requireInTime checks that nothing waits in t that has expired, except what is being compressed.
func requireInTime(t require.TestingT, topic *Topic, now, timeout time.Duration) {
	for _, b := range waits(topic) {
		if !b.Busy() {
			require.Greater(t, b.Deadline(timeout), now)
		}
	}
}

// sendTTL sends a record that carries when it was sent and its TTL.
func sendTTL(t require.TestingT, topic *Topic, kind Kind, ttl, now time.Duration) {
	r := Record{Key: []byte("k"), Value: fmt.Append(nil, int64(now), " ", int64(ttl)), TTL: ttl}
	require.NoError(t, topic.Append(&r, kind, 0, now))
}

// requireKept checks that no record of b expires late, or more than a sixteenth of its time early.
func requireKept(t require.TestingT, b *Batch, timeout time.Duration) {
	require.NoError(t, b.Each(func(_ int, r *Record, _ time.Duration) {
		var sent, ttl time.Duration
		_, err := fmt.Sscan(string(r.Value), (*int64)(&sent), (*int64)(&ttl))
		require.NoError(t, err)
		if ttl == 0 {
			ttl = timeout
		}
		require.LessOrEqual(t, b.Deadline(timeout), sent+ttl)
		require.GreaterOrEqual(t, b.Deadline(timeout), sent+ttl-ttl/16)
	}))
}

func TestClassOf_IsAThirtySecondLessAtMost(t *testing.T) {
	require.Zero(t, classOf(0))
	rapid.Check(t, func(rt *rapid.T) {
		ttl := time.Duration(rapid.Int64Range(1, int64(365*day)).Draw(rt, "TTL"))
		class := classOf(ttl)
		require.LessOrEqual(rt, class, ttl)
		require.LessOrEqual(rt, ttl-class, ttl/32)
		require.Equal(rt, class, classOf(class))
	})
}

// Whatever the TTLs, and however batches are taken, halved, dealt out anew and given back: no
// record expires late, or more than a sixteenth of its time early.
func TestTopic_KeepsTheTTLOfEachRecord(t *testing.T) {
	const timeout = 20 * time.Second
	rapid.Check(t, func(rt *rapid.T) {
		lane := newTestLane(t, 1<<30, func(c *Config) {
			c.BatchBytes, c.DeliveryTimeout = 1<<10, timeout
			c.Reports = rapid.Bool().Draw(rt, "reports")
		})
		topic, now := newTestTopic(t, lane), time.Duration(0)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		of := func(b *Batch) { requireKept(rt, b, timeout) }
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			switch step := rapid.IntRange(0, 6).Draw(rt, "step"); step {
			default:
				ttls := []time.Duration{0, 50 * time.Millisecond, time.Second,
					time.Second + time.Duration(random.Int64N(1e10)), time.Hour}
				for range random.IntN(60) {
					now += time.Duration(random.Int64N(int64(20 * time.Millisecond)))
					sendTTL(rt, topic, Kind(random.IntN(3)), ttls[random.IntN(len(ttls))], now)
				}
			case 4:
				for _, b := range topic.Recount(random.Int32N(3) + 1) {
					require.NoError(rt, topic.DealOut(b, topic.count, roomy))
				}
			case 5:
				if b := topic.TakeOldest(); b != nil && b.Records() > 1 {
					halves, err := topic.Halve(b)
					require.NoError(rt, err)
					topic.Requeue(halves...)
				} else if b != nil {
					topic.Requeue(b)
				}
			case 6:
				now += time.Duration(random.Int64N(int64(2 * time.Second)))
				for _, b := range topic.TakeExpired(now, timeout) {
					require.LessOrEqual(rt, b.Deadline(timeout), now)
					topic.Resolve(b, delivery.Expired, delivery.DeliveryTimeout, false)
				}
				requireInTime(rt, topic, now, timeout)
			}
			for _, b := range waits(topic) {
				of(b)
			}
			requireDue(rt, topic, timeout)
			requireCounted(rt, topic)
		}
	})
}

func TestTopic_TTLsThatAlternateShareBatches(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<30))
	ttls := []time.Duration{0, time.Second, time.Minute, time.Hour}
	for i := range 4000 {
		sendTTL(t, topic, Unkeyed, ttls[i%4], time.Duration(i))
	}
	all := topic.TakeAll()
	require.Less(t, len(all), 20, "a batch has 16 KiB")
	seen := make(map[time.Duration]int)
	for _, b := range all {
		seen[b.TTL()] += b.Records()
		requireKept(t, b, day)
	}
	for _, ttl := range ttls {
		require.Equal(t, 1000, seen[classOf(ttl)], ttl)
	}
}

// As where each record is to be there by the same moment.
func TestTopic_TTLsThatDifferLittleShareABatch(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<30))
	for i := range 100 {
		sendTTL(t, topic, Unkeyed, time.Minute+time.Duration(i)*10*time.Millisecond, 0)
	}
	all := topic.TakeAll()
	require.LessOrEqual(t, len(all), 2)
	for _, b := range all {
		requireKept(t, b, day)
	}
}

func TestTopic_ManyTTLsHaveFewOpenBatches(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<30))
	for i := range 1000 {
		sendTTL(t, topic, Unkeyed, time.Second<<(i%30), time.Duration(i))
	}
	require.Len(t, topic.timed, maxTimed)
	open := 0
	for _, b := range waits(topic) {
		if b.in == nil {
			open++
		}
	}
	require.Equal(t, maxTimed, open)
	for b := topic.Take(Unkeyed, -1, true); b != nil; b = topic.Take(Unkeyed, -1, true) {
		requireKept(t, b, day)
		topic.Resolve(b, delivery.Delivered, delivery.None, false)
	}
	require.EqualValues(t, 1000, booksOf(topic).Delivered)
	require.Empty(t, topic.Survey(nil))
	require.Empty(t, topic.timed, "they are given back")
}

func TestTopic_KeyedRecordsKeepTheirOrderWhateverTheirTTL(t *testing.T) {
	for _, kind := range []Kind{Keyed, Explicit} {
		topic := newTestTopic(t, newTestLane(t, 1<<30))
		topic.Recount(1)
		for i := range 300 {
			r := Record{Key: []byte("k"), Tag: uint64(i), TTL: time.Duration(i/3%2) * time.Minute}
			require.NoError(t, topic.Append(&r, kind, 0, time.Duration(i)))
		}
		next := uint64(0)
		for b := topic.Take(kind, 0, true); b != nil; b = topic.Take(kind, 0, true) {
			b.EachTag(func(_ int, tag uint64, _ time.Duration) {
				require.Equal(t, next, tag)
				next++
			})
		}
		require.EqualValues(t, 300, next)
	}
}

// Batches of one record each do not take the memory of full ones.
func TestTopic_KeyedRecordsWithOtherTTLsTakeLittleMemory(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<30))
	topic.Recount(1)
	for i := range 1000 {
		sendTTL(t, topic, Keyed, 0, time.Duration(i))
	}
	before := topic.Held()
	for i := range 100 {
		sendTTL(t, topic, Keyed, time.Duration(i%2)*time.Minute, 1000)
	}
	require.Less(t, topic.Held()-before, int64(200<<10), "and not 16 KiB each")
}

// A batch that is sealed behind others expires before them, and one before them after.
func TestTopic_ExpiresFromTheMiddle(t *testing.T) {
	for _, kind := range []Kind{Unkeyed, Keyed, Explicit} {
		topic := newTestTopic(t, newTestLane(t, 1<<30))
		topic.Recount(1)
		for i, ttl := range []time.Duration{time.Hour, 0, 50 * time.Millisecond, 0, time.Minute} {
			sendTTL(t, topic, kind, ttl, time.Duration(i))
			topic.flush(NewWaiter())
		}
		ends := func(now time.Duration, n int) {
			t.Helper()
			at := topic.Survey(nil)[0].Deadline(time.Second)
			require.Greater(t, at, now-time.Hour, "it asks for a look")
			require.Len(t, topic.TakeExpired(now, time.Second), n)
		}
		ends(40*time.Millisecond, 0)
		ends(50*time.Millisecond, 1)
		ends(time.Second+1, 1)
		ends(time.Second+3, 1)
		ends(time.Minute, 1)
		ends(time.Hour, 1)
		require.Empty(t, topic.Survey(nil))
	}
}

func TestOutlet_ABatchWithAShortTTLWakesWhoWouldLookTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := newTestTopic(t, newTestLane(t, 1<<30, func(c *Config) { c.Linger = time.Second }))
		o := topic.outlet
		add(t, topic, "the first of a topic")
		<-o.Woken()
		require.NotNil(t, topic.Take(Unkeyed, -1, true))
		o.Look()
		o.Arm(time.Second)
		ripe := func(after time.Duration) bool {
			time.Sleep(after)
			select {
			case <-o.Ripe():
				return true
			default:
				return false
			}
		}
		sendTTL(t, topic, Unkeyed, time.Hour, 0)
		require.False(t, ripe(time.Hour), "it looks by itself")
		sendTTL(t, topic, Unkeyed, 16*time.Second, 0)
		require.False(t, ripe(16*time.Second/32-16*time.Millisecond))
		require.True(t, ripe(16*time.Millisecond))
		require.Empty(t, o.Woken())
	})
}
