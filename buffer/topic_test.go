package buffer

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/partitioner"
)

func values(t testing.TB, b *Batch) (found []string) {
	t.Helper()
	require.NoError(t, b.Each(func(_ int, r *Record, _ time.Duration) {
		found = append(found, string(r.Value))
	}))
	return found
}

// booksOf returns the counts of a topic at one instant.
func booksOf(topic *Topic) delivery.Books {
	books, _ := topic.Account()
	return books
}

func add(t testing.TB, topic *Topic, value string) {
	t.Helper()
	require.NoError(t, topic.Append(&Record{Value: []byte(value)}, Unkeyed, -1, 0))
}

func TestTopic_AppendRefusesAtTheBoundAndKeepsNothing(t *testing.T) {
	lane := newTestLane(t, 40<<10)
	topic := newTestTopic(t, lane)
	accepted := 0
	var err error
	for err == nil {
		if err = topic.Append(&Record{Value: make([]byte, 1000)}, Unkeyed, -1, 0); err == nil {
			accepted++
		}
	}
	require.ErrorIs(t, err, ErrFull)
	topic.Refuse()
	books := booksOf(topic)
	require.True(t, books.Balanced())
	require.EqualValues(t, accepted, books.Pending)
	require.EqualValues(t, 1, books.Refused)
	require.LessOrEqual(t, lane.budget.Used(), lane.budget.Max())
	require.Greater(t, accepted, 20, "the bound is used, not only kept")
}

func TestTopic_ARecordLargerThanABatchIsAlone(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<30))
	add(t, topic, "small")
	add(t, topic, string(make([]byte, 100_000)))
	add(t, topic, "next")
	var sizes []int
	for b := topic.Take(Unkeyed, -1, true); b != nil; b = topic.Take(Unkeyed, -1, true) {
		sizes = append(sizes, b.Records())
	}
	require.Equal(t, []int{1, 1, 1}, sizes)
}

func TestTopic_ABatchTakesNoRecordsAfterASixteenthOfTheDeliveryTimeout(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<30,
		func(c *Config) { c.DeliveryTimeout = 16 * time.Second }))
	for i := range 5 {
		require.NoError(t, topic.Append(&Record{Value: []byte{byte(i)}}, Unkeyed, -1,
			time.Duration(i)*400*time.Millisecond))
	}
	require.Equal(t, 3, topic.Take(Unkeyed, -1, true).Records(), "those of 0, 0.4 and 0.8 s")
	require.Equal(t, 2, topic.Take(Unkeyed, -1, true).Records())
}

func TestTopic_KeyedRecordsOfUnknownCountAreDealtOutInOrderBeforeNewerOnes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lane := newTestLane(t, 1<<30, func(c *Config) { c.BatchBytes = 1 << 10 })
		topic := newTestTopic(t, lane)
		counts := rapid.SliceOfN(rapid.Int32Range(1, 7), 1, 4).Draw(rt, "counts")
		n := 0
		for _, count := range counts {
			for range rapid.IntRange(0, 60).Draw(rt, "records") {
				key := rapid.IntRange(0, 9).Draw(rt, "key")
				r := Record{Key: fmt.Append(nil, key),
					Value: fmt.Appendf(nil, "%d:%05d-%s", key, n, make([]byte, 30))}
				require.NoError(rt, topic.Append(&r, Keyed, -1, 0))
				n++
			}
			for _, stale := range topic.Recount(count) {
				require.NoError(rt, topic.DealOut(stale, count, roomy))
			}
			books := booksOf(topic)
			require.True(rt, books.Balanced())
			require.EqualValues(rt, n, books.Pending)
		}
		last := map[byte]string{}
		got := 0
		for p := range counts[len(counts)-1] {
			for b := topic.Take(Keyed, p, true); b != nil; b = topic.Take(Keyed, p, true) {
				require.NoError(rt, b.Each(func(_ int, r *Record, _ time.Duration) {
					require.Equal(rt, p, partitioner.ForKey(r.Key, counts[len(counts)-1]))
					require.Less(rt, last[r.Key[0]], string(r.Value), "the order of a key")
					last[r.Key[0]] = string(r.Value)
					got++
				}))
				topic.Resolve(b, delivery.Delivered, delivery.None, false)
			}
		}
		require.Equal(rt, n, got)
		require.Equal(rt, topicBytes+int64(len("events")), lane.budget.Used())
	})
}

// Random schedules found it: a batch that had been counted as maybe duplicated was dealt out,
// forgot that, and stood in the log twice without a report saying so.
func TestTopic_WhatIsDealtOutKeepsItsHistory(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<30))
	topic.Recount(1)
	for i := range 9 {
		require.NoError(t, topic.Append(&Record{Key: fmt.Append(nil, i)}, Keyed, -1, 0))
	}
	b := topic.Take(Keyed, 0, true)
	b.History = History{Attempts: 3, MaybeWritten: true}
	topic.CountDuplicates(b)
	topic.Recount(3)
	require.NoError(t, topic.DealOut(b, 3, roomy))
	for p := range int32(3) {
		child := topic.Take(Keyed, p, false)
		require.Equal(t, History{Attempts: 3, MaybeWritten: true, Counted: true}, child.History)
		topic.CountDuplicates(child)
	}
	require.EqualValues(t, 9, booksOf(topic).MaybeDuplicated, "once")
}

// Batches that are stale may have to wait for one in flight, while Append goes on.
func TestTopic_WhatIsDealtOutGoesBeforeWhatCameMeanwhile(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<30, func(c *Config) { c.BatchBytes = 1 << 10 }))
	const count, each = 3, 60
	sent := 0
	send := func() {
		for range each {
			r := Record{Key: fmt.Append(nil, sent%10),
				Value: fmt.Appendf(nil, "%05d-%s", sent, make([]byte, 30))}
			require.NoError(t, topic.Append(&r, Keyed, -1, 0))
			sent++
		}
	}
	send()
	stale := topic.Recount(count)
	require.Greater(t, len(stale), 1)
	send()
	for _, b := range stale {
		require.NoError(t, topic.DealOut(b, count, roomy))
	}
	last := map[string]string{}
	for p := range int32(count) {
		for b := topic.Take(Keyed, p, true); b != nil; b = topic.Take(Keyed, p, true) {
			require.NoError(t, b.Each(func(_ int, r *Record, _ time.Duration) {
				require.Less(t, last[string(r.Key)], string(r.Value), "the order of a key")
				last[string(r.Key)] = string(r.Value)
				sent--
			}))
		}
	}
	require.Zero(t, sent)
}

func TestTopic_WhatIsGivenBackGoesBeforeWhatCameMeanwhile(t *testing.T) {
	for _, kind := range []Kind{Unkeyed, Keyed, Explicit} {
		topic := newTestTopic(t, newTestLane(t, 1<<30))
		partition := int32(0)
		if kind == Unkeyed {
			partition = -1
		}
		topic.Recount(1)
		send := func(value string) {
			require.NoError(t, topic.Append(&Record{Key: []byte("key"), Value: []byte(value)}, kind,
				partition, 0))
			topic.flush(NewWaiter())
		}
		take := func() *Batch { return topic.Take(kind, partition, true) }
		send("first")
		send("second")
		first, second := take(), take()
		send("third")
		topic.Requeue(first, second)
		for _, want := range []string{"first", "second", "third"} {
			require.Equal(t, []string{want}, values(t, take()))
		}
		require.Nil(t, take())
	}
}

func TestTopic_HalvesAndPicksKeepEveryRecordOnce(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<30))
	for i := range 7 {
		add(t, topic, fmt.Sprint(i))
	}
	halves, err := topic.Halve(topic.Take(Unkeyed, -1, true))
	require.NoError(t, err)
	require.Equal(t, []string{"0", "1", "2"}, values(t, halves[0]))
	require.Equal(t, []string{"3", "4", "5", "6"}, values(t, halves[1]))
	bad, good, err := topic.Pick(halves[1], map[int]bool{1: true})
	require.NoError(t, err)
	require.Equal(t, []string{"4"}, values(t, bad))
	require.Equal(t, []string{"3", "5", "6"}, values(t, good))
	bad, good, err = topic.Pick(good, map[int]bool{0: true})
	require.NoError(t, err)
	require.Equal(t, []string{"3"}, values(t, bad))
	require.Equal(t, []string{"5", "6"}, values(t, good))
	require.EqualValues(t, 7, booksOf(topic).Pending)
}

func TestTopic_TakeExpiredLeavesTheYounger(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<30,
		func(c *Config) { c.DeliveryTimeout = 16 * time.Second }))
	for i := range 4 {
		require.NoError(t, topic.Append(&Record{Value: fmt.Append(nil, i)}, Unkeyed, -1,
			time.Duration(i)*time.Second))
	}
	require.Len(t, topic.TakeExpired(2*time.Second-1, 0), 2)
	require.Equal(t, []string{"2"}, values(t, topic.Take(Unkeyed, -1, true)))
}

func TestTopic_ABatchThatIsBeingCompressedCannotBeTaken(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<30))
	add(t, topic, "a")
	topic.flush(NewWaiter())
	claimed := topic.ClaimRaw()
	require.NotNil(t, claimed)
	require.Nil(t, topic.ClaimRaw(), "one claim for each batch")
	require.Nil(t, topic.Take(Unkeyed, -1, true))
	codec, err := NewCodec("lz4", 0)
	require.NoError(t, err)
	claimed.Compress(codec)
	require.Same(t, claimed, topic.Take(Unkeyed, -1, true))
}

func TestLane_FlushWaitsForWhatWasHeldAndNoMore(t *testing.T) {
	lane := newTestLane(t, 1<<30)
	topic := newTestTopic(t, lane)
	for i := range 6 {
		add(t, topic, fmt.Sprint(i))
	}
	first := topic.Take(Unkeyed, -1, true)
	add(t, topic, "open")
	w := NewWaiter()
	lane.Flush(w)
	w.Done()
	add(t, topic, "later")
	halves, err := topic.Halve(first)
	require.NoError(t, err)
	for _, b := range append(halves, topic.Take(Unkeyed, -1, false)) {
		require.NotPanics(t, func() {
			select {
			case <-w.Wait():
				t.Fatal("a batch is still held")
			default:
			}
		})
		topic.Resolve(b, delivery.Delivered, delivery.None, false)
	}
	<-w.Wait()
	require.EqualValues(t, 1, booksOf(topic).Pending)
}

func TestLane_FreesATopicThatHoldsNothingAndKeepsItsBooks(t *testing.T) {
	lane := newTestLane(t, 1<<30)
	topic := newTestTopic(t, lane)
	add(t, topic, "a")
	require.Empty(t, lane.Free(time.Hour))
	topic.Resolve(topic.Take(Unkeyed, -1, true), delivery.Expired, delivery.DeliveryTimeout, false)
	require.Empty(t, lane.Free(0), "not idle for long enough")
	require.Equal(t, []*Topic{topic}, lane.Free(1))
	require.Zero(t, lane.budget.Used())
	require.ErrorIs(t, topic.Append(&Record{}, Unkeyed, -1, 0), ErrClosed)
	again := newTestTopic(t, lane)
	require.NotSame(t, topic, again)
	_, retired := lane.Topics()
	require.EqualValues(t, 1, retired.Lost(delivery.DeliveryTimeout))
}

func TestLane_RefusesTopicsBeyondItsBound(t *testing.T) {
	lane := newTestLane(t, 1<<30)
	for i := range 100 {
		_, err := lane.Topic(fmt.Sprint(i), 0)
		require.NoError(t, err)
	}
	_, err := lane.Topic("one more", 0)
	require.ErrorIs(t, err, ErrTooManyTopics)
	_, err = lane.Topic("7", 0)
	require.NoError(t, err)
}

func TestLane_CloseRefusesAndLosesNothing_ConcurrentSafe(t *testing.T) {
	lane := newTestLane(t, 1<<30)
	var wg sync.WaitGroup
	var mu sync.Mutex
	accepted := uint64(0)
	for g := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				topic, err := lane.Topic(fmt.Sprint((i+g)%9), 0)
				if err == nil {
					err = topic.Append(&Record{Value: []byte("x")}, Unkeyed, -1, 0)
				}
				if err != nil {
					require.ErrorIs(t, err, ErrClosed)
					return
				}
				mu.Lock()
				accepted++
				mu.Unlock()
			}
		})
	}
	require.Eventually(t, func() bool { mu.Lock(); defer mu.Unlock(); return accepted > 1000 },
		time.Minute, time.Millisecond)
	lane.Close()
	topics, sum := lane.Topics()
	for _, topic := range topics {
		books := booksOf(topic)
		sum.Add(&books)
	}
	wg.Wait()
	require.Equal(t, accepted, sum.Accepted, "after Close returned nothing more was accepted")
	require.True(t, sum.Balanced())
}

func TestPool_KeepsNoMoreThanItsBound(t *testing.T) {
	p := NewPool(1_000_000, 4<<20)
	var held [][]byte
	for range 100 {
		held = append(held, p.get(100_000))
	}
	require.Equal(t, 1<<17, cap(held[0]))
	for _, b := range held {
		p.put(b)
	}
	require.LessOrEqual(t, p.Idle(), int64(4<<20))
	require.Positive(t, p.Idle())
	require.Equal(t, 1<<20+4096, cap(p.get(1<<20+1)), "a large one is made to measure")
	full := p.get(1_000_000 - HeaderBytes)
	before := p.Idle()
	p.put(p.get(1 << 20))
	require.Equal(t, before, p.Idle(), "and not kept")
	for range 40 {
		_ = p.get(100_000)
	}
	p.put(full)
	require.EqualValues(t, cap(full), p.Idle(), "but for full batches")
}

func TestLane_AFlushThatGaveUpLeavesNothingBehind(t *testing.T) {
	lane := newTestLane(t, 1<<30)
	topic := newTestTopic(t, lane)
	add(t, topic, "a")
	for range 100 {
		w := NewWaiter()
		lane.Flush(w)
		lane.Unflush(w)
	}
	require.Empty(t, topic.flushes)
}

// A partitioner that is the application's may say one thing now and another a moment later.
func TestTopic_DealOutAsksOnceForEachKey(t *testing.T) {
	asked := int32(0)
	topic := newTestTopic(t, newTestLane(t, 1<<30, func(c *Config) {
		c.ForKey = func(_ string, _ []byte, partitions int32) int32 {
			asked++
			return asked % partitions
		}
	}))
	for i := range 7 {
		require.NoError(t, topic.Append(&Record{Key: fmt.Append(nil, i)}, Keyed, -1, 0))
	}
	for _, stale := range topic.Recount(5) {
		require.NoError(t, topic.DealOut(stale, 5, roomy))
	}
	require.EqualValues(t, 7, asked)
	books := booksOf(topic)
	require.EqualValues(t, 7, books.Pending)
	require.True(t, books.Balanced())
}

// Named partitions may be any number, and there may be very many of them.
func TestTopic_FindsEveryNamedPartitionUntilNothingWaits(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<30))
	const n = 10_000
	for round := range 3 {
		for i := range int32(n) {
			require.NoError(t, topic.Append(&Record{Value: []byte{1}}, Explicit,
				i*(math.MaxInt32/n), 0))
		}
		require.Len(t, topic.bound, n)
		require.Len(t, topic.explicit, n)
		require.Len(t, topic.Survey(nil), n)
		for i := range int32(n) {
			b := topic.Take(Explicit, i*(math.MaxInt32/n), true)
			require.Equal(t, 1, b.Records())
			topic.Resolve(b, delivery.Delivered, delivery.None, false)
		}
		require.Empty(t, topic.Survey(nil), round)
		require.Empty(t, topic.bound)
		require.Empty(t, topic.explicit)
	}
}

// Everything that waits is claimed for compression once, wherever it waits.
func TestTopic_ClaimsEverySealedBatchOnce(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<30))
	topic.Recount(3)
	for i := range int32(50) {
		require.NoError(t, topic.Append(&Record{Key: fmt.Append(nil, i)}, Kind(i%3), i, 0))
	}
	topic.flush(NewWaiter())
	claimed := make(map[*Batch]bool)
	for range 2 {
		for b := topic.ClaimRaw(); b != nil; b = topic.ClaimRaw() {
			require.False(t, claimed[b])
			claimed[b] = true
		}
	}
	require.Len(t, claimed, topic.batches)
}

// How long the lock is held for Stats, Flush and a record for a named partition does not depend on
// how much waits.
func BenchmarkTopic(b *testing.B) {
	for _, n := range []int32{1000, 100_000} {
		topic := newTestTopic(b, newTestLane(b, 1<<30))
		for i := range n {
			require.NoError(b, topic.Append(&Record{Value: []byte{1}}, Explicit, i, 0))
		}
		r := Record{Value: []byte{1}}
		for name, fn := range map[string]func(){
			"Account":         func() { topic.Account() },
			"Append explicit": func() { _ = topic.Append(&r, Explicit, n-1, 0) },
			"TakeOldest":      func() { topic.Requeue(topic.TakeOldest()) },
		} {
			b.Run(fmt.Sprintf("%s/batches=%d", name, n), func(b *testing.B) {
				for b.Loop() {
					fn()
				}
			})
		}
	}
}

func TestTopic_FlushWaitsForWhatWasHeldAndNothingElse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lane := newTestLane(t, 1<<30, func(c *Config) { c.BatchBytes = 1 << 10 })
		topic := newTestTopic(t, lane)
		type wait struct {
			w    *Waiter
			upTo int // records sent before
		}
		var waits []*wait
		var taken []*Batch
		sent, left := 0, map[int]bool{}
		resolve := func(b *Batch) {
			b.EachTag(func(_ int, tag uint64, _ time.Duration) { delete(left, int(tag)) })
			topic.Resolve(b, delivery.Delivered, delivery.None, false)
		}
		for range rapid.IntRange(1, 50).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"send", "send", "flush", "unflush", "take", "resolve",
				"halve", "recount"}).Draw(rt, "step") {
			case "send":
				kind := Kind(rapid.IntRange(0, 1).Draw(rt, "kind"))
				require.NoError(rt, topic.Append(&Record{Key: fmt.Append(nil, sent%5),
					Tag: uint64(sent), Value: make([]byte, 100)}, kind, -1, 0))
				left[sent] = true
				sent++
			case "flush":
				w := NewWaiter()
				lane.Flush(w)
				w.Done()
				waits = append(waits, &wait{w: w, upTo: sent})
			case "unflush":
				if len(waits) > 0 {
					lane.Unflush(waits[0].w)
					waits = waits[1:]
				}
			case "take":
				if b := topic.TakeOldest(); b != nil {
					taken = append(taken, b)
				}
			case "resolve":
				if len(taken) > 0 {
					resolve(taken[0])
					taken = taken[1:]
				}
			case "halve":
				if len(taken) > 0 && taken[0].Records() > 1 {
					halves, err := topic.Halve(taken[0])
					require.NoError(rt, err)
					taken = append(taken[1:], halves...)
				}
			case "recount":
				count := rapid.Int32Range(1, 3).Draw(rt, "count")
				for _, b := range topic.Recount(count) {
					require.NoError(rt, topic.DealOut(b, count, roomy))
				}
			}
			for _, x := range waits {
				waited := false
				for tag := range left {
					waited = waited || tag < x.upTo
				}
				select {
				case <-x.w.Wait():
					require.False(rt, waited, "of %d", x.upTo)
				default:
					require.True(rt, waited, "of %d", x.upTo)
				}
			}
			requireCounted(rt, topic)
		}
	})
}

// A partition that had much to send keeps no large buffers for the few records that follow.
func TestTopic_AfterARushABatchOfFewRecordsIsSmallAgain(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<20))
	topic.Recount(1)
	for range 10 {
		b := fill(t, topic)
		require.Greater(t, b.Held(), int64(8<<10))
		topic.Resolve(b, delivery.Delivered, delivery.None, false)
	}
	held := int64(0)
	for i := range 10 {
		require.NoError(t, topic.Append(&Record{Key: []byte("k"), Value: make([]byte, 100)}, Keyed, 0, 0))
		b := topic.Take(Keyed, 0, true)
		if held = b.Held(); i == 0 {
			require.Greater(t, held, int64(8<<10), "the rush may go on")
		}
		topic.Resolve(b, delivery.Delivered, delivery.None, false)
	}
	require.Less(t, held, int64(2<<10))
}

// fill sends records to a partition until a batch is full, and takes it.
func fill(t *testing.T, topic *Topic) *Batch {
	t.Helper()
	for {
		require.NoError(t, topic.Append(&Record{Key: []byte("k"), Value: make([]byte, 1000)}, Keyed, 0, 0))
		if b := topic.Take(Keyed, 0, false); b != nil {
			return b
		}
	}
}
