//go:build synctests

package producer_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

const (
	disklessTakes = 400 * time.Millisecond // from a request to its answer
	disklessBatch = 64 << 10
	pourBytes     = 8_000                 // of a record
	lingerOf      = 10 * time.Millisecond // the default
)

// behind has the producer reach its brokers through a late one, which it sets.
func behind(l **late, serial bool, d time.Duration) func(*bubble) {
	return func(b *bubble) {
		links := make([]*faultnet.Link, len(b.k.ListenAddrs()))
		ways(links)(b) // for where the leaders are
		*l = toLate(b.k.network.DialContext, serial, d)
		detour((*l).Dial)(b)
	}
}

func smallBatches(c *producer.Config) {
	c.Buffer.MaxBytes = 8 << 20
	c.Batching.MaxBytes, c.Batching.MaxRecordBytes = disklessBatch, disklessBatch
	c.Batching.Compression = "none"
}

// pour sends records without keys to a topic as fast as they are accepted, for d. It returns how
// many bytes a second are delivered then.
func (b *bubble) pour(d time.Duration, topic string) (rate float64) {
	b.t.Helper()
	return b.pourOf(d, func() producer.Record {
		return producer.Record{Topic: topic, Value: make([]byte, pourBytes)}
	})
}

// pourOf is pour with the records that next makes, whose values have pourBytes.
func (b *bubble) pourOf(d time.Duration, next func() producer.Record) (rate float64) {
	b.t.Helper()
	before := b.p.Stats().Total.Delivered
	for end := time.Now().Add(d); time.Now().Before(end); {
		if b.ledger.Send(b.p, next()) != nil {
			time.Sleep(5 * time.Millisecond)
		}
	}
	return float64(b.p.Stats().Total.Delivered-before) * pourBytes / d.Seconds()
}

// A broker that writes to object storage acknowledges after 400 ms, and answers all else at once.
// It serves the requests of a connection one after the other, as Apache Kafka does, or all at once.
// A partition gets more than one batch in that time.
func TestVirtual_Diskless_APartitionIsNotBoundToOneBatchAnAnswer(t *testing.T) {
	for name, serial := range map[string]bool{"one after the other": true, "at once": false} {
		for _, partitions := range []int32{1, 6} {
			t.Run(fmt.Sprintf("%s/%d", name, partitions), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var l *late
					c := proof.Of(t, "F7")
					judged(t, c, setup{brokers: 2, change: smallBatches,
						topics: map[string]int32{"events": partitions, "keyed": 2},
						before: behind(&l, serial, disklessTakes)}, func(b *bubble) {
						b.send("keyed", 10)
						b.send("events", 1)
						b.flush()
						for range 30 {
							b.pour(time.Second, "events")
							b.send("keyed", 10)
						}
						rate := b.pour(10*time.Second, "events")
						one := float64(disklessBatch) / disklessTakes.Seconds()
						n, most := l.seen()
						c.Bit("requests that were answered late", int64(n))
						c.Figure("rate, in batches of each partition an answer", "%.1f",
							rate/one/float64(partitions))
						require.Greater(t, rate, 1.5*one*float64(partitions))
						require.Greater(t, rate, 4*one)
						require.LessOrEqual(t, most, 8<<20/4+disklessBatch)
						require.LessOrEqual(t, b.k.link.Open(), 2*8+8)
						time.Sleep(2 * time.Minute)
						require.LessOrEqual(t, b.k.link.Open(), 2*2+2, "they end")
					})
					l.Wait()
				})
			})
		}
	}
}

// However many connections end at the same moment, that is one failure, and the next attempt comes
// as soon as after any first one.
func TestVirtual_Diskless_ConnectionsThatEndTogetherAreOneFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l *late
		judged(t, proof.Of(t, "F7"), setup{brokers: 1, change: smallBatches, topics: onePartition,
			before: behind(&l, false, disklessTakes)}, func(b *bubble) {
			b.pour(30*time.Second, "events")
			_, most := l.seen()
			require.Greater(t, most, 4*disklessBatch, "many requests at once")
			b.k.link.Cut()
			b.proof.Bit("connections cut", b.k.link.Cuts())
			b.k.link.Restore()
			synctest.Wait()
			before, since := b.p.Stats().Total.Delivered, time.Now()
			for b.p.Stats().Total.Delivered == before {
				time.Sleep(5 * time.Millisecond)
			}
			require.Less(t, time.Since(since), disklessTakes+250*time.Millisecond)
			b.flush()
		})
		l.Wait()
	})
}

// A broker that has too much to do is late as well. More requests would not have it do more: it
// does not get them, and others that send to it do not wait longer.
func TestVirtual_Diskless_ABrokerWithTooMuchToDoGetsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l *late
		c := proof.Of(t, "F15")
		const service = 250 * time.Millisecond // of a batch
		judged(t, c, setup{brokers: 1, change: smallBatches, topics: map[string]int32{"events": 1},
			before: func(b *bubble) {
				behind(&l, true, time.Millisecond)(b)
				l.rate = int(disklessBatch / service.Seconds())
			}}, func(b *bubble) {
			b.send("events", 1)
			b.flush()
			b.pour(10*time.Second, "events")
			other, waits := b.second(l)
			rate := b.pour(100*time.Second, "events")
			closeWithin(t, other, time.Minute)
			slices.Sort(*waits)
			median, worst := (*waits)[len(*waits)/2], (*waits)[len(*waits)-1]
			_, inFlight := l.seen()
			c.Bit("records of another producer", int64(len(*waits)))
			c.Figure("they waited, half of them and all, at most", "%v, %v", median, worst)
			c.Figure("in flight, at most", "%.1f batches", float64(inFlight)/disklessBatch)
			require.InEpsilon(t, float64(l.rate), rate, 0.1)
			require.Less(t, median, 2*service)
			require.Less(t, worst, 4*service, "while another width is tried")
			require.Less(t, inFlight, 3*disklessBatch)
		})
		l.Wait()
	})
}

// second returns another producer, which sends a small record each tenth of a second, and how long
// these waited. That is written until it is closed.
func (b *bubble) second(l *late) (*producer.Producer, *[]time.Duration) {
	require.NoError(b.t, b.k.CreateTopic("other", 1, nil))
	waits := new([]time.Duration)
	p, err := producer.New(b.k.config(), producer.WithDialer(l.Dial),
		producer.WithDelivery(func(r producer.Report) { *waits = append(*waits, r.Waited) }))
	require.NoError(b.t, err)
	go func() {
		for p.Send(producer.Record{Topic: "other", Value: []byte("x")}) == nil {
			time.Sleep(100 * time.Millisecond)
		}
	}()
	return p, waits
}

// A topic that is acknowledged at once does not wait for another one on the same broker that is
// acknowledged late.
func TestVirtual_Diskless_ATopicThatIsNotDoesNotWaitForOneThatIs(t *testing.T) {
	for name, serial := range map[string]bool{"one after the other": true, "at once": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l *late
				c := proof.Of(t, "F15")
				judged(t, c, setup{brokers: 1, change: smallBatches,
					topics: map[string]int32{"diskless": 3, "classic": 3},
					before: func(b *bubble) {
						behind(&l, serial, time.Millisecond)(b)
						l.takes = func(topic string) time.Duration {
							if topic == "diskless" {
								return disklessTakes
							}
							return 2 * time.Millisecond
						}
					}}, func(b *bubble) {
					var waits []time.Duration
					b.also = func(r producer.Report) {
						if r.Topic == "classic" {
							waits = append(waits, r.Waited)
						}
					}
					pouring := make(chan float64, 1)
					go func() { pouring <- b.pour(40*time.Second, "diskless") }()
					b.unkeyed(40*time.Second, 10*time.Millisecond, "classic", 100)
					rate := <-pouring - float64(len(waits))*pourBytes/40
					batches := rate * disklessTakes.Seconds() / disklessBatch
					slices.Sort(waits)
					median, most := waits[len(waits)/2], waits[len(waits)*95/100]
					n, _ := l.seen()
					c.Bit("requests", int64(n))
					c.Figure("records of the other topic waited, half of them and 95 %, at most",
						"%v, %v", median, most)
					c.Figure("batches to three diskless partitions an answer", "%.1f", batches)
					require.Less(t, median, 2*lingerOf)
					require.Less(t, most, disklessTakes/4)
					require.Greater(t, batches, 2.0)
				})
				l.Wait()
			})
		})
	}
}
