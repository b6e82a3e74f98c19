package buffer

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/delivery"
)

// processors has Go think that there are so many during a test.
func processors(t testing.TB, n int) {
	before := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// wait adds a record to topic as if it had waited for the lock.
func wait(topic *Topic, r *Record, now time.Duration) error {
	topic.mu.Lock()
	defer topic.mu.Unlock()
	if topic.closed {
		return ErrClosed
	}
	err := topic.addUnkeyedLocked(topic.cfg.Load(), nil, true, r, now, false)
	if err == nil {
		topic.books.Accepted++
	}
	return err
}

// newCrowded returns a topic with so many open shards, and the number of its records.
func newCrowded(t testing.TB, shards int) (topic *Topic, records int) {
	processors(t, shards+1)
	topic = newTestTopic(t, newTestLane(t, 1<<30, func(c *Config) { c.Reports = false }))
	r := Record{Value: make([]byte, 100)}
	for ; topic.unkeyed.hint == 0; records++ { // until a batch was full
		require.NoError(t, topic.Append(&r, Unkeyed, -1, 0))
	}
	for ; int(topic.opened.Load()) < shards; records++ {
		require.NoError(t, wait(topic, &r, 0))
	}
	return topic, records
}

func TestShard_NoRecordWaitsForTheLockOfTheTopic(t *testing.T) {
	topic, before := newCrowded(t, 3)
	topic.mu.Lock()
	done := make(chan bool)
	go func() {
		for range 100 {
			add(t, topic, "not waiting")
		}
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		require.Fail(t, "a record waits")
	}
	topic.mu.Unlock()
	books := booksOf(topic)
	require.EqualValues(t, before+100, books.Pending)
	require.True(t, books.Balanced())
}

func TestShard_ThereIsNoneWhereNobodyWaits(t *testing.T) {
	processors(t, 4)
	topic := newTestTopic(t, newTestLane(t, 1<<30))
	for range 10_000 {
		add(t, topic, "a record that finds nobody")
	}
	require.Nil(t, topic.aside())
}

func TestShard_ThereIsNoneWhereRecordsAreTooFewForABatch(t *testing.T) {
	processors(t, 4)
	topic := newTestTopic(t, newTestLane(t, 1<<30))
	r := Record{Value: make([]byte, 100)}
	for range 100 { // bursts, each from many goroutines
		for range 64 {
			require.NoError(t, wait(topic, &r, 0))
		}
		require.Equal(t, 64, topic.Take(Unkeyed, -1, true).Records())
		require.Nil(t, topic.Take(Unkeyed, -1, true))
	}
	require.Nil(t, topic.aside())
}

func TestShard_ThereIsNoneWhereMemoryIsScarce(t *testing.T) {
	processors(t, 4)
	topic := newTestTopic(t, newTestLane(t, 64<<10))
	var err error
	r := Record{Value: make([]byte, 100)}
	for topic.lane.ample() {
		require.NoError(t, topic.Append(&r, Unkeyed, -1, 0))
	}
	for err == nil {
		err = wait(topic, &r, 0)
	}
	require.ErrorIs(t, err, ErrFull)
	require.Nil(t, topic.aside())
}

func TestShard_NoneIsLeftWhenTheirBatchesAreTaken(t *testing.T) {
	topic, records := newCrowded(t, 3)
	held := int64(0)
	for b := topic.Take(Unkeyed, -1, true); b != nil; b = topic.Take(Unkeyed, -1, true) {
		records -= b.Records()
		held += b.Held()
	}
	require.Zero(t, records)
	require.Zero(t, topic.opened.Load(), "Append does not look at them any more")
	require.Equal(t, TableBytes("events")+held, topic.lane.budget.Used())
	require.Empty(t, topic.Survey(nil))
}

func TestShard_ACloseRefusesRecordsThere(t *testing.T) {
	topic, _ := newCrowded(t, 3)
	topic.lane.Close()
	for range 100 {
		require.ErrorIs(t, topic.Append(&Record{}, Unkeyed, -1, 0), ErrClosed)
	}
}

func TestShard_AFlushSealsTheirBatches(t *testing.T) {
	topic, records := newCrowded(t, 3)
	topic.lane.Flush(NewWaiter())
	for b := topic.Take(Unkeyed, -1, false); b != nil; b = topic.Take(Unkeyed, -1, false) {
		records -= b.Records()
	}
	require.Zero(t, records)
}

func TestShard_TheirBatchesGoWithTheTopicToAnotherDispatcher(t *testing.T) {
	topic, _ := newCrowded(t, 3)
	for topic.unkeyed.open != nil {
		require.NotNil(t, topic.Take(Unkeyed, -1, true))
	}
	require.Nil(t, topic.unkeyed.sealed.head)
	other := NewOutlet()
	topic.Assign(other)
	require.Equal(t, []*Topic{topic}, other.Incoming(nil))
}

// A batch that nobody has added to for a while is sealed behind younger ones.
func TestShard_ABatchThatIsSealedLateExpiresInTime(t *testing.T) {
	topic, _ := newCrowded(t, 1)
	sh, r := &topic.aside()[0], Record{Value: make([]byte, 1000)}
	late := sh.source.open
	sh.mu.Lock() // so these go elsewhere
	for range 40 {
		require.NoError(t, topic.Append(&r, Unkeyed, -1, day/16))
	}
	sh.mu.Unlock()
	for sh.source.open == late {
		require.NoError(t, topic.Append(&r, Unkeyed, -1, day/16))
	}
	require.Contains(t, topic.TakeExpired(0, 0), late)
	require.NotEmpty(t, topic.Survey(nil), "the younger ones are left")
}

func TestShard_ABatchBesideThemThatIsSealedLateIsSentBeforeYoungerOnes(t *testing.T) {
	topic, _ := newCrowded(t, 1)
	r := Record{Value: make([]byte, 1000)}
	late := topic.unkeyed.open
	require.NotNil(t, late)
	for topic.unkeyed.sealed.tail == nil || topic.unkeyed.sealed.tail.born == 0 {
		topic.mu.Lock() // so these go to the shard
		sh := &topic.aside()[0]
		_, full := sh.add(topic.cfg.Load(), &r, day/16)
		if full {
			require.True(t, topic.addAsideLocked(topic.cfg.Load(), sh, &r, day/16))
			topic.books.Accepted++
		}
		topic.mu.Unlock()
	}
	require.Same(t, late, topic.unkeyed.open)
	topic.lane.Flush(NewWaiter())
	for b := topic.unkeyed.sealed.head; b.next != nil; b = b.next {
		require.LessOrEqual(t, b.born, b.next.born, "the oldest goes first")
	}
	require.True(t, slices.Contains(topic.TakeExpired(0, 0), late))
	require.EqualValues(t, day/16, topic.Survey(nil)[0].Oldest, "the younger ones are left")
}

func TestShard_TheirBatchesAreNeitherTooLargeNorTooOld(t *testing.T) {
	topic, _ := newCrowded(t, 3)
	for i := range 100_000 {
		require.NoError(t, topic.Append(&Record{Value: []byte{1}}, Unkeyed, -1,
			time.Duration(i)*day/16/30_000))
	}
	for b := topic.Take(Unkeyed, -1, true); b != nil; b = topic.Take(Unkeyed, -1, true) {
		require.LessOrEqual(t, b.Size(), topic.lane.Config().BatchBytes)
		require.Less(t, b.Last()-b.Born(), day/16)
	}
}

func TestShard_ABatchThatHasNoMemoryToGrowIsSealed(t *testing.T) {
	topic, before := newCrowded(t, 1)
	topic.lane.budget.SetMax(topic.lane.budget.Used())
	full := 0
	for ; topic.opened.Load() > 0; full++ {
		r := Record{Value: make([]byte, 100)}
		if topic.Append(&r, Unkeyed, -1, 0) == nil {
			before++
		}
		require.Less(t, full, 10_000)
	}
	books := booksOf(topic)
	require.EqualValues(t, before, books.Pending)
	require.LessOrEqual(t, topic.lane.budget.Used(), topic.lane.budget.Max())
}

// The dispatcher need not wait until it has lingered.
func TestShard_ABatchThatHasNoMemoryToGrowIsReadyAtOnce(t *testing.T) {
	topic, _ := newCrowded(t, 1)
	<-topic.outlet.Woken() // for the batch that was full
	topic.lane.budget.SetMax(topic.lane.budget.Used())
	r := Record{Value: make([]byte, 2*cap(topic.aside()[0].source.open.body))}
	topic.mu.Lock()
	require.False(t, topic.addAsideLocked(topic.cfg.Load(), &topic.aside()[0], &r, 0))
	topic.mu.Unlock()
	require.True(t, topic.Survey(nil)[0].Sealed)
	require.Len(t, topic.outlet.Woken(), 1)
}

func TestShard_FillsItsCacheLines(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) == 8 {
		require.EqualValues(t, shardBytes, unsafe.Sizeof(shard{}))
		require.LessOrEqual(t, unsafe.Sizeof(Topic{}), uintptr(topicBytes))
	}
}

// Whatever is done, shards change neither what is counted nor what can be taken, and when.
func TestShard_KeepsEveryRecordOnce(t *testing.T) {
	processors(t, 4)
	rapid.Check(t, func(rt *rapid.T) {
		const timeout = 160 * time.Second // no batch is open to records for more than ten of them
		lane := newTestLane(t, 1<<20, func(c *Config) {
			c.BatchBytes, c.DeliveryTimeout, c.Reports = 2<<10, timeout, rapid.Bool().Draw(rt, "reports")
		})
		topic := newTestTopic(t, lane)
		now, sent := time.Duration(0), 0
		waiting, taken := map[string]time.Duration{}, []*Batch(nil)
		resolved := 0
		take := func(batches ...*Batch) {
			for _, b := range batches {
				for _, v := range values(t, b) {
					require.Contains(rt, waiting, v)
					delete(waiting, v)
				}
				taken = append(taken, b)
			}
		}
		send := func(send func(*Record) error) {
			for range rapid.IntRange(1, 40).Draw(rt, "records") {
				v := fmt.Sprintf("%d %s", sent, make([]byte, sent%90))
				require.NoError(rt, send(&Record{Value: []byte(v), Tag: uint64(sent)}))
				waiting[v] = now
				sent++
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"send": func(*rapid.T) {
				send(func(r *Record) error { return topic.Append(r, Unkeyed, -1, now) })
			},
			"wait":  func(*rapid.T) { send(func(r *Record) error { return wait(topic, r, now) }) },
			"sleep": func(rt *rapid.T) { now += rapid.Just(time.Second).Draw(rt, "by") },
			"take": func(rt *rapid.T) {
				if b := topic.Take(Unkeyed, -1, rapid.Bool().Draw(rt, "seal")); b != nil {
					take(b)
				}
			},
			"give up": func(rt *rapid.T) {
				b := topic.TakeOldest
				if rapid.Bool().Draw(rt, "of the lane") {
					b = lane.TakeOldest
				}
				if b := b(); b != nil {
					take(b)
				}
			},
			"expire": func(*rapid.T) {
				limit := now - 12*time.Second
				take(topic.TakeExpired(limit-1, 0)...)
				for v, born := range waiting {
					require.GreaterOrEqual(rt, born, limit, v)
				}
			},
			"flush": func(*rapid.T) { lane.Flush(NewWaiter()) },
			"limit": func(rt *rapid.T) { topic.Limit(rapid.SampledFrom([]int{0, 1 << 10}).Draw(rt, "to")) },
			"give back": func(*rapid.T) {
				older := func(b *Batch) bool {
					for _, born := range waiting {
						if born < b.Born() {
							return false
						}
					}
					return true
				}
				if len(taken) > 0 && older(taken[0]) {
					b := taken[0]
					taken = slices.Delete(taken, 0, 1)
					for _, v := range values(t, b) {
						waiting[v] = b.Born()
					}
					topic.Requeue(b)
				}
			},
			"resolve": func(*rapid.T) {
				for _, b := range taken {
					resolved += b.Records()
					topic.Resolve(b, delivery.Delivered, delivery.None, false)
				}
				taken = nil
			},
			"": func(rt *rapid.T) { lookAtShards(rt, topic, sent, resolved, len(waiting)) },
		})
		take(topic.TakeAll()...)
		require.Empty(rt, waiting)
		require.Zero(rt, topic.opened.Load())
		for _, b := range taken {
			topic.Resolve(b, delivery.Delivered, delivery.None, false)
		}
		require.EqualValues(rt, sent, booksOf(topic).Delivered)
		require.Equal(rt, []*Topic{topic}, lane.Free(now+time.Second))
		require.Zero(rt, lane.budget.Used())
	})
}

// lookAtShards checks what is counted and surveyed of topic.
func lookAtShards(t require.TestingT, topic *Topic, sent, resolved, waiting int) {
	books, _ := topic.Account()
	require.True(t, books.Balanced())
	require.EqualValues(t, sent, books.Accepted)
	require.EqualValues(t, sent-resolved, books.Pending)
	survey := topic.Survey(nil)
	if waiting == 0 {
		require.Empty(t, survey)
		return
	}
	require.Len(t, survey, 1, "shards are nothing to the dispatcher")
	w := survey[0]
	oldest, sealed, open := topic.unkeyed.oldest(), topic.unkeyed.sealed.head, topic.unkeyed.open
	shards := topic.aside()
	for i := range shards {
		if b := shards[i].source.open; b != nil {
			if oldest == nil || b.born < oldest.born {
				oldest = b
			}
			if open == nil || b.born < open.born {
				open = b
			}
		}
	}
	require.Equal(t, oldest.born, w.Oldest)
	require.Equal(t, sealed != nil, w.Sealed)
	require.Equal(t, open != nil, w.Open)
	if open != nil {
		require.Equal(t, open.born, w.OpenSince)
	}
	if sealed == nil {
		require.Equal(t, open.Size(), w.Bytes)
	}
	require.Equal(t, topic.opened.Load() > 0, topic.eldestShardLocked() != nil)
}

func TestShard_ManyGoroutinesLoseNothing_ConcurrentSafe(t *testing.T) {
	const senders, each = 8, 2000
	processors(t, 4)
	lane := newTestLane(t, 1<<30, func(c *Config) { c.BatchBytes = 2 << 10 })
	topic := newTestTopic(t, lane)
	var sending, taking sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for i := range each {
				r := Record{Value: fmt.Appendf(nil, "%d %d", s, i)}
				send := topic.Append
				if i%16 < 12 {
					send = func(r *Record, _ Kind, _ int32, now time.Duration) error {
						return wait(topic, r, now)
					}
				}
				if err := send(&r, Unkeyed, -1, 0); err != nil {
					panic(err)
				}
			}
		})
	}
	stop := make(chan struct{})
	seen := make(map[string]bool)
	taking.Go(func() {
		for stopped := false; ; {
			b := topic.Take(Unkeyed, -1, stopped || len(topic.Survey(nil)) > 0)
			if b == nil {
				if stopped {
					return
				}
				select {
				case <-stop:
					stopped = true
				default:
					runtime.Gosched()
				}
				continue
			}
			for _, v := range values(t, b) {
				seen[v] = true
			}
			topic.Resolve(b, delivery.Delivered, delivery.None, false)
		}
	})
	taking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				books, _ := topic.Account()
				if !books.Balanced() {
					panic("books")
				}
				lane.Flush(NewWaiter())
				runtime.Gosched()
			}
		}
	})
	sending.Wait()
	close(stop)
	taking.Wait()
	lane.Close()
	require.ErrorIs(t, topic.Append(&Record{}, Unkeyed, -1, 0), ErrClosed)
	require.Len(t, seen, senders*each)
	books := booksOf(topic)
	require.EqualValues(t, senders*each, books.Delivered)
	require.Zero(t, books.Pending)
}
