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

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// ttlHeader carries the TTL of a record, as it was sent with.
const ttlHeader = "ttl"

// withTTL returns rec with a TTL, which a header carries too.
func withTTL(rec producer.Record, ttl time.Duration) producer.Record {
	rec.TTL = ttl
	rec.Headers = append(rec.Headers, producer.Header{Key: ttlHeader,
		Value: fmt.Append(nil, int64(ttl))})
	return rec
}

// requireInTTL checks that a record with a TTL had its outcome in time, and was not given up too
// early. It reports whether r is about such a record.
func requireInTTL(t require.TestingT, r producer.Report) bool {
	if r.Record == nil || r.Reason != producer.ReasonDeliveryTimeout &&
		r.Reason != producer.ReasonUnanswered {
		return false
	}
	for _, h := range r.Record.Headers {
		if h.Key != ttlHeader {
			continue
		}
		var ttl time.Duration
		_, err := fmt.Sscan(string(h.Value), (*int64)(&ttl))
		require.NoError(t, err)
		require.LessOrEqual(t, r.Waited, ttl+time.Millisecond, "the dispatcher looks no more often")
		if r.Outcome == producer.Expired {
			require.GreaterOrEqual(t, r.Waited, ttl-ttl/16)
		}
		require.InDelta(t, int64(ttl), int64(r.Record.TTL), float64(ttl)/32)
		return true
	}
	return false
}

// kinds returns a record of each kind: without a key, with one, and to a partition.
func kinds(key int) []producer.Record {
	return []producer.Record{
		{Topic: "events"},
		{Topic: "events", Key: fmt.Append(nil, key)},
		{Topic: "events", Partition: producer.ToPartition(0)},
	}
}

func TestVirtual_TTL_ExpiresNeverLateAndAtMostASixteenthEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := 0
		c := proof.Of(t, "F1")
		s := judged(t, c, setup{change: func(cfg *producer.Config) {
			cfg.Priorities.Medium.DeliveryTimeout = 16 * time.Second
		}}, func(b *bubble) {
			b.also = func(r producer.Report) {
				if requireInTTL(t, r) {
					seen++
				} else {
					require.LessOrEqual(t, r.Waited, 16*time.Second)
				}
			}
			b.k.link.Cut()
			for i := range 1500 {
				for j, rec := range kinds(i % 5) {
					require.NoError(t, b.ledger.Send(b.p, withTTL(rec, ttls[(i+j)%len(ttls)])))
				}
				b.send("events", 1)
				time.Sleep(7 * time.Millisecond)
			}
		})
		require.Equal(t, 4500, seen)
		c.Bit("records whose time was over", int64(seen))
		require.Equal(t, s.Total.Accepted, s.Total.Expired)
	})
}

// The only record that waits expires on time, whenever the dispatcher would have looked again.
func TestVirtual_TTL_AShortOneExpiresOnTimeInALongOutage(t *testing.T) {
	for _, linger := range []time.Duration{producer.NoLinger, 5 * time.Millisecond, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			judged(t, proof.Of(t, "F1"), setup{change: func(c *producer.Config) {
				c.Batching.Linger, c.Batching.MaxLinger = linger, time.Second
			}}, func(b *bubble) {
				b.send("events", 10)
				b.flush()
				b.k.link.Cut()
				b.also = func(r producer.Report) { requireInTTL(t, r) }
				for i, rec := range kinds(1) {
					b.send("events", 3*i) // they wait all the time
					time.Sleep(time.Minute)
					for _, ttl := range []time.Duration{50 * time.Millisecond, 2 * time.Second} {
						before := b.p.Stats().Total.Expired
						require.NoError(t, b.ledger.Send(b.p, withTTL(rec, ttl)))
						time.Sleep(ttl)
						b.rest()
						require.Equal(t, before+1, b.p.Stats().Total.Expired, "%v", ttl)
					}
				}
				b.proof.Bit("records that expired", int64(b.p.Stats().Total.Expired))
				b.k.link.Restore()
			})
		})
	}
}

// What was written and not answered is possibly persisted when its TTL is over; what waits behind
// it with more time is delivered.
func TestVirtual_TTL_EndsForWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F5", "F8"), setup{topics: onePartition}, func(b *bubble) {
			b.also = func(r producer.Report) { requireInTTL(t, r) }
			send := func(n int, ttl time.Duration) {
				for range n {
					require.NoError(t, b.ledger.Send(b.p, withTTL(producer.Record{Topic: "events",
						Key: []byte("key")}, ttl)))
				}
			}
			b.loseAnswer(func() { send(3, 2*time.Second) })
			send(4, time.Second)
			send(5, time.Hour)
			time.Sleep(1900 * time.Millisecond)
			require.EqualValues(t, 4, b.p.Stats().Total.Expired)
			require.Zero(t, b.p.Stats().Total.PossiblyPersisted, "it has time left")
			time.Sleep(100 * time.Millisecond)
			require.EqualValues(t, 3, b.p.Stats().Total.PossiblyPersisted)
			time.Sleep(20 * time.Minute) // longer than the delivery timeout
			require.EqualValues(t, 5, b.p.Stats().Total.Pending)
			b.k.link.Restore()
		})
		require.EqualValues(t, 3, s.Total.PossiblyPersisted)
		require.EqualValues(t, 4, s.Total.Expired)
		require.Equal(t, s.Total.Accepted-7, s.Total.Delivered)
	})
}

// A broker that takes a request and never answers holds up nobody whose TTL is over.
func TestVirtual_TTL_EndsWhereTheBrokerDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F5"), setup{topics: onePartition}, func(b *bubble) {
			b.also = func(r producer.Report) { requireInTTL(t, r) }
			b.send("events", 2)
			b.flush()
			b.k.link.Hole()
			require.NoError(t, b.ledger.Send(b.p,
				withTTL(producer.Record{Topic: "events"}, 200*time.Millisecond)))
			time.Sleep(200 * time.Millisecond)
			require.Zero(t, b.p.Stats().Total.Pending)
			b.proof.Bit("records that were not answered",
				int64(b.p.Stats().Total.PossiblyPersisted))
			b.k.link.Restore()
		})
		require.EqualValues(t, 1, s.Total.PossiblyPersisted)
	})
}

// The order of each key is the ledger's to check.
func TestVirtual_TTL_KeysKeepTheirOrderWhateverTheTTLs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F1", "F3"), setup{change: func(c *producer.Config) {
			c.Batching.MaxBytes = 1 << 10
		}}, func(b *bubble) {
			b.also = func(r producer.Report) { requireInTTL(t, r) }
			ttls := []time.Duration{0, time.Minute, 0, time.Second, time.Hour}
			for i := range 600 {
				switch i {
				case 100, 300, 500:
					b.k.link.Cut()
				case 150, 350, 550:
					b.k.link.Restore()
				case 200, 400:
					b.k.ShufflePartitionLeaders()
				}
				for j, rec := range kinds(i % 4) {
					require.NoError(t, b.ledger.Send(b.p, withTTL(rec, ttls[(i/2+j)%len(ttls)])))
				}
				time.Sleep(100 * time.Millisecond)
			}
			b.proof.Bit("records that expired", int64(b.p.Stats().Total.Expired))
		})
		require.NotZero(t, s.Total.Expired)
		require.Equal(t, s.Total.Accepted, s.Total.Expired+s.Total.Delivered)
	})
}

// Three TTLs that alternate need about as many requests as one.
func TestVirtual_TTL_InterleavedOnesShareBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ttls := []time.Duration{0, 10 * time.Second, time.Minute}
		for topics, bound := range map[*map[string]int32]int64{nil: 120, &onePartition: 200} {
			s := setup{}
			if topics != nil {
				s.topics = *topics
			}
			judged(t, proof.Of(t, "F15"), s, func(b *bubble) {
				requests := b.observe(kmsg.Produce)
				for i := range 10_000 {
					require.NoError(t, b.ledger.Send(b.p,
						withTTL(producer.Record{Topic: "events"}, ttls[i%3])))
					time.Sleep(100 * time.Microsecond)
				}
				b.proof.Bit("records with TTLs in turn", int64(b.p.Stats().Total.Accepted))
				b.flush()
				require.LessOrEqual(t, int64(requests.Hits()), bound, "a second of lingers")
			})
		}
	})
}

func TestVirtual_TTL_NoRecordLingersForMoreThanASixteenth(t *testing.T) {
	for _, rec := range kinds(1) {
		synctest.Test(t, func(t *testing.T) {
			judged(t, proof.Of(t, "F15"), setup{change: func(c *producer.Config) {
				c.Batching.Linger = 10 * time.Second
			}}, func(b *bubble) {
				b.send("events", 1) // so that the dispatcher knows the topic
				b.flush()
				clear(b.longest)
				for range 5 {
					require.NoError(t, b.ledger.Send(b.p, withTTL(rec, time.Second)))
					time.Sleep(time.Second)
				}
				b.proof.Bit("records with a TTL below the linger", int64(b.p.Stats().Total.Accepted-1))
				require.Zero(t, b.p.Stats().Total.Pending)
				require.LessOrEqual(t, b.longest["events"], time.Second/16)
			})
		})
	}
}

// Only what has no TTL follows the delivery timeout.
func TestVirtual_TTL_StaysWhenTheDeliveryTimeoutChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F1"), setup{}, func(b *bubble) {
			b.also = func(r producer.Report) { requireInTTL(t, r) }
			b.k.link.Cut()
			for range 2 {
				for i, rec := range kinds(1) {
					require.NoError(t, b.ledger.Send(b.p, withTTL(rec, time.Minute)))
					require.NoError(t, b.ledger.Send(b.p, withTTL(rec, time.Hour)))
					b.send("events", i+1)
				}
			}
			time.Sleep(10 * time.Second)
			cfg := b.p.Config()
			cfg.Priorities.Medium.DeliveryTimeout = 5 * time.Second
			require.NoError(t, b.p.Reconfigure(cfg))
			b.rest()
			require.EqualValues(t, 12, b.p.Stats().Total.Expired)
			require.EqualValues(t, 12, b.p.Stats().Total.Pending)
			time.Sleep(50 * time.Second)
			require.EqualValues(t, 18, b.p.Stats().Total.Expired)
			b.proof.Bit("records that expired", int64(b.p.Stats().Total.Expired))
			b.k.link.Restore()
		})
		require.EqualValues(t, 6, s.Total.Delivered)
	})
}

// A fallback gets the records with what is left of their TTLs.
func TestVirtual_TTL_GoesWithTheRecordToAFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F1")
		s := onField(t, c, []string{"main", "spare"}, func(cfg *producer.Config) {
			cfg.Priorities.Medium.FallbackAfter = 10 * time.Second
		}, func(f *field) {
			for _, k := range f.k {
				k.link.Cut()
			}
			for _, rec := range kinds(1)[:2] { // a partition has another number there
				for _, ttl := range []time.Duration{30 * time.Second, time.Hour} {
					require.NoError(t, f.ledger.Send(f.p, withTTL(rec, ttl)))
				}
			}
			time.Sleep(28 * time.Second)
			require.Zero(t, f.p.Stats().Total.Expired)
			time.Sleep(2 * time.Second)
			synctest.Wait()
			require.EqualValues(t, 2, f.p.Stats().Total.Expired)
			c.Bit("records that expired", int64(f.p.Stats().Total.Expired))
			time.Sleep(20 * time.Minute)
			f.k["spare"].link.Restore()
		})
		require.EqualValues(t, 2, s.Total.Delivered)
	})
}

// Records that expire before anybody would say what they wait for have it said all the same.
func TestVirtual_TTL_WhatShortOnesWaitForIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F10"), setup{}, func(b *bubble) {
			refused := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "events",
				Err: kerr.NotEnoughReplicas, Count: -1})
			send := func(d time.Duration) {
				for range d / (100 * time.Millisecond) {
					require.NoError(t, b.ledger.Send(b.p,
						withTTL(producer.Record{Topic: "events"}, 200*time.Millisecond)))
					time.Sleep(100 * time.Millisecond)
				}
			}
			send(4 * time.Second)
			require.Empty(t, b.told("records wait"), "it may pass by itself")
			send(6 * time.Second)
			require.Len(t, b.told("records wait"), 1)
			require.Equal(t, []producer.Cause{producer.CauseTooFewReplicas},
				causesOf(b.p.Stats()))
			refused.Remove()
			send(10 * time.Second)
			b.proof.Bit("requests that were refused", int64(refused.Hits()))
			require.Empty(t, b.p.Stats().Troubles)
		})
		require.GreaterOrEqual(t, s.Total.Expired+s.Total.PossiblyPersisted, uint64(95))
		require.Greater(t, s.Total.Delivered, uint64(90))
	})
}
