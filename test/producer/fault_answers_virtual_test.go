//go:build synctests

package producer_test

import (
	"fmt"
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

// The answers of these tests are lost, or are errors, of what is in the log.

// appendedCodes are what brokers answer after they have appended; the embedded Kafka does so too.
var appendedCodes = []*kerr.Error{kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend}

func TestVirtual_F8_WhatWasAppendedAndAnsweredWithAnErrorIsThereOnce(t *testing.T) {
	for _, err := range appendedCodes {
		t.Run(err.Message, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := judged(t, proof.Of(t, "F8"), setup{}, func(b *bubble) {
					b.stream(time.Second, 5, "events")
					fault := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err,
						Count: -1})
					b.stream(30*time.Second, 5, "events")
					b.proof.Bit("batches appended and answered with "+err.Message,
						int64(fault.Hits()))
					fault.Remove()
					b.stream(time.Second, 5, "events")
				})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
				require.Zero(t, s.Total.MaybeDuplicated)
			})
		})
	}
}

// The error stays until the delivery timeout: what was appended is possibly persisted, what waited
// behind it has expired.
func TestVirtual_F8_WhatWasAppendedAndNeverConfirmedIsPossiblyPersistedAndThereOnce(t *testing.T) {
	for _, err := range appendedCodes {
		t.Run(err.Message, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				timeout := func(c *producer.Config) { c.Priorities.Medium.DeliveryTimeout = 8 * time.Second }
				s := judged(t, proof.Of(t, "F8"), setup{change: timeout}, func(b *bubble) {
					fault := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err,
						Count: -1})
					b.stream(20*time.Second, 3, "events")
					b.flush()
					b.proof.Bit("batches appended and answered with "+err.Message,
						int64(fault.Hits()))
					fault.Remove()
					b.stream(time.Second, 3, "events")
				})
				require.Positive(t, s.Total.PossiblyPersisted)
				require.Positive(t, s.Total.Expired)
				require.EqualValues(t, 30, s.Total.Delivered, "what was sent afterwards")
				require.Zero(t, s.Total.MaybeDuplicated)
			})
		})
	}
}

// Every n-th write of all connections goes through and is the last on its connection, so its answer
// is lost. The producer ID is there by then: a broker that hangs up on three requests for one in a
// row is taken for one that grants none, and retries of batches without numbers are counted.
func TestVirtual_F8_LostAnswersLoseNothingAndDuplicateNothing(t *testing.T) {
	c := proof.Of(t, "F8")
	for n := int64(2); n <= 12; n += 2 {
		for _, codec := range []string{"none", "snappy"} {
			t.Run(fmt.Sprint(n, " ", codec), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := judged(t, c, setup{change: func(c *producer.Config) {
						c.Batching.Compression = codec
						c.Priorities.Medium.MoveUnresolvedAfter = producer.Never
					}}, func(b *bubble) {
						b.k.link.Delay(time.Millisecond)
						b.stream(time.Second, 5, "events")
						b.k.link.CutAfterWrites(n)
						b.stream(10*time.Second, 5, "events")
						c.Bit("connections cut right after a write", b.k.link.Cuts())
						b.k.link.CutAfterWrites(0)
					})
					require.Equal(t, s.Total.Accepted, s.Total.Delivered)
					require.Zero(t, s.Total.MaybeDuplicated,
						"batches that stay with their partition")
				})
			})
		}
	}
}

// A network that cuts connections looks like a broker that hangs up on what is too large. Halves of
// a batch that is in the log would be there twice, so it takes more than six lost answers in a row.
func TestVirtual_F8_ALargeBatchWhoseAnswersAreLostSixTimesInARowIsThereOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lost = 6
		s := judged(t, proof.Of(t, "F8"), setup{brokers: 1, topics: onePartition},
			func(b *bubble) {
				b.send("events", 10)
				b.flush() // there is a producer ID
				var large atomic.Int64
				b.k.link.CutAfter(func(written []byte) bool {
					return len(written) > 100_000 && large.Add(1) <= lost
				})
				b.flood(150, 1000)
				b.flush()
				b.proof.Bit("answers to one batch that were lost in a row", b.k.link.Cuts())
				require.EqualValues(b.t, lost+1, large.Load(), "the batch was halved")
			})
		require.EqualValues(t, 160, s.Total.Delivered)
		require.Zero(t, s.Total.MaybeDuplicated)
	})
}

// The answer is lost and the leader does not come back: un-keyed records go elsewhere, may be there
// twice, and are counted.
func TestVirtual_F8_WhatMovesUnansweredIsCountedAsMaybeDuplicated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F8", "F6"),
			setup{topics: map[string]int32{"events": 2}, change: func(c *producer.Config) {
				c.Priorities.Medium.MoveUnresolvedAfter = time.Second
			}}, func(b *bubble) {
				require.NoError(t, b.k.MoveTopicPartition("events", 0, 0))
				require.NoError(t, b.k.MoveTopicPartition("events", 1, 1))
				unkeyed := func() {
					for range 100 {
						require.NoError(t, b.ledger.Send(b.p, producer.Record{Topic: "events"}))
						time.Sleep(20 * time.Millisecond)
					}
				}
				unkeyed()
				appended := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Nodes: []int32{0},
					Err: kerr.RequestTimedOut, Count: 3})
				silent := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Nodes: []int32{0},
					TopLevel: true, Err: kerr.UnknownServerError, Count: -1})
				unkeyed()
				time.Sleep(5 * time.Second)
				b.proof.Bit("batches appended, not confirmed, on a broker that is away then",
					int64(appended.Hits()))
				b.proof.Bit("questions that it did not answer", int64(silent.Hits()))
				silent.Remove()
				unkeyed()
			})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
		require.Positive(t, s.Total.MaybeDuplicated)
		require.LessOrEqual(t, s.Total.MaybeDuplicated, uint64(100))
	})
}
