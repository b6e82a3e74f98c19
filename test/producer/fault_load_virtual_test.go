//go:build synctests

package producer_test

import (
	"context"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/ledger"
	"github.com/forebay-go/forebay/test/proof"
)

// Ten times more is sent than the link takes: Send refuses at once, memory stays bounded, and what
// was accepted is delivered, but for what the topic that floods gave up for the one that does not,
// of which nothing is refused.
func TestVirtual_F15_AFloodIsRefusedAtOnceInBoundedMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F15"), setup{topics: inTroubleAndCalm(),
			change: func(c *producer.Config) {
				c.Buffer.MaxBytes = 1 << 20
				c.Batching.MaxBytes = 16 << 10
				c.Batching.MaxRecordBytes = 16 << 10
			}}, func(b *bubble) {
			b.k.link.Delay(200 * time.Millisecond)
			b.send("calm", 1)
			b.flush()
			b.rest()
			clear(b.longest) // seven or eight ways there and back, until the cluster is known
			refused, taken := int64(0), int64(0)
			for range 1000 { // 2 MB/s for ten seconds, and a trickle beside it
				for range 20 {
					if b.ledger.Send(b.p, producer.Record{Topic: "events",
						Value: make([]byte, 10_000)}) != nil {
						refused++
					} else {
						taken++
					}
				}
				require.NoError(t, b.ledger.Send(b.p,
					producer.Record{Topic: "calm", Value: make([]byte, 100)}))
				stats := b.p.Stats()
				require.LessOrEqual(t, stats.HeldBytes, stats.MaxBytes)
				require.True(t, stats.Total.Balanced())
				time.Sleep(10 * time.Millisecond)
			}
			b.proof.Bit("records refused", refused)
			b.proof.Figure("sent, of what was accepted", "%.1f times",
				float64(refused+taken)/float64(taken))
			require.Greater(t, refused, taken, "it is a flood")
			b.flush()
			// what is older goes first: a buffer that is full, a quarter of it every 400 ms
			b.requireCalm(4 * time.Second)
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered+s.Total.Lost(producer.ReasonOverShare))
		require.Less(t, s.Total.Shed, s.Total.Accepted/50)
	})
}

// One of three brokers takes two seconds for what the others do in two milliseconds: at most what
// is in flight to it waits.
func TestVirtual_F15_ASlowBrokerCostsAtMostWhatIsInFlightToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := 0
		s := judged(t, proof.Of(t, "F15"), setup{brokers: 3, topics: map[string]int32{"events": 3}},
			func(b *bubble) {
				for p := range int32(3) {
					require.NoError(t, b.k.MoveTopicPartition("events", p, p))
				}
				slow, quick := faultnet.New(b.k.network.DialContext), faultnet.New(b.k.network.DialContext)
				slow.Delay(2 * time.Second)
				quick.Delay(2 * time.Millisecond)
				detour(func(ctx context.Context, network, addr string) (net.Conn, error) {
					if strings.HasSuffix(addr, ":19094") {
						return slow.Dial(ctx, network, addr)
					}
					return quick.Dial(ctx, network, addr)
				})(b)
				b.also = func(r producer.Report) {
					if r.Waited > time.Second {
						late++
					}
				}
				const n = 30_000
				unkeyed := func(n int) {
					for range n {
						require.NoError(t, b.ledger.Send(b.p,
							producer.Record{Topic: "events", Value: make([]byte, 50)}))
						time.Sleep(time.Millisecond)
					}
					b.flush()
				}
				unkeyed(5000) // until all is connected
				late = 0
				unkeyed(n)
				b.proof.Bit("connections to the slow broker", slow.Dials())
				b.proof.Figure("un-keyed records that waited for it", "%.2f %%",
					100*float64(late)/n)
				require.Less(t, late, n/50, "2 %")
			})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

// A thousand producers start while there is no broker, which comes after a minute and a half.
func TestVirtual_F23_AThousandProducersThatStartInAnOutageDialWithinBoundsAndDeliverAll(t *testing.T) {
	const records, outage = 10, shortRange + 5*time.Second
	producers := 1000
	if raceEnabled {
		producers = 100
	}
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F23")
		topics := map[string]int32{"events": 12}
		k := newEmbedded(t, 1, topics)
		defer k.Close()
		k.link.Cut()
		l, before := ledger.New(), heap()
		all := make([]*producer.Producer, producers)
		for i := range all {
			p, err := producer.New(k.config(func(c *producer.Config) { c.Buffer.MaxBytes = 4 << 20 }), producer.WithDialer(k.link.Dial), producer.WithDelivery(l.Report))
			require.NoError(t, err)
			defer closeWithin(t, p, 0)
			all[i] = p
			for range records {
				require.NoError(t, l.Send(p, producer.Record{Topic: "events",
					Value: make([]byte, 50)}))
			}
		}
		c.Held("I2", uint64(producers))
		time.Sleep(shortRange)
		short := k.link.Dials()
		require.LessOrEqual(t, short, int64(shortRange/time.Second)*13*int64(producers))
		time.Sleep(outage - shortRange)
		long := k.link.Dials() - short
		require.LessOrEqual(t, float64(long), 2*5*float64(producers), "two a second and producer")
		c.Held("I16", uint64(2*producers))
		c.Bit("connection attempts in the outage", short+long)
		c.Figure("attempts a second and producer", "%.1f in the first 90 s, then %.1f",
			float64(short)/shortRange.Seconds()/float64(producers), float64(long)/5/float64(producers))
		held := heap() - before
		c.Figure("heap a producer", "%d KiB", held/int64(producers)>>10)
		require.Less(t, held/int64(producers), int64(1<<20))
		k.link.Restore()
		restored := time.Now()
		var total producer.Books
		for _, p := range all {
			require.NoError(t, p.Flush(t.Context()))
		}
		c.Figure("all delivered after", "%v", time.Since(restored))
		require.LessOrEqual(t, time.Since(restored), soon+probeMax)
		c.Held("I10", uint64(producers))
		for _, p := range all {
			closeWithin(t, p, time.Minute)
			s := p.Stats().Total
			total.Add(&s)
		}
		l.Read(k.read(t, "events")...)
		require.Empty(t, l.Check(total))
		l.Prove(c)
		require.EqualValues(t, producers*records, total.Delivered)
		require.Zero(t, total.MaybeDuplicated)
		runtime.KeepAlive(all)
	})
}
