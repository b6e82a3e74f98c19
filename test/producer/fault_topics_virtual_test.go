//go:build synctests

package producer_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

func onlyCalm() map[string]int32 { return map[string]int32{"calm": 3} }

func TestVirtual_F10_ATopicThatIsAbsentIsHeldAndDeliveredWhenItAppears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F10"), setup{topics: onlyCalm()}, func(b *bubble) {
			metadata := b.observe(kmsg.Metadata)
			b.stream(time.Minute, 2, "events", "calm")
			require.Contains(t, b.trouble("events"), "UNKNOWN_TOPIC")
			require.EqualValues(t, 1200, b.p.Stats().Total.Pending)
			b.proof.Bit("questions about a topic that is absent", int64(metadata.Hits()))
			require.Less(t, metadata.Hits(), 120, "about one a second")
			b.create("events", 3)
			time.Sleep(1250 * time.Millisecond)
			require.Zero(t, b.p.Stats().Total.Pending)
			require.Empty(t, b.trouble("events"))
			b.requireCalm(150 * time.Millisecond)
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

func TestVirtual_F10_ATopicThatStaysAbsentExpiresAndHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F10"), setup{topics: onlyCalm(),
			change: func(c *producer.Config) {
				c.Priorities.Medium.DeliveryTimeout = 10 * time.Second
			}}, func(b *bubble) {
			metadata := b.observe(kmsg.Metadata)
			b.stream(time.Minute, 2, "events", "calm")
			b.flush()
			b.proof.Bit("questions about a topic that is absent", int64(metadata.Hits()))
			b.requireCalm(150 * time.Millisecond)
		})
		require.EqualValues(t, 1200, s.Total.Expired)
		require.EqualValues(t, 1200, s.Total.Delivered)
	})
}

// The topic is deleted and made again, with as many partitions, with fewer and with more, while
// records flow. What was in the old one is gone by the operator's hand, so there the ledger has no
// say; what is sent to the new one is.
func TestVirtual_F10_ATopicMadeAgainGetsEverythingThatIsSentAfterwards(t *testing.T) {
	for _, partitions := range []int32{3, 1, 7} {
		t.Run(fmt.Sprint(partitions, " partitions"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := judged(t, proof.Of(t, "F10"), setup{topics: inTroubleAndCalm()},
					func(b *bubble) {
						for i := range 300 {
							require.NoError(t,
								b.p.Send(producer.Record{Topic: "events", Tag: apart +
									uint64(i), Key: fmt.Append(nil, i%5)}))
							time.Sleep(10 * time.Millisecond)
							if i == 150 {
								require.NoError(t, b.k.DeleteTopic("events"))
							}
						}
						b.stream(time.Second, 3, "calm")
						require.Contains(t, b.trouble("events"), "UNKNOWN_TOPIC")
						b.proof.Bit("topics deleted", 1)
						b.create("events", partitions)
						made := time.Now()
						b.flush()
						b.proof.Figure("all delivered after it was made again", "%v",
							time.Since(made).Round(time.Millisecond))
						require.Less(t, time.Since(made), 2500*time.Millisecond)
						// What waited is in the new topic, and nobody counts it: it is emptied, so
						// that the ledger finds only its own.
						for p := range partitions {
							require.NoError(t, b.k.DeleteRecords("events", p, -1))
						}
						b.stream(5*time.Second, 3, "events", "calm")
						b.flush()
						b.requireCalm(50 * time.Millisecond)
					})
				require.EqualValues(t, s.Total.Accepted, s.Total.Delivered)
			})
		})
	}
}

// Partitions are added while keyed records flow: none is lost or there twice, and keys keep their
// order in each partition.
func TestVirtual_F10_PartitionsThatAreAddedLoseAndDuplicateNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F10"), setup{topics: inTroubleAndCalm()}, func(b *bubble) {
			adm := kadm.NewClient(b.k.operator(t))
			defer adm.Close()
			for range 5 {
				b.stream(6*time.Second, 5, "events", "calm")
				b.grown["events"] = true
				_, err := adm.CreatePartitions(t.Context(), 2, "events")
				require.NoError(t, err)
				b.proof.Bit("partitions added", 2)
			}
			b.stream(12*time.Second, 5, "events", "calm")
			b.flush()
			b.requireCalm(50 * time.Millisecond)
			used := 0
			for _, p := range b.k.PartitionInfos("events")[3:] {
				if p.HighWatermark > 0 {
					used++
				}
			}
			require.Positive(t, used, "new partitions are used")
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
		require.Zero(t, s.Total.MaybeDuplicated)
	})
}

// The right to write to one topic is missing for a while.
func TestVirtual_F10_ATopicWithoutPermissionWaitsForItAndHoldsUpNobodyElse(t *testing.T) {
	for name, keys := range map[string][]kmsg.Key{"to write": {kmsg.Produce},
		"to see": {kmsg.Produce, kmsg.Metadata}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := judged(t, proof.Of(t, "F10"), setup{topics: inTroubleAndCalm()},
					func(b *bubble) {
						fault := b.k.Fault(kfake.Fault{Keys: keys, Topic: "events",
							Err: kerr.TopicAuthorizationFailed, Count: -1})
						b.stream(time.Minute, 3, "events", "calm")
						require.EqualValues(t, 1800, b.p.Stats().Total.Pending)
						b.proof.Bit("requests refused for lack of permission", int64(fault.Hits()))
						require.Less(t, fault.Hits(), 60*3*3, "slowly")
						fault.Remove()
						time.Sleep(1500 * time.Millisecond)
						require.Zero(t, b.p.Stats().Total.Pending)
						b.requireCalm(150 * time.Millisecond)
					})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
			})
		})
	}
}

// Among good records are some that a broker finds invalid, and names.
func TestVirtual_F11_InvalidRecordsAreRejectedAndTheOthersOfTheirBatchDelivered(t *testing.T) {
	for _, code := range []*kerr.Error{kerr.InvalidRecord, kerr.InvalidTimestamp} {
		t.Run(code.Message, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var named int64
				s := judged(t, proof.Of(t, "F11"), setup{topics: inTroubleAndCalm()},
					func(b *bubble) {
						b.k.ControlKey(int16(kmsg.Produce),
							func(r kmsg.Request) (kmsg.Response, error, bool) {
								b.k.KeepControl()
								resp, n := invalidate(r.(*kmsg.ProduceRequest), "events", code.Code)
								named += n
								return resp, nil, n > 0
							})
						b.stream(10*time.Second, 20, "events", "calm")
						b.flush()
						b.proof.Bit("records found invalid and named", named)
						// the embedded broker has one epoch for all partitions of a producer ID
						b.requireCalm(250 * time.Millisecond)
					})
				require.EqualValues(t, named, s.Total.Rejected)
				require.Equal(t, s.Total.Accepted, s.Total.Delivered+s.Total.Rejected)
			})
		})
	}
}

// invalidate answers a request that has a batch of topic with ten records or more: the second and
// the last one are invalid. The other batches of the request are not appended either.
func invalidate(r *kmsg.ProduceRequest, topic string, code int16) (kmsg.Response, int64) {
	resp, named := r.ResponseKind().(*kmsg.ProduceResponse), int64(0)
	for _, rt := range r.Topics {
		t := kmsg.NewProduceResponseTopic()
		t.Topic = rt.Topic
		for _, rp := range rt.Partitions {
			p := kmsg.NewProduceResponseTopicPartition()
			p.Partition, p.BaseOffset, p.ErrorCode = rp.Partition, -1, kerr.NotEnoughReplicas.Code
			var batch kmsg.RecordBatch
			if err := batch.ReadFrom(rp.Records); err == nil && rt.Topic == topic &&
				batch.NumRecords >= 10 {
				p.ErrorCode = code
				p.ErrorRecords = []kmsg.ProduceResponseTopicPartitionErrorRecord{{RelativeOffset: 1}, {RelativeOffset: batch.NumRecords - 1}}
				named += 2
			}
			t.Partitions = append(t.Partitions, p)
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp, named
}

// Brokers before 2.4, and many proxies, refuse a batch for one record and do not say for which.
func TestVirtual_F11_OneBadRecordIsRejectedAloneAlsoWhereNobodySaysWhichItIs(t *testing.T) {
	for _, code := range []*kerr.Error{kerr.InvalidRecord, kerr.InvalidTimestamp,
		kerr.PolicyViolation, kerr.CorruptMessage} {
		t.Run(code.Message, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const bad = 4
				s := judged(t, proof.Of(t, "F8", "F11"), setup{topics: inTroubleAndCalm()},
					func(b *bubble) {
						refused := int64(0)
						b.k.ControlKey(int16(kmsg.Produce),
							func(r kmsg.Request) (kmsg.Response, error, bool) {
								b.k.KeepControl()
								resp, n := refuseWhole(r.(*kmsg.ProduceRequest), code.Code)
								refused += n
								return resp, nil, n > 0
							})
						for i := range 1000 {
							rec := producer.Record{Topic: "events", Value: make([]byte, 20)}
							if i%2 == 0 {
								rec.Key = fmt.Append(nil, i%5)
							}
							if i%250 == 125 {
								rec.Headers = []producer.Header{{Key: poison}}
							}
							require.NoError(t, b.ledger.Send(b.p, rec))
						}
						b.flush()
						b.proof.Bit("batches refused for a record that was not named", refused)
						require.LessOrEqual(t, refused, int64(bad*(10+5)),
							"log2 of the batch for each")
					})
				require.EqualValues(t, bad, s.Total.Rejected)
				require.EqualValues(t, 1000-bad, s.Total.Delivered)
				require.Zero(t, s.Total.MaybeDuplicated)
				require.Zero(t, s.OrderAtRisk)
			})
		})
	}
}

// Without keys in a compacted topic every record is bad. To look for each would cost two requests a
// record.
func TestVirtual_F11_WhereAllRecordsAreBadTheyAreNotLookedForOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F11"), setup{topics: inTroubleAndCalm()}, func(b *bubble) {
			fault := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "events",
				Err: kerr.InvalidRecord, Count: -1})
			for range 20 {
				b.send("events", 1000)
				b.flush()
			}
			b.proof.Bit("batches refused", int64(fault.Hits()))
			require.Less(t, fault.Hits(), 200, "for 20,000 records")
			fault.Remove()
			b.send("events", 1000)
			b.flush()
			poisoned := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "events",
				Err: kerr.InvalidRecord, Count: 1})
			b.send("events", 1000)
			b.flush()
			require.EqualValues(t, 1, poisoned.Hits(),
				"since some were delivered, they are looked for again")
		})
		require.EqualValues(t, 20_000, s.Total.Rejected)
		require.EqualValues(t, 2000, s.Total.Delivered)
	})
}

func TestVirtual_F8_AnUnansweredBatchThatIsHalvedForABadRecordIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F8", "F11"), setup{topics: onePartition}, func(b *bubble) {
			appended := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce},
				Err: kerr.RequestTimedOut})
			invalid := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce},
				Err: kerr.InvalidRecord})
			b.sendKey(10)
			b.flush()
			b.proof.Bit("batches appended and not confirmed", int64(appended.Hits()))
			b.proof.Bit("batches refused on their second attempt", int64(invalid.Hits()))
		})
		require.EqualValues(t, 10, s.Total.Delivered)
		require.EqualValues(t, 10, s.Total.MaybeDuplicated)
	})
}

// poison is the name of a header that refuseWhole does not like.
const poison = "poison"

// refuseWhole answers a request with batches that have a record with poison, and says how many. The
// other batches of the request are not appended either.
func refuseWhole(r *kmsg.ProduceRequest, code int16) (kmsg.Response, int64) {
	resp, refused := r.ResponseKind().(*kmsg.ProduceResponse), int64(0)
	for _, rt := range r.Topics {
		t := kmsg.NewProduceResponseTopic()
		t.Topic = rt.Topic
		for _, rp := range rt.Partitions {
			p := kmsg.NewProduceResponseTopicPartition()
			p.Partition, p.BaseOffset, p.ErrorCode = rp.Partition, -1, kerr.NotEnoughReplicas.Code
			if bytes.Contains(rp.Records, []byte(poison)) {
				p.ErrorCode = code
				refused++
			}
			t.Partitions = append(t.Partitions, p)
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp, refused
}

// The topic takes less than a batch, and less than some records.
func TestVirtual_F11_WhatIsTooLargeByItselfIsRejectedAndTheRestDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		large := 0
		s := judged(t, proof.Of(t, "F11"), setup{topics: onlyCalm(), before: func(b *bubble) {
			require.NoError(t, b.k.CreateTopic("events", 3,
				map[string]string{"max.message.bytes": "4000"}))
			b.topics["events"] = 3
		}}, func(b *bubble) {
			refused := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Observe: true,
				Count: -1, When: func(r kmsg.Request) bool {
					return largest(r.(*kmsg.ProduceRequest), "events") > 4000
				}})
			for i := range 2000 {
				size := 100 + i%300
				if i%97 == 0 {
					size, large = 5000, large+1
				}
				require.NoError(t, b.ledger.Send(b.p,
					producer.Record{Topic: "events", Value: make([]byte, size)}))
				b.send("calm", 1)
				if i%100 == 0 {
					time.Sleep(100 * time.Millisecond)
				}
			}
			b.flush()
			b.proof.Bit("requests with a batch that is too large", int64(refused.Hits()))
			b.requireCalm(100 * time.Millisecond)
		})
		require.EqualValues(t, large, s.Total.Rejected)
		require.Equal(t, s.Total.Accepted, s.Total.Delivered+s.Total.Rejected)
	})
}

func largest(r *kmsg.ProduceRequest, topic string) (n int) {
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			if t.Topic == topic {
				n = max(n, len(p.Records))
			}
		}
	}
	return n
}

func TestVirtual_F26_EndlessTopicNamesAreRefusedAtTheirBoundAndFreedWhenIdle(t *testing.T) {
	const most = 500
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F26")
		s := judged(t, c, setup{topics: onlyCalm(), change: func(c *producer.Config) {
			c.Buffer.MaxTopics = most
			c.Priorities.Medium.DeliveryTimeout = 10 * time.Second
		}}, func(b *bubble) {
			refused := int64(0)
			for i := range 20 * most {
				err := b.ledger.Send(b.p, producer.Record{Topic: fmt.Sprint("endless-", i)})
				if err != nil {
					require.ErrorIs(t, err, producer.ErrTooManyTopics)
					refused++
				}
			}
			c.Bit("records refused for too many topics", refused)
			require.EqualValues(t, 19*most, refused)
			require.EqualValues(t, refused, b.p.Stats().Refused[producer.ErrTooManyTopics])
			stats := b.p.Stats()
			require.LessOrEqual(t, stats.HeldBytes, int64(most*4096))
			c.Figure("held by 500 topics with a record each", "%d bytes", stats.HeldBytes)
			time.Sleep(20 * time.Minute)
			require.Empty(t, b.p.Stats().Topics, "tables of idle topics are freed")
			require.Zero(t, b.p.Stats().HeldBytes)
			b.stream(time.Second, 3, "calm")
			require.EqualValues(t, 30, b.p.Stats().Total.Delivered, "others have room again")
		})
		require.EqualValues(t, most, s.Total.Expired)
	})
}

// Names that cannot be topics are refused at once, and cost nothing.
func TestVirtual_F26_InvalidTopicNamesAreRefusedAtOnceAndKeepNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F26")
		judged(t, c, setup{topics: onlyCalm()}, func(b *bubble) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			names := []string{"", ".", "..", "a b", "ä", "a/b", "a\x00b", strings.Repeat("x", 250),
				"a:b", "topic\n"}
			refused := int64(0)
			for i := range 1000 {
				for _, name := range names {
					if name != "" && i > 0 {
						name += fmt.Sprint(" ", i)
					}
					err := b.p.Send(producer.Record{Topic: name})
					require.ErrorIs(t, err, producer.ErrInvalidRecord)
					se, ok := errors.AsType[*producer.SendError](err)
					require.True(t, ok)
					require.NotEmpty(t, se.Hint)
					refused++
				}
			}
			c.Bit("records refused for their topic", refused)
			require.EqualValues(t, refused, b.p.Stats().Refused[producer.ErrInvalidRecord])
			require.Empty(t, b.p.Stats().Topics)
			require.Zero(t, b.p.Stats().HeldBytes)
			runtime.GC()
			runtime.ReadMemStats(&after)
			require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(1<<20))
			b.stream(time.Second, 3, "calm")
		})
	})
}
