//go:build synctests

package producer_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/proof"
)

// everyPriority sends n records of each priority every 10 ms, for d. It returns how many that were.
func everyPriority(b *bubble, d time.Duration, n int) (sent int) {
	for range d / (10 * time.Millisecond) {
		for _, priority := range routing.All {
			for range n {
				require.NoError(b.t, b.ledger.Send(b.p, producer.Record{Topic: "events",
					Priority: priority, Value: make([]byte, 100)}))
				sent++
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return sent
}

// slow has the broker take d for each request with topic "slow", and counts those.
func (b *bubble) slow(d time.Duration) *atomic.Int64 {
	n := new(atomic.Int64)
	b.k.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.k.KeepControl()
		if r.(*kmsg.ProduceRequest).Topics[0].Topic == "slow" {
			n.Add(1)
			b.k.SleepControl(func() { time.Sleep(d) })
		}
		return nil, nil, false
	})
	return n
}

// keepTo has un-keyed records keep to n brokers.
func keepTo(c *producer.Config, n int) {
	cc := c.Clusters["events"]
	cc.MaxBrokers = n
	c.Clusters["events"] = cc
}

// Lanes that send a little share a connection to each broker.
func TestVirtual_Connections_LanesShareThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const brokers = 12
		judged(t, proof.Of(t, "F15"), setup{brokers: brokers,
			topics: map[string]int32{"events": 2 * brokers}}, func(b *bubble) {
			b.k.link.Delay(time.Millisecond / 2)
			everyPriority(b, 4*time.Minute, 1) // until the distance of every broker is known
			most := 0
			for range 24 {
				everyPriority(b, 5*time.Second, 1)
				b.rest()
				open := b.k.link.Open()
				most = max(most, open)
				require.Equal(t, open, b.p.Stats().Clusters["events"].Connections)
			}
			t.Logf("%d connections at most, %d dials", most, b.k.link.Dials())
			leaders := make(map[int32]bool) // some brokers may lead nothing
			for _, p := range b.k.PartitionInfos("events") {
				leaders[p.Leader] = true
			}
			require.GreaterOrEqual(t, most, len(leaders))
			require.LessOrEqual(t, most, brokers*13/10)
			require.EqualValues(t, b.k.link.Dials(), b.p.Stats().Clusters["events"].ConnectionsOpened)
			b.proof.Bit("records of three priorities", int64(b.p.Stats().Total.Accepted))

			time.Sleep(3 * time.Minute)
			require.LessOrEqual(t, b.k.link.Open(), 2, "idle connections end")
		})
	})
}

// A broker answers the requests of a connection one after the other. While low waits for an answer
// that takes long, high does not wait behind it.
func TestVirtual_Connections_HighDoesNotWaitBehindLow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F15")
		judged(t, c, setup{brokers: 1, topics: map[string]int32{"events": 1, "slow": 1}},
			func(b *bubble) {
				delivered := make(chan string, 100)
				b.also = func(r producer.Report) { delivered <- r.Topic }
				b.send("events", 1)
				b.send("slow", 1)
				b.flush()
				slow := b.slow(2 * time.Second)
				for range 10 {
					require.NoError(t, b.ledger.Send(b.p, producer.Record{Topic: "slow",
						Priority: routing.Low, Value: []byte("x")}))
					time.Sleep(20 * time.Millisecond)
					for len(delivered) > 0 {
						<-delivered
					}
					require.NoError(t, b.ledger.Send(b.p, producer.Record{Topic: "events",
						Priority: routing.High, Value: []byte("x")}))
					select {
					case topic := <-delivered:
						require.Equal(t, "events", topic)
					case <-time.After(200 * time.Millisecond):
						require.Fail(t, "high waits")
					}
					time.Sleep(3 * time.Second)
				}
				c.Bit("requests of low that took two seconds", slow.Load())
			})
	})
}

// Nor does low behind high: how soon a broker answers depends on the partitions of the request.
func TestVirtual_Connections_LowDoesNotWaitBehindHighThatIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		judged(t, proof.Of(t, "F15"), setup{brokers: 1,
			topics: map[string]int32{"events": 1, "slow": 1}}, func(b *bubble) {
			b.send("events", 1)
			b.send("slow", 1)
			b.flush()
			clear(b.longest)
			slow := b.slow(time.Second)
			for i := range 2000 {
				if i%200 == 0 {
					require.NoError(b.t, b.ledger.Send(b.p, producer.Record{Topic: "slow",
						Priority: routing.High, Value: []byte("x")}))
				}
				require.NoError(b.t, b.ledger.Send(b.p, producer.Record{Topic: "events",
					Priority: routing.Low, Value: []byte("x")}))
				time.Sleep(10 * time.Millisecond)
			}
			b.flush()
			require.Less(b.t, b.longest["events"], 200*time.Millisecond)
			require.GreaterOrEqual(b.t, b.longest["slow"], time.Second)
			b.proof.Bit("requests of high that took a second", slow.Load())
		})
	})
}

// trickle sends a record without a key every 10 ms, for d.
func trickle(b *bubble, topic string, d time.Duration) {
	for range d / (10 * time.Millisecond) {
		require.NoError(b.t, b.ledger.Send(b.p, producer.Record{Topic: topic, Value: []byte("x")}))
		time.Sleep(10 * time.Millisecond)
	}
}

// Of many brokers, a few get records without keys; others where the topic has none of those.
func TestVirtual_Connections_FewOfManyBrokers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const brokers, few = 20, 8
		topics := map[string]int32{"events": 2 * brokers, "small": 1}
		judged(t, proof.Of(t, "F15"), setup{brokers: brokers, topics: topics}, func(b *bubble) {
			b.k.link.Delay(time.Millisecond / 2)
			trickle(b, "events", 6*time.Minute) // until the distance of every broker is known
			require.LessOrEqual(t, b.k.link.Open(), few+2)
			require.GreaterOrEqual(t, b.k.link.Open(), few/2, "some brokers may lead nothing")

			trickle(b, "small", time.Minute)
			b.flush()
			require.Less(t, b.longest["small"], 100*time.Millisecond, "nobody waits for a subset")

			for range 200 { // every key has a leader, whoever that is
				b.send("events", 50)
				time.Sleep(50 * time.Millisecond)
			}
			b.flush()
			b.proof.Bit("records for twenty brokers", int64(b.p.Stats().Total.Accepted))
		})
	})
}

// Where a topic does not exist, no broker knows more than another.
func TestVirtual_Connections_ATopicThatDoesNotExistTakesNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newEmbedded(t, 20, map[string]int32{"events": 40})
		defer k.Close()
		p, err := producer.New(k.config(), producer.WithDialer(k.link.Dial))
		require.NoError(t, err)
		defer closeWithin(t, p, 0)
		time.Sleep(10 * time.Minute) // until the distance of every broker is known
		require.NoError(t, p.Send(producer.Record{Topic: "missing"}))
		time.Sleep(time.Minute)
		before := k.link.Dials()
		time.Sleep(5 * time.Minute)
		require.LessOrEqual(t, k.link.Dials()-before, int64(6), "one broker after the other")
		require.LessOrEqual(t, k.link.Open(), 2)
	})
}

// When a broker that un-keyed records keep to goes away, others take its place at once.
func TestVirtual_Connections_OtherBrokersTakeThePlaceOfOnesThatGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const brokers = 20
		judged(t, proof.Of(t, "F15"), setup{brokers: brokers,
			topics: map[string]int32{"events": 2 * brokers},
			change: func(c *producer.Config) { keepTo(c, 2) }}, func(b *bubble) {
			trickle(b, "events", time.Minute)
			refused, away := make(map[int32]bool), new(atomic.Int32)
			b.k.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
				b.k.KeepControl()
				node := b.k.CurrentNode()
				if len(refused) < 10 {
					refused[node] = true
					away.Store(int32(len(refused)))
				}
				if refused[node] { // it hangs up
					return nil, errors.New("away"), true
				}
				return nil, nil, false
			})
			b.flush()
			clear(b.longest)
			trickle(b, "events", time.Minute)
			b.flush()
			require.EqualValues(t, 10, away.Load())
			b.proof.Bit("brokers that went", int64(away.Load()))
			require.Less(t, b.longest["events"], 10*time.Second)
		})
	})
}

// A broker that un-keyed records keep to is busy: what waits goes to others.
func TestVirtual_Connections_OthersHelpABrokerThatIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		judged(t, proof.Of(t, "F15"), setup{brokers: 20, topics: map[string]int32{"events": 40},
			change: func(c *producer.Config) {
				c.Batching.MaxBytes = 100_000
				keepTo(c, 1)
			}}, func(b *bubble) {
			trickle(b, "events", 10*time.Second)
			b.k.link.Delay(100 * time.Millisecond)
			begin := time.Now()
			b.flood(20_000, 1000)
			b.flush()
			b.proof.Bit("records at once for one broker", int64(b.p.Stats().Total.Accepted))
			require.Less(t, time.Since(begin), 6*time.Second)
		})
	})
}

// A broker that throttles low does not read from the connection for that long (KIP-219), nor does
// kgo write to it.
func TestVirtual_Connections_HighDoesNotWaitWhileLowIsThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newEmbedded(t, 1, map[string]int32{"events": 1, "slow": 1})
		defer k.Close()
		k.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
			k.KeepControl()
			if req := r.(*kmsg.ProduceRequest); req.Topics[0].Topic == "slow" {
				return taken(req, 10*time.Second), nil, true
			}
			return nil, nil, false
		})
		p, err := producer.New(k.config(), producer.WithDialer(k.link.Dial))
		require.NoError(t, err)
		defer closeWithin(t, p, 0)
		require.NoError(t, p.Send(producer.Record{Topic: "slow", Priority: routing.Low}))
		time.Sleep(time.Second)
		require.NoError(t, p.Send(producer.Record{Topic: "events", Priority: routing.High}))
		time.Sleep(500 * time.Millisecond)
		require.EqualValues(t, 1, p.Stats().Priorities[routing.High].Delivered)
	})
}

// A broker that asks for a pause of days mutes the connection. That ends when it is idle.
func TestVirtual_Connections_LanesShareThemAgainAfterAThrottleOfDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newEmbedded(t, 1, map[string]int32{"events": 3})
		defer k.Close()
		throttled := false
		k.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
			k.KeepControl()
			if throttled {
				return nil, nil, false
			}
			throttled = true
			return taken(r.(*kmsg.ProduceRequest), 10*24*time.Hour), nil, true
		})
		p, err := producer.New(k.config(), producer.WithDialer(k.link.Dial))
		require.NoError(t, err)
		defer closeWithin(t, p, 0)
		for i := range 300 {
			for _, priority := range routing.All {
				require.NoError(t, p.Send(producer.Record{Topic: "events", Priority: priority}))
				time.Sleep(300 * time.Millisecond)
			}
			if i > 150 {
				require.LessOrEqual(t, k.link.Open(), 2, "of all lanes, and for metadata")
			}
		}
		require.True(t, throttled)
	})
}
