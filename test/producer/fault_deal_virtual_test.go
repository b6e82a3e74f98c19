//go:build synctests

package producer_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// A start without Kafka fills the memory with keyed batches, which are dealt out when the
// partitions are known. Where nothing is delivered for a while, and then slowly while the
// application fills the memory again and again, the bound still holds.
func TestVirtual_F1_TheBoundHoldsWhileKeyedBatchesAreDealtOut(t *testing.T) {
	for _, c := range []struct {
		partitions  int32
		batch, size int
	}{{12, 1 << 10, 20}, {50, 16 << 10, 100}} {
		t.Run(fmt.Sprintf("%d partitions, batches of %d, records of %d", c.partitions, c.batch,
			c.size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const bound = 1 << 20
				small := func(cfg *producer.Config) {
					cfg.Buffer.MaxBytes, cfg.Batching.MaxBytes, cfg.Reports.MaxBytes = bound, c.batch, bound
				}
				s := judged(t, proof.Of(t, "F1"),
					setup{topics: map[string]int32{"events": c.partitions},
						change: small}, func(b *bubble) {
						n := 0
						fill := func() {
							for {
								err := b.ledger.Send(b.p,
									producer.Record{Topic: "events", Key: fmt.Append(nil, n%5000),
										Value: make([]byte, c.size)})
								if err != nil {
									require.ErrorIs(t, err, producer.ErrBufferFull)
									return
								}
								n++
							}
						}
						highest := int64(0)
						look := func() {
							fill()
							b.rest()
							highest = max(highest, b.p.Stats().HeldBytes)
						}
						b.k.link.Cut()
						look()
						nothing := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce},
							Err: kerr.NotEnoughReplicas, Count: -1})
						b.k.link.Restore()
						for range 30 {
							look()
							time.Sleep(100 * time.Millisecond)
						}
						b.proof.Bit("requests refused while batches were to be dealt out",
							int64(nothing.Hits()))
						nothing.Remove()
						b.k.link.Delay(2 * time.Millisecond)
						before := n
						for range 200 {
							look()
							time.Sleep(10 * time.Millisecond)
						}
						require.LessOrEqual(t, highest, int64(bound+8<<10))
						require.Greater(t, n-before, before,
							"the backlog drains although the memory is always full")
					})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
			})
		})
	}
}

// Half of the partitions have no leader when the memory is full of records that are to be dealt
// out. What goes to the other half is delivered all the same.
func TestVirtual_F6_APartitionWithoutALeaderDoesNotStopTheDealingOut(t *testing.T) {
	for _, partitions := range []int32{2, 12, 60} {
		t.Run(fmt.Sprintf("%d partitions", partitions), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const bound = 1 << 20
				links := make([]*faultnet.Link, 2)
				s := judged(t, proof.Of(t, "F1", "F6"),
					setup{brokers: 2, topics: map[string]int32{"events": partitions},
						before: ways(links), change: func(cfg *producer.Config) {
							cfg.Buffer.MaxBytes, cfg.Batching.MaxBytes, cfg.Reports.MaxBytes = bound, 1<<10, bound
						}}, func(b *bubble) {
						for _, link := range links {
							link.Cut()
						}
						n := 0
						for ; ; n++ {
							if b.ledger.Send(b.p,
								producer.Record{Topic: "events", Key: fmt.Append(nil, n),
									Value: make([]byte, 20)}) != nil {
								break
							}
						}
						links[0].Restore()
						time.Sleep(2 * time.Minute)
						pending := b.p.Stats().Total.Pending
						require.InDelta(t, n/2, pending, float64(n)/8, "of %d", n)
						b.proof.Bit("brokers cut off", 2)
						links[1].Restore()
					})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
			})
		})
	}
}
