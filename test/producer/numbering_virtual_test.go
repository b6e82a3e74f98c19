//go:build synctests

package producer_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/hostile"
	"github.com/forebay-go/forebay/test/proof"
)

// A topic's table is freed after ten minutes without a record, by whichever dispatcher of the lane
// looks first. Each dispatcher looks once a minute, so the pauses are a little longer than that,
// each by another part of a minute.
func TestVirtual_F14_ATopicThatWasIdleIsWrittenAgain(t *testing.T) {
	for _, key := range []string{"", "k"} {
		for name, change := range map[string]func(*producer.Config){
			"with a fallback": nil,
			"with a fallback that calls it something else": func(cfg *producer.Config) {
				cfg.Priorities.Medium.Fallbacks[0].Rename = map[string]string{"events": "theirs"}
			},
			"alone": func(cfg *producer.Config) { cfg.Priorities.Medium.Fallbacks = nil },
		} {
			t.Run(fmt.Sprintf("%s, key %q", name, key), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := proof.Of(t, "F14")
					s := onField(t, c, []string{"main", "spare"}, change,
						func(f *field) {
							for i := range 60 {
								f.send(key)
								time.Sleep(10*time.Minute + time.Duration(i*37%90)*time.Second)
							}
						})
					require.EqualValues(t, 60, s.Total.Delivered)
					c.Bit("records after pauses that free a topic", int64(s.Total.Delivered))
					require.Zero(t, s.Total.MaybeDuplicated)
				})
			})
		}
	}
}

// Whatever has a timer runs out between two records: limits, tables, what names mean, what brokers
// know of producers.
func TestVirtual_F14_RecordsFarApartAreWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		s := onField(t, c, []string{"main", "spare"}, nil, func(f *field) {
			for _, pause := range []time.Duration{9 * time.Minute, 10 * time.Minute,
				11 * time.Minute, 61 * time.Minute, 13 * time.Hour, 3 * 24 * time.Hour} {
				for _, key := range []string{"", "k"} {
					f.send(key)
				}
				time.Sleep(pause)
			}
			f.send("k")
		})
		require.EqualValues(t, 13, s.Total.Delivered)
		c.Bit("records up to three days apart", int64(s.Total.Delivered))
		require.Zero(t, s.Total.MaybeDuplicated)
	})
}

// send sends a record with a key, or without one.
func (f *field) send(key string) {
	rec := producer.Record{Topic: "events", Value: make([]byte, 20)}
	if key != "" {
		rec.Key = []byte(key)
	}
	require.NoError(f.t, f.ledger.Send(f.p, rec))
}

// The dispatcher that settings have left without work sees the topics of its lane, too.
func TestVirtual_F14_ATopicThatWasIdleIsWrittenAgainAfterEachChangeOfRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		s := onField(t, c, []string{"main", "spare"}, nil, func(f *field) {
			for i := range 40 {
				f.send("k")
				time.Sleep(10*time.Minute + time.Duration(i*37%90)*time.Second)
				f.reconfigure(func(cfg *producer.Config) {
					medium := &cfg.Priorities.Medium
					if i%4 == 3 { // away for one record, and back
						medium.Cluster, medium.Fallbacks = "spare", []routing.Fallback{{Cluster: "main"}}
					} else {
						medium.Cluster, medium.Fallbacks = "main", []routing.Fallback{{Cluster: "spare", Prefix: []string{"", "p."}[i%2]}}
					}
				})
			}
		})
		require.EqualValues(t, 40, s.Total.Delivered)
		c.Bit("records between changes of the routes", int64(s.Total.Delivered))
	})
}

// What an answer says of a batch is not always true, and does not always say whether it was
// appended.
func TestVirtual_F8_ACodeThatLiesCostsADuplicateAtMost(t *testing.T) {
	for _, e := range everyCode() {
		t.Run(e.Message, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newEmbedded(t, 2, map[string]int32{"events": 3})
				defer k.Close()
				m := hostile.New(k.link.Dial, 1)
				got := make(map[uint64]producer.Report)
				p, err := producer.New(k.config(), producer.WithDialer(m.Dial),
					producer.WithDelivery(func(r producer.Report) { got[r.Tag] = r }))
				require.NoError(t, err)
				m.Turn(100, hostile.AppendedButAnswered(e.Code, 20))
				const records = 300
				for i := range records {
					rec := producer.Record{Topic: "events", Value: fmt.Append(nil, i),
						Tag: uint64(i)}
					if i%2 == 0 {
						rec.Key = fmt.Append(nil, i%10)
					}
					require.NoError(t, p.Send(rec))
					time.Sleep(100 * time.Millisecond)
				}
				m.Sane()
				closeWithin(t, p, time.Minute)
				m.Wait()
				synctest.Wait()
				require.Len(t, got, records)
				times := make(map[string]int)
				for _, r := range k.read(t, "events") {
					times[string(r.Value)]++
				}
				for tag, r := range got {
					n := times[fmt.Sprint(tag)]
					if r.Outcome == producer.Delivered {
						require.NotZero(t, n, "record %d was delivered and is not in the log", tag)
					}
					if unsure := e == kerr.NetworkException ||
						e == kerr.KafkaStorageError; unsure && !r.MaybeDuplicated {
						require.LessOrEqual(t, n, 1, "record %d", tag)
					}
				}
			})
		})
	}
}

// Brokers that do not take an epoch by which a partition begins anew take another producer ID, or
// no numbers at all.
func TestVirtual_F9_ARenewalThatIsRefusedEndsInAnotherProducerID(t *testing.T) {
	epoch := func(r kmsg.Request) uint16 {
		return binary.BigEndian.Uint16(r.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Records[51:])
	}
	for name, takes := range map[string]func(kmsg.Request) bool{
		"the first epoch alone": func(r kmsg.Request) bool {
			return epoch(r) == 0 || unnumbered(r)
		},
		"no numbers": unnumbered,
	} {
		for _, e := range []*kerr.Error{kerr.InvalidProducerEpoch, kerr.ProducerFenced,
			kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID} {
			t.Run(fmt.Sprint(name, ", ", e.Message), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					k := newEmbedded(t, 1, map[string]int32{"events": 1})
					defer k.Close()
					asked := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID},
						Observe: true, Count: -1})
					refused := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: e,
						Count: -1, When: func(r kmsg.Request) bool { return !takes(r) }})
					p, err := producer.New(k.config(), producer.WithDialer(k.link.Dial))
					require.NoError(t, err)
					defer closeWithin(t, p, 0)
					send := func() {
						require.NoError(t, p.Send(producer.Record{Topic: "events",
							Value: make([]byte, 20)}))
						time.Sleep(time.Minute)
					}
					send()
					// it begins anew
					k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce},
						Err: kerr.OutOfOrderSequenceNumber, Count: 1})
					for range 100 {
						send()
					}
					s := p.Stats()
					require.EqualValues(t, 101, s.Total.Delivered)
					require.Less(t, refused.Hits(), 20*(1+asked.Hits()),
						"of attempts, for each producer ID")
					require.Less(t, asked.Hits(), 250)
				})
			})
		}
	}
}

// A keyed batch that nothing fences, because batches have no numbers, may be appended behind what
// is newer.
func TestVirtual_F8_OrderAtRiskIsCountedWhereNothingFencesWhatIsLate(t *testing.T) {
	for name, want := range map[string]uint64{"all": 0, "leader": 1,
		"all, without a producer ID": 1} {
		// it expires before its answer is given up, or is sent again
		for _, timeout := range []time.Duration{4 * time.Second, time.Minute} {
			t.Run(fmt.Sprint(name, ", ", timeout), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					armed, release := new(atomic.Bool), make(chan struct{})
					k := newEmbedded(t, 1, map[string]int32{"events": 1})
					defer k.Close()
					change := func(c *producer.Config) {
						c.Batching.Acks, _, _ = strings.Cut(name, ",")
						c.Priorities.Medium.DeliveryTimeout = timeout
					}
					if name == "all, without a producer ID" {
						k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID},
							Err: kerr.ClusterAuthorizationFailed, Count: -1})
					}
					m := hostile.New(k.link.Dial, 1)
					m.Script(func(*kmsg.ProduceRequest) *hostile.Mutation {
						if armed.CompareAndSwap(true, false) {
							return hostile.Late(release)
						}
						return nil
					})
					p, err := producer.New(k.config(change), producer.WithDialer(m.Dial))
					require.NoError(t, err)
					defer closeWithin(t, p, 0)
					send := func(pause time.Duration) {
						require.NoError(t, p.Send(producer.Record{Topic: "events", Key: []byte("k"),
							Value: make([]byte, 20)}))
						time.Sleep(pause)
					}
					send(time.Second)
					armed.Store(true)
					send(20 * time.Second) // its request is with the broker's kernel
					send(time.Second)
					close(release)
					time.Sleep(2 * time.Second)
					require.Equal(t, want, p.Stats().OrderAtRisk)
				})
			})
		}
	}
}
