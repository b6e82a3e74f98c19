//go:build synctests

package producer_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/partitioner"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// ways has a link for each broker, whose leaders are dealt out in turn.
func ways(links []*faultnet.Link) func(*bubble) {
	return func(b *bubble) {
		for i := range links {
			links[i] = faultnet.New(b.k.network.DialContext)
		}
		detour(func(ctx context.Context, network, addr string) (net.Conn, error) {
			var port int
			_, err := fmt.Sscanf(addr[len(addr)-5:], "%d", &port)
			require.NoError(b.t, err)
			return links[port-19092].Dial(ctx, network, addr)
		})(b)
		for topic, partitions := range b.topics {
			for p := range partitions {
				require.NoError(b.t, b.k.MoveTopicPartition(topic, p,
					p%int32(len(b.k.ListenAddrs()))))
			}
		}
	}
}

// unkeyed sends records without keys for a while, one each pause.
func (b *bubble) unkeyed(d, pause time.Duration, topic string, size int) {
	for range d / pause {
		require.NoError(b.t, b.ledger.Send(b.p,
			producer.Record{Topic: topic, Value: make([]byte, size)}))
		time.Sleep(pause)
	}
}

// counts returns how many records each partition of a topic has.
func (b *bubble) counts(topic string) (all []int64) {
	for _, p := range b.k.PartitionInfos(topic) {
		all = append(all, p.HighWatermark)
	}
	return all
}

// gained returns how many records each partition of a topic got in fn.
func (b *bubble) gained(topic string, fn func()) (all []int64) {
	before := b.counts(topic)
	fn()
	b.rest()
	for i, n := range b.counts(topic) {
		if i < len(before) {
			n -= before[i]
		}
		all = append(all, n)
	}
	return all
}

func sum(all []int64) (n int64) {
	for _, x := range all {
		n += x
	}
	return n
}

func TestVirtual_Spread_EachPartitionGetsItsShareAndADeadBrokerNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		links := make([]*faultnet.Link, 3)
		c := proof.Of(t, "F6")
		s := judged(t, c, setup{brokers: 3, topics: map[string]int32{"events": 12},
			before: ways(links)}, func(b *bubble) {
			even := func(got []int64, what string) {
				for p, n := range got {
					require.InEpsilon(t, sum(got)/int64(len(got)), n, 0.1, "partition %d of %v %s",
						p, got, what)
				}
			}
			b.unkeyed(5*time.Second, time.Millisecond, "events", 100)
			even(b.gained("events", func() {
				b.unkeyed(time.Minute, time.Millisecond, "events", 100)
			}), "in a minute")

			links[1].Cut()
			// what was in flight when it was cut
			b.unkeyed(time.Second, time.Millisecond, "events", 100)
			b.rest()
			got := b.gained("events", func() {
				b.unkeyed(20*time.Second, time.Millisecond, "events", 100)
			})
			for p, n := range got {
				if p%3 == 1 {
					require.Zero(t, n, "the broker is away")
				} else {
					require.InEpsilon(t, sum(got)/8, n, 0.1, "%v", got)
				}
			}
			c.Bit("brokers cut off", 1)
			links[1].Restore()
			b.unkeyed(10*time.Second, time.Millisecond, "events", 100)
			even(b.gained("events", func() {
				b.unkeyed(20*time.Second, time.Millisecond, "events", 100)
			}), "ten seconds after it came back")
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

// At saturation each broker gets what it acknowledges: shares follow the time that it takes for a
// request. What makes that so is that a batch has no partition before a broker is free; a
// partitioner that is asked earlier feeds the slow one (KIP-794).
func TestVirtual_Spread_AtSaturationSharesFollowWhatBrokersAcknowledge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		links := make([]*faultnet.Link, 3)
		s := judged(t, proof.Of(t, "F15"), setup{brokers: 3, topics: map[string]int32{"events": 12},
			before: ways(links), change: func(cfg *producer.Config) {
				cfg.Batching.MaxBytes = 8 << 10
			}}, func(b *bubble) {
			for i, d := range []time.Duration{20, 40, 80} {
				links[i].Delay(d * time.Millisecond / 8) // there and back
			}
			flood := func(d time.Duration) {
				for until := time.Now().Add(d); time.Now().Before(until); time.Sleep(time.Millisecond) {
					for range 3000 - int(b.p.Stats().Total.Pending) {
						require.NoError(t, b.ledger.Send(b.p,
							producer.Record{Topic: "events", Value: make([]byte, 500)}))
					}
				}
			}
			b.proof.Bit("brokers that are slow", 3)
			flood(2 * time.Second)
			got := b.gained("events", func() { flood(10 * time.Second) })
			var by [3]int64
			for p, n := range got {
				by[p%3] += n
			}
			b.proof.Figure("shares of brokers that take 1, 2 and 4 times as long",
				"%.2f, %.2f, %.2f", share(by[0], got), share(by[1], got), share(by[2], got))
			require.InEpsilon(t, 2, float64(by[0])/float64(by[1]), 0.35, "%v", by)
			require.InEpsilon(t, 2, float64(by[1])/float64(by[2]), 0.35, "%v", by)
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

func share(n int64, of []int64) float64 { return float64(n) / float64(sum(of)) }

func TestVirtual_Spread_PartitionsAndBrokersThatAreAddedAreUsedWithinTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		links := make([]*faultnet.Link, 4)
		s := judged(t, proof.Of(t, "F10"), setup{brokers: 3, topics: map[string]int32{"events": 6},
			before: ways(links)}, func(b *bubble) {
			b.unkeyed(5*time.Second, time.Millisecond, "events", 100)
			adm := kadm.NewClient(b.k.operator(t))
			defer adm.Close()
			_, _, err := b.k.AddNode(3, 19095)
			require.NoError(t, err)
			added, err := adm.CreatePartitions(t.Context(), 2, "events")
			require.NoError(t, err)
			require.NoError(t, added.Error())
			b.grown["events"] = true
			for _, p := range []int32{6, 7} {
				require.NoError(t, b.k.MoveTopicPartition("events", p, 3))
			}
			b.proof.Bit("partitions and brokers added", 3)
			b.rest()
			b.longest["events"] = 0
			b.unkeyed(10*time.Second, time.Millisecond, "events", 100)
			got := b.gained("events", func() {
				b.unkeyed(20*time.Second, time.Millisecond, "events", 100)
			})
			require.Len(t, got, 8)
			for p, n := range got {
				require.InEpsilon(t, sum(got)/8, n, 0.1, "partition %d of %v", p, got)
			}
			b.rest()
			require.Less(t, b.longest["events"], 50*time.Millisecond, "no pause")
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
		require.Zero(t, s.Total.MaybeDuplicated)
	})
}

// racks has metadata answer with racks of brokers; kfake gives all of them the same.
func (b *bubble) racks(names ...string) {
	ids := make(map[string][16]byte)
	for topic := range b.topics {
		ids[topic] = b.k.TopicInfo(topic).TopicID
	}
	b.k.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.k.KeepControl()
		req := r.(*kmsg.MetadataRequest)
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		for node, rack := range names {
			resp.Brokers = append(resp.Brokers,
				kmsg.MetadataResponseBroker{NodeID: int32(node), Host: "localhost", Port: 19092 +
					int32(node), Rack: &rack})
		}
		for _, rt := range req.Topics {
			t := kmsg.NewMetadataResponseTopic()
			t.Topic, t.TopicID = rt.Topic, ids[*rt.Topic]
			for p := range b.topics[*rt.Topic] {
				part := kmsg.NewMetadataResponseTopicPartition()
				part.Partition, part.Leader = p, p%int32(len(names))
				t.Partitions = append(t.Partitions, part)
			}
			resp.Topics = append(resp.Topics, t)
		}
		return resp, nil, true
	})
}

func TestVirtual_Zones_KeepToTheOwnOneWhileEnoughOfItIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		names := []string{"a", "b", "c", "a", "b", "c"}
		links := make([]*faultnet.Link, len(names))
		c := proof.Of(t, "F6")
		s := judged(t, c, setup{brokers: len(names), topics: map[string]int32{"events": 12},
			before: func(b *bubble) {
				ways(links)(b)
				b.racks(names...)
			}, change: func(cfg *producer.Config) { cfg.Rack = "b" }}, func(b *bubble) {
			near := func(what string, least, most float64) {
				got := b.gained("events", func() {
					b.unkeyed(10*time.Second, time.Millisecond, "events", 100)
				})
				in := share(got[1]+got[4]+got[7]+got[10], got)
				require.GreaterOrEqual(t, in, least, "%s: %v", what, got)
				require.LessOrEqual(t, in, most, "%s: %v", what, got)
				b.proof.Figure("in its own zone, "+what, "%.0f %%", 100*in)
			}
			// what was not answered moves after ten
			settle := func() { b.unkeyed(12*time.Second, time.Millisecond, "events", 100) }
			settle()
			near("all well", 1, 1)
			links[1].Cut()
			settle()
			near("half of its leaders away", 1, 1)
			links[4].Cut()
			settle()
			b.rest()
			b.longest["events"] = 0
			near("all of them away", 0, 0)
			require.Less(t, b.longest["events"], 100*time.Millisecond,
				"nobody waits for a zone that is away")
			c.Bit("brokers cut off", 2)
			links[1].Restore()
			links[4].Restore()
			settle()
			near("well again", 1, 1)

			for _, i := range []int{1, 4} {
				links[i].Delay(300 * time.Millisecond)
			}
			b.unkeyed(5*time.Second, time.Millisecond, "events", 4000)
			b.rest()
			b.longest["events"] = 0
			near("its brokers slow, and more to send than they take", 0, 1)
			b.unkeyed(3*time.Second, time.Millisecond/8, "events", 1000)
			b.rest()
			require.Less(t, b.longest["events"], 3*time.Second,
				"what is too much for the zone goes elsewhere")
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

func TestVirtual_RoundRobin_GivesEachPartitionAsManyBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		links := make([]*faultnet.Link, 3)
		c := proof.Of(t, "F6")
		batches := make(map[int32]int)
		s := judged(t, c, setup{brokers: 3, topics: map[string]int32{"events": 6},
			before: ways(links), change: func(cfg *producer.Config) {
				cfg.Batching.Partitioner = "round_robin"
				cfg.Batching.Linger = producer.NoLinger
			}}, func(b *bubble) {
			b.also = func(r producer.Report) { batches[r.Partition]++ }
			one := func(n int) { // a record is a batch here
				for range n {
					require.NoError(t, b.ledger.Send(b.p,
						producer.Record{Topic: "events", Value: []byte("x")}))
					b.flush()
				}
			}
			one(6)
			clear(batches)
			one(60)
			require.Equal(t, map[int32]int{0: 10, 1: 10, 2: 10, 3: 10, 4: 10, 5: 10}, batches)
			links[0].Cut()
			one(6)
			clear(batches)
			one(40)
			require.Equal(t, map[int32]int{1: 10, 2: 10, 4: 10, 5: 10}, batches,
				"those that can be written to")
			c.Bit("brokers cut off", 1)
			links[0].Restore()
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

// odd keys to partition 1, batches to the last that is well.
type ownPartitioner struct{ partitioner.Sticky }

func (ownPartitioner) ForKey(_ string, key []byte, partitions int32) int32 {
	if string(key) == "bad" {
		panic("a partitioner's own mistake")
	}
	return int32(key[0]) % partitions
}

func (ownPartitioner) ForBatch(_ string, _ uint64, well []int32, _ int32) int32 {
	return slices.Max(well)
}

func TestVirtual_APartitionerOfOnesOwnIsAskedForKeysAndBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		links := make([]*faultnet.Link, 3)
		c := proof.Of(t, "F6", "F10")
		s := judged(t, c, setup{brokers: 3, topics: map[string]int32{"events": 3},
			before: ways(links), options: []producer.Option{
				producer.WithPartitioner(ownPartitioner{}),
			}}, func(b *bubble) {
			keyed := func(key byte) {
				require.NoError(t, b.ledger.Send(b.p,
					producer.Record{Topic: "events", Key: []byte{key}}))
				b.flush()
			}
			links[0].Cut()
			links[1].Cut()
			links[2].Cut()
			require.NoError(t, b.ledger.Send(b.p, producer.Record{Topic: "events", Key: []byte{4}}),
				"before the number of partitions is known")
			time.Sleep(time.Second)
			for _, l := range links {
				l.Restore()
			}
			b.flush()
			require.Equal(t, []int64{0, 1, 0}, b.counts("events"))
			keyed(3)
			require.Equal(t, []int64{1, 1, 0}, b.counts("events"))
			b.unkeyed(time.Second, 10*time.Millisecond, "events", 10)
			b.flush()
			require.Equal(t, []int64{1, 1, 100}, b.counts("events"))
			links[2].Cut()
			c.Bit("brokers cut off", 1)
			b.unkeyed(time.Second, 10*time.Millisecond, "events", 10)
			b.rest()
			time.Sleep(time.Second)
			got := b.counts("events")
			require.GreaterOrEqual(t, got[1], int64(95), "the last that is well")
			require.EqualValues(t, 1, got[0])
			links[2].Restore()
			require.NoError(t, b.ledger.Send(b.p,
				producer.Record{Topic: "events", Key: []byte("bad")}))
			b.flush()
			require.Len(t, b.logs.FilterMessageSnippet("the partitioner is wrong").All(), 1)
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

// What the talk measured with one broker, with many: a request carries what waits for its broker in
// all topics.
func TestVirtual_OneRequestALinger(t *testing.T) {
	for _, c := range []struct {
		partitions int32
		anywhere   bool // leaders are drawn at random, else dealt out as Kafka does
		keyed      bool
		least      float64
	}{
		{partitions: 12, least: 80},
		{partitions: 12, anywhere: true, least: 45},
		{partitions: 3, least: 25},
		{partitions: 12, keyed: true, least: 8},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				topics := make(map[string]int32)
				for i := range 50 {
					topics[fmt.Sprint("t", i)] = c.partitions
				}
				place := func(b *bubble) {
					for i := range int32(50) {
						for p := range c.partitions {
							require.NoError(t,
								b.k.MoveTopicPartition(fmt.Sprint("t", i), p, (i+p)%12))
						}
					}
				}
				if c.anywhere {
					place = nil
				}
				judged(t, proof.Of(t, "F15"), setup{brokers: 12, topics: topics, before: place},
					func(b *bubble) {
						n := 0
						send := func(d time.Duration) {
							for range d / (100 * time.Microsecond) {
								rec := producer.Record{Topic: fmt.Sprint("t", n%50),
									Value: make([]byte, 100)}
								if c.keyed {
									rec.Key = fmt.Append(nil, n)
								}
								require.NoError(t, b.ledger.Send(b.p, rec))
								time.Sleep(100 * time.Microsecond)
								n++
							}
						}
						send(time.Second)
						before := b.p.Stats()
						send(2 * time.Second)
						after := b.p.Stats()
						mean := float64(after.RequestRecords-before.RequestRecords) / float64(after.Requests-before.Requests)
						b.proof.Bit("topics sent to at once", 50)
						b.proof.Figure("records in a request", "%.1f", mean)
						t.Logf("%.1f records in a request", mean)
						require.GreaterOrEqual(t, mean, c.least)
					})
			})
		})
	}
}

func TestVirtual_TheNumberOfPartitionsOfKeysIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topics := map[string]int32{"keyed": 3, "unkeyed": 3}
		judged(t, proof.Of(t, "F10"), setup{topics: topics}, func(b *bubble) {
			adm := kadm.NewClient(b.k.operator(t))
			defer adm.Close()
			told := func() (all []string) {
				for _, e := range b.p.History() {
					if e.Kind == producer.EventRepartitioned {
						all = append(all, fmt.Sprint(e.Kind, " ", e.Priority, " ", e.Cluster, " ",
							e.Topic, ": ", e.Reason))
					}
				}
				return all
			}
			send := func() {
				require.NoError(t, b.ledger.Send(b.p,
					producer.Record{Topic: "keyed", Key: []byte("k")}))
				b.unkeyed(time.Second, 10*time.Millisecond, "unkeyed", 10)
			}
			send()
			b.grown["keyed"], b.grown["unkeyed"] = true, true
			_, err := adm.CreatePartitions(t.Context(), 2, "keyed", "unkeyed")
			require.NoError(t, err)
			require.Empty(t, told())
			for range 10 {
				send()
			}
			require.Equal(t,
				[]string{"repartitioned medium events keyed: partitions: 5, before: 3"}, told())
			require.Len(t, b.logs.FilterMessage("topic has another number of partitions").All(), 1)
			b.proof.Bit("partitions added", 4)
		})
	})
}

// Where brokers are slow, open batches fill; small ones do not queue up.
func TestVirtual_Load_MakesBatchesLarger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		links := make([]*faultnet.Link, 2)
		judged(t, proof.Of(t, "F15"), setup{topics: map[string]int32{"events": 2},
			before: ways(links)}, func(b *bubble) {
			perBatch := func() float64 {
				before := b.p.Stats()
				b.unkeyed(10*time.Second, time.Millisecond/2, "events", 100)
				b.rest()
				after := b.p.Stats()
				return float64(after.RequestRecords-before.RequestRecords) / float64(after.Attempts-before.Attempts)
			}
			b.unkeyed(time.Second, time.Millisecond, "events", 100)
			quick := perBatch()
			for _, l := range links {
				l.Delay(100 * time.Millisecond)
			}
			b.proof.Bit("brokers that are slow", 2)
			slow := perBatch()
			b.proof.Figure("records in a batch, brokers quick and slow", "%.0f, %.0f", quick, slow)
			require.InDelta(t, 20, quick, 5, "a linger of them")
			require.Greater(t, slow, 4*quick)
		})
	})
}

// Topics that have no broker in common miss each other's requests, and wait for the next one: a
// linger at most.
func TestVirtual_OneRequestALinger_HoldsUpNobodyForLongerThanAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const linger = 40 * time.Millisecond
		topics := map[string]int32{"t0": 1, "t1": 1, "t2": 1}
		judged(t, proof.Of(t, "F15"), setup{brokers: 3, topics: topics,
			change: func(cfg *producer.Config) { cfg.Batching.Linger = linger },
			before: func(b *bubble) {
				for i := range int32(3) {
					require.NoError(b.t, b.k.MoveTopicPartition(fmt.Sprint("t", i), 0, i))
				}
			}}, func(b *bubble) {
			send := func(topic string) {
				require.NoError(t, b.ledger.Send(b.p,
					producer.Record{Topic: topic, Value: []byte("x")}))
			}
			for _, topic := range []string{"t0", "t1", "t2"} {
				send(topic)
				b.flush()
			}
			clear(b.longest)
			b.proof.Bit("topics sent to at once", 3)
			send("t1")
			time.Sleep(linger * 3 / 4)
			send("t0")
			time.Sleep(linger * 3 / 4)
			send("t2")
			time.Sleep(3 * linger)
			b.rest()
			require.Equal(t, linger, b.longest["t1"])
			require.Equal(t, linger*5/4, b.longest["t0"], "a linger after t1")
			require.Equal(t, linger*3/2, b.longest["t2"], "a linger after t0")
			for i := range 1000 {
				send(fmt.Sprint("t", i%3))
				time.Sleep(linger / 7)
			}
			b.rest()
			for topic, longest := range b.longest {
				require.LessOrEqual(t, longest, 2*linger, topic)
			}
		})
	})
}

// One partition that takes nothing does not hold up those that do: Kafka refuses what is written to
// it, or has not confirmed what it has.
func TestVirtual_RoundRobin_LeavesOutAPartitionThatFails(t *testing.T) {
	for name, codes := range map[string][]*kerr.Error{
		"refuses":       {kerr.NotEnoughReplicas},
		"is not sure":   {kerr.NotEnoughReplicasAfterAppend, kerr.NotEnoughReplicas},
		"is not for us": {kerr.TopicAuthorizationFailed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				judged(t, proof.Of(t, "F6"), setup{brokers: 3,
					topics: map[string]int32{"events": 6}, change: func(cfg *producer.Config) {
						cfg.Batching.Partitioner = "round_robin"
					}}, func(b *bubble) {
					b.unkeyed(time.Second, time.Millisecond, "events", 100)
					b.rest()
					var faults []*kfake.FaultHandle
					for i, code := range codes {
						faults = append(faults, b.k.Fault(kfake.Fault{
							Keys: []kmsg.Key{kmsg.Produce}, Topic: "events", Partitions: []int32{2},
							Err: code, Count: []int{1, -1}[min(1, i+2-len(codes))],
						}))
					}
					before := b.p.Stats().Total
					b.unkeyed(20*time.Second, time.Millisecond, "events", 100)
					after := b.p.Stats().Total
					require.Less(t, after.Pending, uint64(1000), "of %d",
						after.Accepted-before.Accepted)
					for _, fault := range faults {
						b.proof.Bit("answers that refuse", int64(fault.Hits()))
						fault.Remove()
					}
				})
			})
		})
	}
}

// What waits for a broker that is far away has as many requests on their way as ever, though there
// is an open batch behind it that has lingered.
func TestVirtual_Load_WhatWaitsIsSentToAFarBrokerBesideAnOpenBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		links := make([]*faultnet.Link, 1)
		judged(t, proof.Of(t, "F15"), setup{brokers: 1, topics: map[string]int32{"events": 2},
			before: ways(links), change: func(cfg *producer.Config) {
				cfg.Batching.MaxBytes = 16 << 10
			}}, func(b *bubble) {
			links[0].Delay(50 * time.Millisecond)
			b.unkeyed(20*time.Second, time.Millisecond, "events", 100) // it is known to be far away
			b.flush()
			for range 6400 { // 400 batches and a bit
				require.NoError(t, b.ledger.Send(b.p,
					producer.Record{Topic: "events", Value: make([]byte, 1000)}))
			}
			began := time.Now()
			for b.p.Stats().Total.Pending > 0 {
				time.Sleep(time.Millisecond)
			}
			took := time.Since(began)
			b.proof.Bit("brokers that are far", 1)
			b.proof.Figure("6.4 MB in batches of 16 KiB to two partitions, 100 ms away", "%v", took)
			require.Less(t, took, 2500*time.Millisecond,
				"with two requests at a time it is five seconds")
		})
	})
}
