package buffer

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/delivery"
)

func TestBatch_TheBudgetCountsAllOfIt(t *testing.T) {
	require.LessOrEqual(t, unsafe.Sizeof(Batch{})+unsafe.Sizeof(&Waiter{}), uintptr(batchOverhead))
	require.LessOrEqual(t, unsafe.Sizeof(Topic{})+unsafe.Sizeof(source{}), uintptr(topicBytes))
	require.Equal(t, uintptr(metaBytes), unsafe.Sizeof(meta{}))
}

func TestLane_TakeOldestTakesOpenBatchesAndSkipsThoseBeingCompressed(t *testing.T) {
	lane := newTestLane(t, 1<<30)
	a, err := lane.Topic("a", 0)
	require.NoError(t, err)
	b, err := lane.Topic("b", 0)
	require.NoError(t, err)
	large := string(make([]byte, 20<<10)) // a batch of its own
	add(t, a, large)
	add(t, b, large)
	add(t, a, "open")
	add(t, b, "open")
	claimed := a.ClaimRaw()
	require.NotNil(t, claimed)
	require.Same(t, b, lane.TakeOldest().Topic(), "the oldest is being compressed")
	claimed.Compress(NoCodec)
	require.Same(t, claimed, lane.TakeOldest())
	open := lane.TakeOldest()
	require.Equal(t, []string{"open"}, values(t, open))
	require.Same(t, a, open.Topic())
	add(t, a, "newer")
	a.Requeue(open)
	require.Same(t, open, lane.TakeOldest(), "what comes back is the oldest again")
	require.Same(t, b, lane.TakeOldest().Topic())
	require.Equal(t, []string{"newer"}, values(t, lane.TakeOldest()))
	require.Nil(t, lane.TakeOldest())
}

// roomy is more room than any test needs.
const roomy = 1 << 40

// requireCounted requires that what a topic says of what it holds is what it holds, batch by batch.
func requireCounted(t require.TestingT, topic *Topic) {
	books, oldest := topic.Account()
	pending, batches, born := uint64(0), 0, time.Duration(0)
	for b := topic.all; b != nil; b = b.allNext {
		if batches == 0 || b.born < born {
			born = b.born
		}
		pending += uint64(b.records)
		batches++
		if b.allNext == nil {
			require.Same(t, topic.eldest, b)
			continue
		}
		require.Same(t, b, b.allNext.allPrev)
		require.GreaterOrEqual(t, b.order, b.allNext.order, "the newest first")
	}
	require.Equal(t, pending, books.Pending)
	require.Equal(t, batches, topic.batches)
	require.Equal(t, born, oldest)
	require.Equal(t, batches == 0, topic.eldest == nil)
	require.True(t, books.Balanced())
}

// waits returns the batches in the sources of a topic, which are all that wait.
func waits(t *Topic) (all []*Batch) {
	for b := t.undealt.head; b != nil; b = b.next {
		all = append(all, b)
	}
	sources := slices.Concat([]*source{&t.unkeyed}, t.timed, t.bound)
	for _, on := range t.onHold {
		sources = slices.AppendSeq(sources, maps.Values(on.places))
	}
	for _, s := range sources {
		for _, q := range [...]*queue{&s.dealt, &s.sealed} {
			for b := q.head; b != nil; b = b.next {
				all = append(all, b)
			}
		}
		if s.open != nil {
			all = append(all, s.open)
		}
	}
	return all
}

// requireOnHold requires that what a topic says of what is on hold is what is, and returns the bytes
// of its tables and of its batches.
func requireOnHold(t require.TestingT, topic *Topic) (tables, held int64) {
	records := uint64(0)
	since, is := topic.OnHoldSince()
	require.Equal(t, len(topic.onHold) > 0, is)
	for h, on := range topic.onHold {
		require.Contains(t, h.keepers, topic)
		tables += on.bytes
		batches := 0
		for at, s := range on.places {
			for b := cmp.Or(s.sealed.head, s.open); b != nil; b = cmp.Or(b.next, s.open) {
				require.Same(t, h, b.hold)
				require.Equal(t, at, placeOf(b.kind, b.partition, b.ttl))
				require.LessOrEqual(t, since, b.born)
				records += uint64(b.records)
				held += b.held
				if batches++; b == s.open {
					break
				}
			}
		}
		require.Equal(t, batches, on.batches)
		require.Positive(t, batches)
	}
	require.Equal(t, records, topic.recordsOnHold)
	return tables, held
}

// Whatever is sent, taken, given back, dealt out, compressed and given up: the list of a lane has
// what waits, and nothing else, in the order of opening, and every byte is counted once.
func TestLane_TheListOfWhatWaitsIsWhatWaits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lane := newTestLane(t, 1<<30, func(c *Config) { c.BatchBytes = 1 << 10 })
		var topics []*Topic
		for i := range 3 {
			topic, err := lane.Topic(fmt.Sprint(i), 0)
			require.NoError(rt, err)
			topics = append(topics, topic)
		}
		var taken, claimed []*Batch
		now := time.Duration(0)
		back := make(map[*Batch]bool) // what has waited before
		ttls := rapid.SampledFrom([]time.Duration{0, 0, time.Second, 1010 * time.Millisecond,
			10 * time.Second, time.Hour})
		const timeout = 20 * time.Second
		var holds []*Hold
		check := func() {
			var all, list []*Batch
			held, onHold := int64(0), int64(0)
			for _, topic := range topics {
				all = append(all, waits(topic)...)
				held += TableBytes(topic.name)
				requireCounted(rt, topic)
				requireDue(rt, topic, timeout)
				sum := int64(0)
				for b := topic.all; b != nil; b = b.allNext {
					sum += b.held
				}
				require.Equal(rt, sum, topic.Held())
				tables, waiting := requireOnHold(rt, topic)
				held += sum + tables
				onHold += tables + waiting
			}
			require.Equal(rt, onHold, lane.budget.onHold.Load())
			last := uint64(0)
			for b := lane.waiting.head; b != nil; b = b.waitNext {
				require.True(rt, b.waits)
				if !back[b] {
					require.Less(rt, last, b.order)
					last = b.order
				}
				list = append(list, b)
			}
			var backwards []*Batch
			for b := lane.waiting.tail; b != nil; b = b.waitPrev {
				backwards = append(backwards, b)
			}
			slices.Reverse(backwards)
			require.Equal(rt, list, backwards)
			require.ElementsMatch(rt, all, list)
			require.Equal(rt, held, lane.budget.Used())
		}
		own := func(b *Batch) {
			if b != nil {
				require.False(rt, b.waits)
				taken = append(taken, b)
			}
		}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			topic := topics[rapid.IntRange(0, 2).Draw(rt, "topic")]
			partition := rapid.Int32Range(-1, 2).Draw(rt, "partition")
			switch rapid.SampledFrom([]string{"append", "append", "append", "on hold", "on hold",
				"release", "take", "take oldest", "take its oldest", "take older", "expire", "requeue",
				"resolve", "recount", "claim", "compress"}).Draw(rt, "step") {
			case "append":
				kind := Kind(rapid.IntRange(0, 2).Draw(rt, "kind"))
				r := Record{Key: fmt.Append(nil, partition), TTL: ttls.Draw(rt, "TTL"),
					Value: make([]byte, rapid.IntRange(0, 700).Draw(rt, "bytes"))}
				now += time.Duration(rapid.IntRange(0, 3).Draw(rt, "pause")) * time.Second
				require.NoError(rt, topic.Append(&r, kind, max(0, partition), now))
			case "on hold":
				if len(holds) == 0 || rapid.Bool().Draw(rt, "new hold") {
					holds = append(holds, NewHold("it"))
				}
				h := holds[rapid.IntRange(0, len(holds)-1).Draw(rt, "hold")]
				r := Record{Key: fmt.Append(nil, partition), TTL: ttls.Draw(rt, "TTL"),
					Value: make([]byte, rapid.IntRange(0, 700).Draw(rt, "bytes"))}
				if rapid.Bool().Draw(rt, "call") {
					r.Call = "it"
				}
				now += time.Duration(rapid.IntRange(0, 3).Draw(rt, "pause")) * time.Second
				require.NoError(rt, topic.AppendOnHold(h, &r,
					Kind(rapid.IntRange(0, 2).Draw(rt, "kind")), max(0, partition), now, false))
			case "release":
				if len(holds) > 0 {
					h := holds[rapid.IntRange(0, len(holds)-1).Draw(rt, "released")]
					h.Release(1, []byte("x"))
					require.Nil(rt, h.keepers)
					for _, topic := range topics {
						require.NotContains(rt, topic.onHold, h)
					}
				}
			case "take":
				if partition < 0 {
					own(topic.Take(Unkeyed, -1, true))
				} else {
					own(topic.Take(Keyed, partition, true))
				}
			case "take oldest":
				oldest := lane.waiting.head
				for oldest != nil && oldest.Busy() {
					oldest = oldest.waitNext
				}
				b := lane.TakeOldest()
				require.Same(rt, oldest, b)
				own(b)
			case "take its oldest":
				own(topic.TakeOldest())
			case "take older":
				for _, b := range topic.TakeAll() {
					own(b)
				}
			case "expire":
				for _, b := range topic.TakeExpired(now, timeout) {
					require.LessOrEqual(rt, b.Deadline(timeout), now)
					own(b)
				}
				requireInTime(rt, topic, now, timeout)
			case "requeue":
				if len(taken) > 0 && taken[0].hold == nil &&
					!taken[0].BuiltForOther(topics[0].count) {
					back[taken[0]] = true
					taken[0].topic.Requeue(taken[0])
					taken = taken[1:]
				}
			case "resolve":
				if len(taken) > 0 {
					taken[0].topic.Resolve(taken[0], delivery.Shed, delivery.PreemptedByHigh, true)
					taken[0].Shrink()
					taken[0].Release()
					taken = taken[1:]
				}
			case "recount":
				for _, b := range topic.Recount(rapid.Int32Range(1, 3).Draw(rt, "count")) {
					if b.Busy() {
						claimed = slices.DeleteFunc(claimed,
							func(other *Batch) bool { return b == other })
						b.Compress(NoCodec)
					}
					children := len(waits(topic))
					require.NoError(rt, topic.DealOut(b, topic.count, roomy))
					require.GreaterOrEqual(rt, len(waits(topic)), children,
						"its records have joined others, or wait")
					for _, c := range waits(topic) {
						if c.kind == Keyed && c.order == b.order {
							back[c] = true
						}
					}
				}
			case "claim":
				if b := topic.ClaimRaw(); b != nil {
					claimed = append(claimed, b)
				}
			case "compress":
				for _, b := range claimed {
					b.Compress(NoCodec)
				}
				claimed = nil
			}
			check()
		}
	})
}

func TestTopic_BeginsASmallBatchWhereAnotherCannotGrow(t *testing.T) {
	lane := newTestLane(t, topicBytes+6+2*batchOverhead+1024+512,
		func(c *Config) { c.Reports = false })
	topic := newTestTopic(t, lane)
	r := Record{Value: make([]byte, 400)}
	require.NoError(t, topic.Append(&r, Unkeyed, -1, 0))
	require.NoError(t, topic.Append(&r, Unkeyed, -1, 0))
	require.ErrorIs(t, topic.Append(&r, Unkeyed, -1, 0), ErrFull)
	require.EqualValues(t, 1024, topic.Short(), "to double")
	require.NoError(t, topic.AppendTight(&r, Unkeyed, -1, 0))
	require.ErrorIs(t, topic.AppendTight(&r, Unkeyed, -1, 0), ErrFull)
	require.Equal(t, 2, lane.TakeOldest().Records())
	require.Equal(t, 1, lane.TakeOldest().Records())
}

func TestTopic_AHogGetsNoMoreForASecondAfterAnotherWantedRoom(t *testing.T) {
	lane := newTestLane(t, 64<<10, func(c *Config) { c.Reports = false; c.BatchBytes = 2 << 10 })
	hog, other := newTestTopic(t, lane), func() *Topic {
		t2, err := lane.Topic("other", 0)
		require.NoError(t, err)
		return t2
	}()
	r := Record{Value: make([]byte, 1500)}
	for hog.Append(&r, Unkeyed, -1, 0) == nil {
	}
	mayHold := func() int64 { return lane.budget.Look(0, 0).MayHold }
	require.Same(t, hog, lane.Hog(mayHold()))
	oldest := lane.TakeOldest()
	hog.Resolve(oldest, delivery.Shed, delivery.DroppedOldest, false)
	require.NoError(t, hog.Append(&r, Unkeyed, -1, 0), "nobody else wanted room")
	require.ErrorIs(t, other.Append(&r, Unkeyed, -1, 0), ErrFull)
	lane.Curb(hog, 0)
	b := hog.TakeOldest()
	hog.Resolve(b, delivery.Shed, delivery.OverShare, false)
	require.ErrorIs(t, hog.Append(&r, Unkeyed, -1, hogging-1), ErrOverShare)
	require.NoError(t, other.Append(&r, Unkeyed, -1, hogging-1))
	hog.Resolve(hog.TakeOldest(), delivery.Shed, delivery.OverShare, false)
	require.NoError(t, hog.Append(&r, Unkeyed, -1, hogging))
	for lane.Hog(mayHold()) != nil {
		hog.Resolve(hog.TakeOldest(), delivery.Shed, delivery.OverShare, false)
	}
	require.LessOrEqual(t, hog.Held(), int64(32<<10))
	require.Greater(t, hog.Held(), int64(28<<10), "half stays its own")
}

// What a Recount has had dealt out anew is given up in its order, as if it had waited on.
func TestLane_TakeOldestTakesWhatWasDealtOutInItsOrder(t *testing.T) {
	l := newTestLane(t, 1<<20)
	topic := newTestTopic(t, l)
	topic.Recount(1)
	for i := range 5 {
		require.NoError(t, topic.Append(&Record{Key: []byte{byte(i)}, Tag: uint64(i),
			Value: make([]byte, joinBelow)}, Keyed, -1, time.Duration(i)))
		topic.keyed[1].seal()
	}
	require.NoError(t, topic.Append(&Record{Tag: 5}, Unkeyed, -1, 5))
	for _, stale := range topic.Recount(3) {
		require.NoError(t, topic.DealOut(stale, 3, roomy))
	}
	for i := range 6 {
		l.TakeOldest().EachTag(func(_ int, tag uint64, _ time.Duration) {
			require.EqualValues(t, i, tag)
		})
	}
	require.Nil(t, l.TakeOldest())
}
