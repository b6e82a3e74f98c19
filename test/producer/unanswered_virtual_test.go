//go:build synctests

package producer_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// What becomes of a batch that was written and not answered, of those behind it, and of one that
// was about to be written.

// onePartition holds one topic, in which nothing can go elsewhere.
var onePartition = map[string]int32{"events": 1}

// loseAnswer has what send sends written and its answer lost. Nobody can be reached from then on,
// until the link is restored.
func (b *bubble) loseAnswer(send func()) {
	b.t.Helper()
	b.send("events", 2)
	b.flush()
	time.Sleep(time.Second) // nothing else is about to be written
	before := b.k.link.Cuts()
	b.k.link.CutAfterWrites(1)
	send()
	for b.k.link.Cuts() == before {
		time.Sleep(time.Millisecond)
	}
	b.k.link.Cut()
	b.k.link.CutAfterWrites(0)
	b.proof.Bit("connections cut right after a write", b.k.link.Cuts()-before)
}

// sendKey sends n records of the same key.
func (b *bubble) sendKey(n int) {
	b.t.Helper()
	for range n {
		require.NoError(b.t, b.ledger.Send(b.p,
			producer.Record{Topic: "events", Key: []byte("key")}))
	}
}

// With the numbers of the one that waits for its answer, a newer batch of as many records would be
// taken for it.
func TestVirtual_F8_AnUnansweredBatchGoesBeforeNewerOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F8"), setup{topics: onePartition}, func(b *bubble) {
			b.loseAnswer(func() { b.sendKey(5) })
			for range 3 {
				b.sendKey(5)
				b.send("events", 5)
				time.Sleep(time.Second)
			}
			b.k.link.Restore()
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
		require.Zero(t, s.Total.MaybeDuplicated)
	})
}

func TestVirtual_F8_ABatchAfterOneThatExpiredUnansweredIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F8", "F5"),
			setup{topics: onePartition, change: func(c *producer.Config) {
				c.Priorities.Medium.DeliveryTimeout = 5 * time.Second
			}}, func(b *bubble) {
				b.loseAnswer(func() { b.sendKey(3) })
				time.Sleep(6 * time.Second)
				require.Zero(t, b.p.Stats().Total.Pending)
				b.k.link.Restore()
				b.sendKey(3)
			})
		require.EqualValues(t, 3, s.Total.PossiblyPersisted)
		require.Equal(t, s.Total.Accepted-3, s.Total.Delivered)
	})
}

// The other partition is free at once, this one only after a pause.
func TestVirtual_F8_WhatWasAppendedAndNotConfirmedStaysInItsPlace(t *testing.T) {
	for _, err := range appendedCodes {
		t.Run(err.Message, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := judged(t, proof.Of(t, "F8"),
					setup{brokers: 1, topics: map[string]int32{"events": 2}}, func(b *bubble) {
						for range 10 {
							appended := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce},
								Err: err})
							for range 5 {
								require.NoError(t,
									b.ledger.Send(b.p, producer.Record{Topic: "events"}))
							}
							b.flush()
							b.proof.Bit("batches appended and not confirmed",
								int64(appended.Hits()))
						}
					})
				require.EqualValues(t, 50, s.Total.Delivered)
				require.Zero(t, s.Total.MaybeDuplicated)
			})
		})
	}
}

func TestVirtual_F8_AnUnansweredBatchThatIsHalvedIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F8", "F11"), setup{topics: onePartition}, func(b *bubble) {
			appended := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce},
				Err: kerr.RequestTimedOut})
			tooLarge := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce},
				Err: kerr.MessageTooLarge})
			b.sendKey(10)
			b.flush()
			b.proof.Bit("batches appended and not confirmed", int64(appended.Hits()))
			b.proof.Bit("batches too large on their second attempt", int64(tooLarge.Hits()))
		})
		require.EqualValues(t, 10, s.Total.Delivered)
		require.EqualValues(t, 10, s.Total.MaybeDuplicated)
	})
}

// What compresses well compresses twice, but can only be read if it was done once.
func TestVirtual_F9_ACompressedBatchThatIsSentAgainReadsBackAsSent(t *testing.T) {
	for _, codec := range []string{"gzip", "snappy", "lz4"} {
		t.Run(codec, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := judged(t, proof.Of(t, "F9"),
					setup{topics: onePartition, change: func(c *producer.Config) {
						c.Batching.Compression = codec
					}}, func(b *bubble) {
						refused := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce},
							Err: kerr.NotEnoughReplicas, Count: 3})
						require.NoError(t, b.ledger.Send(b.p,
							producer.Record{Topic: "events", Value: make([]byte, 200_000)}))
						b.flush()
						b.proof.Bit("compressed batches refused", int64(refused.Hits()))
					})
				require.EqualValues(t, 1, s.Total.Delivered)
			})
		})
	}
}

// A new producer ID would fence nothing, and in the old epoch a late attempt would still be taken.
func TestVirtual_F9_ARenewalTakesTheNextEpochOfTheSameProducerID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		judged(t, proof.Of(t, "F9"), setup{topics: onePartition}, func(b *bubble) {
			const renewals = 3
			for range renewals {
				b.send("events", 1)
				b.flush()
				refused := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce},
					Err: kerr.OutOfOrderSequenceNumber})
				b.send("events", 1)
				b.flush()
				b.proof.Bit("batches refused for their numbers", int64(refused.Hits()))
			}
			log := b.k.read(t, "events")
			require.Len(t, log, 2*renewals)
			for i, r := range log {
				require.Equal(t, log[0].ProducerID, r.ProducerID)
				require.EqualValues(t, (i+1)/2, r.ProducerEpoch, "record %d", i)
			}
		})
	})
}

// hangingDialer opens connections late, whatever their context says, as long as it hangs.
type hangingDialer struct {
	b     *bubble
	hangs atomic.Bool
	hung  atomic.Int64
}

func (d *hangingDialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if d.hangs.Load() {
		d.hung.Add(1)
		time.Sleep(3 * time.Second)
	}
	return d.b.k.link.Dial(context.WithoutCancel(ctx), network, addr)
}

// The request of a batch that has expired is still with the client below when its connection comes,
// and the buffer of that batch has another's records by then.
func TestVirtual_F25_ABatchThatExpiresBeforeItIsWrittenNeverIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d hangingDialer
		s := judged(t, proof.Of(t, "F25"), setup{
			brokers: 1,
			topics:  onePartition,
			change: func(c *producer.Config) {
				c.Priorities.Medium.DeliveryTimeout = time.Second
				c.Batching.Acks = "leader" // then no producer ID is asked for before
			},
			options: []producer.Option{producer.WithDialer(d.dial)},
			before:  func(b *bubble) { d.b = b },
		}, func(b *bubble) {
			require.NoError(t, b.p.WaitReady(context.Background()))
			d.hangs.Store(true) // for the first connection of the lane's own
			b.sendKey(3)
			time.Sleep(time.Second)
			synctest.Wait()
			require.EqualValues(t, 3, b.p.Stats().Total.Expired, "in flight as well as anywhere")
			time.Sleep(1200 * time.Millisecond)
			b.sendKey(3) // into the buffer of those
			time.Sleep(700 * time.Millisecond)
			require.EqualValues(t, 3, b.p.Stats().Total.Pending, "the connection is not there yet")
			d.hangs.Store(false)
			b.flush()
			b.proof.Bit("dials that hung", d.hung.Load())
		})
		require.EqualValues(t, 3, s.Total.Expired)
		require.EqualValues(t, 3, s.Total.Delivered)
		require.Zero(t, s.Total.MaybeDuplicated)
	})
}

// With a producer ID, a connection is dialled anew where the last was closed for being idle.
func TestVirtual_F25_ABatchExpiresInFlightWhileItsConnectionIsDialled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d hangingDialer
		s := judged(t, proof.Of(t, "F25"), setup{
			brokers: 1,
			topics:  onePartition,
			change:  func(c *producer.Config) { c.Priorities.Medium.DeliveryTimeout = time.Second },
			options: []producer.Option{producer.WithDialer(d.dial)},
			before:  func(b *bubble) { d.b = b },
		}, func(b *bubble) {
			b.sendKey(3)
			b.flush()
			time.Sleep(time.Minute)
			d.hangs.Store(true)
			b.sendKey(3)
			time.Sleep(time.Second)
			synctest.Wait()
			require.EqualValues(t, 3, b.p.Stats().Total.Expired, "in flight as well as anywhere")
			d.hangs.Store(false)
			time.Sleep(3 * time.Second)
			b.sendKey(3)
			b.flush()
			b.proof.Bit("dials that hung", d.hung.Load())
		})
		require.EqualValues(t, 3, s.Total.Expired)
		require.EqualValues(t, 6, s.Total.Delivered)
		require.Zero(t, s.Total.MaybeDuplicated)
	})
}

func TestVirtual_F5_WhatExpiresGivesItsMemoryBack(t *testing.T) {
	for _, reports := range []bool{false, true} {
		t.Run(fmt.Sprintf("reports=%v", reports), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newEmbedded(t, 1, onePartition)
				defer k.Close()
				c := proof.Of(t, "F5")
				k.link.Cut()
				opts := []producer.Option{producer.WithDialer(k.link.Dial)}
				if reports {
					opts = append(opts, producer.WithDelivery(func(producer.Report) {}))
				}
				p, err := producer.New(k.config(func(c *producer.Config) { c.Priorities.Medium.DeliveryTimeout = time.Minute }), opts...)
				require.NoError(t, err)
				defer closeWithin(t, p, 0)
				for range 1000 {
					require.NoError(t, p.Send(producer.Record{Topic: "events",
						Value: make([]byte, 1000)}))
				}
				require.Greater(t, p.Stats().HeldBytes, int64(1_000_000))
				time.Sleep(2 * time.Minute)
				s := p.Stats()
				require.EqualValues(t, 1000, s.Total.Expired)
				c.Bit("records expired", int64(s.Total.Expired))
				require.Equal(t, heldByTopics(s), s.HeldBytes)
				c.Held("I11", s.Total.Expired)
			})
		})
	}
}

// Records for a partition that the caller chose keep the order of the goroutine that sends them,
// whatever is cut in between.
func TestVirtual_F8_ChosenPartitionsKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const partitions = 3
		k := newEmbedded(t, 2, map[string]int32{"events": partitions})
		defer k.Close()
		p, err := producer.New(k.config(), producer.WithDialer(k.link.Dial))
		require.NoError(t, err)
		defer closeWithin(t, p, 0)
		var sent [partitions][]string
		for i := range 2000 {
			switch i % 100 {
			case 30:
				k.link.CutAfterWrites(3)
			case 60:
				k.link.CutAfterWrites(0)
			case 99:
				time.Sleep(200 * time.Millisecond)
			}
			to, value := i%partitions, strconv.Itoa(i)
			require.NoError(t, p.Send(producer.Record{Topic: "events",
				Partition: producer.ToPartition(int32(to)), Value: []byte(value)}))
			sent[to] = append(sent[to], value)
			time.Sleep(time.Millisecond)
		}
		require.NoError(t, p.Flush(t.Context()))
		s := closeWithin(t, p, time.Minute)
		require.EqualValues(t, 2000, s.Delivered)
		require.Positive(t, k.link.Cuts())
		var got [partitions][]string
		for _, r := range k.read(t, "events") {
			got[r.Partition] = append(got[r.Partition], string(r.Value))
		}
		require.Equal(t, sent, got)
	})
}
