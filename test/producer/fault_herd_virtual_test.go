//go:build synctests

package producer_test

import (
	"context"
	"math"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// arrivals counts the connection attempts that each broker sees in each second.
type arrivals struct {
	mu     sync.Mutex // guards what follows
	begin  time.Time
	counts map[string]map[int]int // by address and second since begin
}

func (a *arrivals) restart() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begin, a.counts = time.Now(), make(map[string]map[int]int)
}

func (a *arrivals) note(addr string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.counts[addr] == nil {
		a.counts[addr] = make(map[int]int)
	}
	a.counts[addr][int(time.Since(a.begin)/time.Second)]++
}

// most returns the most attempts that a broker saw in a second, from the n-th second on, and all of
// them together.
func (a *arrivals) most(from int) (most, total int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, seconds := range a.counts {
		for second, n := range seconds {
			if second >= from {
				most, total = max(most, n), total+n
			}
		}
	}
	return most, total
}

// herd is many producers of one cluster that goes away and comes back.
type herd struct {
	t        *testing.T
	k        *embedded
	arrivals arrivals
	all      []*producer.Producer

	mu   sync.Mutex // guards what follows
	left map[int]int
	done []time.Time // when everything of a producer was delivered
}

func newHerd(t *testing.T, producers int) *herd {
	h := &herd{t: t, k: newEmbedded(t, herdBrokers, map[string]int32{"events": herdBrokers}),
		left: make(map[int]int)}
	t.Cleanup(h.k.Close)
	h.arrivals.restart()
	for i := range producers {
		p, err := producer.New(h.k.config(func(c *producer.Config) {
			c.Buffer.MaxBytes = 4 << 20
		}), producer.WithDialer(h.dial),
			producer.WithDelivery(func(producer.Report) { h.delivered(i) }))
		require.NoError(t, err)
		t.Cleanup(func() { closeWithin(t, p, 0) })
		h.all = append(h.all, p)
	}
	return h
}

func (h *herd) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	h.arrivals.note(addr)
	return h.k.link.Dial(ctx, network, addr)
}

// send has each producer send n records.
func (h *herd) send(n int) {
	for i, p := range h.all {
		h.mu.Lock()
		h.left[i] += n
		h.mu.Unlock()
		for range n {
			require.NoError(h.t, p.Send(producer.Record{Topic: "events", Value: make([]byte, 50)}))
		}
	}
}

func (h *herd) delivered(producer int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.left[producer]--; h.left[producer] == 0 {
		h.done = append(h.done, time.Now())
	}
}

// drained waits until every producer has delivered everything, and returns when the first and the
// last of them had, counted from now.
func (h *herd) drained() (first, last time.Duration) {
	begin := time.Now()
	h.mu.Lock()
	h.done = nil
	h.mu.Unlock()
	for _, p := range h.all {
		require.NoError(h.t, p.Flush(h.t.Context()))
	}
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	require.Len(h.t, h.done, len(h.all))
	return h.done[0].Sub(begin), h.done[len(h.done)-1].Sub(begin)
}

// goesAway cuts the cluster off for d, in which every producer sends records. It returns the most
// attempts that a broker sees in a second, in the first second and in those from the n-th on.
func (h *herd) goesAway(d time.Duration, from int) (first, most int) {
	h.arrivals.restart()
	h.k.link.Cut()
	h.send(10)
	time.Sleep(time.Second)
	first, _ = h.arrivals.most(0)
	time.Sleep(d - time.Second)
	most, _ = h.arrivals.most(from)
	return first, most
}

// Many producers know all brokers of a cluster, which go away and come back together. What a broker
// sees of the herd follows from the number of brokers and probe_max, and all producers deliver what
// waits at about the same time.
func TestVirtual_F23_AHerdMeetsAClusterThatReturns(t *testing.T) {
	const perBroker = 3.0 / herdBrokers * 20 // attempts in probe_max of a short outage
	for _, x := range []struct {
		name      string
		producers int
		outage    time.Duration
		probes    float64 // attempts of each producer on each broker, in probe_max, at the end
		within    time.Duration
	}{
		{"short", herdSize, 4 * time.Second, perBroker, soon},
		{"long", 20, shortRange + 10*time.Second, 4.0 / 3, soon + probeMax/herdBrokers},
	} {
		t.Run(x.name, func(t *testing.T) {
			if raceEnabled {
				x.producers = min(x.producers, 50)
			}
			synctest.Test(t, func(t *testing.T) {
				c := proof.Of(t, "F23")
				h := newHerd(t, x.producers)
				each := func(attempts int) float64 { return float64(attempts) / float64(x.producers) }
				h.send(1)
				h.drained()
				time.Sleep(30 * time.Second)

				begin, rate := h.goesAway(x.outage, int((x.outage-time.Second)/time.Second)-1)
				allowed := x.probes / probeMax.Seconds()
				c.Bit("attempts on one broker in a second of the outage", int64(rate))
				c.Figure("attempts a second of each producer on each broker", "%.2f", each(rate))
				require.Less(t, each(rate), allowed*1.2+3/math.Sqrt(float64(x.producers)))
				require.Less(t, each(begin), perBroker/probeMax.Seconds()+2.5,
					"and at once, for records and because that failed")
				c.Held("I16", uint64(x.producers))

				h.arrivals.restart()
				h.k.link.Restore()
				first, last := h.drained()
				c.Figure("drained", "from %v to %v", first, last)
				require.LessOrEqual(t, last, x.within)
				c.Held("I10", uint64(x.producers))
				time.Sleep(2 * time.Second)
				most, total := h.arrivals.most(0)
				c.Figure("connections of each producer to each broker, at the return", "%.2f",
					each(total)/herdBrokers)
				require.Less(t, each(most), 2.5, "for metadata, for records, or a seed")
				t.Logf("%.2f then %.2f in the outage, %.2f at the return (%.2f), %v to %v",
					each(begin), each(rate), each(most), each(total)/herdBrokers, first, last)
			})
		})
	}
}
