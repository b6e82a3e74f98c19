//go:build synctests

package producer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// Two or three clusters that come and go, and settings that change all the time; for the rest as
// TestVirtual_SurvivesRandomSchedules.
func TestVirtual_SurvivesRandomFallbacks(t *testing.T) {
	for _, shard := range []string{"a", "b"} {
		t.Run(shard, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) { rapid.SyncTest(rt, runFallbacks) })
		})
	}
}

// wander is one run on a field.
type wander struct {
	*rapid.T
	f      *field
	faults []*kfake.FaultHandle
	before producer.Stats
	holds  []*producer.Hold
	freed  int // of holds, from the first on
}

func runFallbacks(t *rapid.T) {
	names := []string{"main", "spare", "third"}[:rapid.IntRange(2, 3).Draw(t, "clusters")]
	w := &wander{T: t}
	w.f = newField(t, names, func(cfg *producer.Config) {
		cfg.Buffer.MaxBytes = 4 << 20
		cfg.Reports.MaxBytes = 16 << 20 // none is dropped
		cfg.Batching.Compression = rapid.SampledFrom([]string{"none", "lz4"}).Draw(t, "compression")
		w.change(names, cfg)
	})
	defer w.f.end()
	for _, name := range names {
		for _, there := range []string{"events", "more", "p.events", "p.more"} {
			w.f.make(name, there, there)
		}
	}
	w.f.begin()
	for range rapid.IntRange(1, 30).Draw(t, "steps") {
		w.step()
		if !longPause(t) {
			time.Sleep(time.Duration(rapid.SampledFrom([]int{0, 1, 20, 300, 3000, 8000,
				40000}).Draw(t, "milliseconds")) * time.Millisecond)
		}
		w.check()
	}
	w.end()
	w.f.judge()
}

// change draws settings that may be changed at any time.
func (w *wander) change(names []string, cfg *producer.Config) {
	cfg.Batching.MaxBytes = rapid.SampledFrom([]int{1 << 10, 16 << 10}).Draw(w.T, "batch bytes")
	cfg.Batching.Linger = rapid.SampledFrom([]time.Duration{producer.NoLinger,
		10 * time.Millisecond, time.Second}).Draw(w.T, "linger")
	first := rapid.SampledFrom([]string{"", "more", "events"}).Draw(w.T, "high topic")
	cfg.Topics = nil
	for _, topic := range []string{"events", "more"} {
		tc := drawTopic(w.T, topic)
		if topic == first {
			tc.Priority = routing.High
		}
		if tc != (producer.TopicConfig{Topic: topic}) {
			cfg.Topics = append(cfg.Topics, tc)
		}
	}
	for _, pc := range []*producer.PriorityConfig{&cfg.Priorities.Medium, &cfg.Priorities.High} {
		order := rapid.Permutation(names).Draw(w.T,
			"order")[:rapid.IntRange(1, len(names)).Draw(w.T, "length")]
		pc.Cluster, pc.Fallbacks = order[0], nil
		for _, name := range order[1:] {
			pc.Fallbacks = append(pc.Fallbacks, routing.Fallback{
				Cluster: name,
				Prefix:  rapid.SampledFrom([]string{"", "p."}).Draw(w.T, "prefix"),
				Topics: rapid.SampledFrom([][]string{nil, nil, {"events"}, {"m*"}}).Draw(w.T,
					"topics"),
			})
			if last := &pc.Fallbacks[len(pc.Fallbacks)-1]; last.Topics == nil &&
				rapid.Bool().Draw(w.T, "rename") {
				last.Rename = map[string]string{"more": "events"}
			}
		}
		pc.DeliveryTimeout = rapid.SampledFrom([]time.Duration{10 * time.Second, time.Minute,
			time.Hour}).Draw(w.T, "timeout")
		pc.MoveUnresolvedAfter = rapid.SampledFrom([]time.Duration{producer.Never,
			100 * time.Millisecond, 10 * time.Second}).Draw(w.T, "move")
		pc.FallbackAfter = rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second,
			5 * time.Second}).Draw(w.T, "fallback after")
		pc.ReturnAfter = rapid.SampledFrom([]time.Duration{time.Millisecond, time.Second,
			30 * time.Second}).Draw(w.T, "return after")
	}
}

// moves are what can happen, the more often they are named the more often.
var moves = []string{
	"send", "send", "send", "send", "send", "send", "cut", "cut", "hole", "restore", "restore",
	"restore", "reset", "cut after writes",
	"delay", "produce errors", "metadata errors",
	"identity errors", "reconfigure", "reconfigure", "renew", "remove", "back and forth", "hold",
	"release",
}

func (w *wander) step() {
	name := rapid.SampledFrom(w.f.names).Draw(w.T, "cluster")
	link := w.f.k[name].link
	switch step := rapid.SampledFrom(moves).Draw(w.T, "step"); step {
	case "send":
		w.send()
	case "hold":
		w.holds = append(w.holds, producer.NewHold(fmt.Sprintf("hold %d", len(w.holds))))
	case "release":
		if w.freed < len(w.holds) {
			w.holds[w.freed].Release(patchAt, patch)
			w.freed++
		}
	case "cut":
		link.Cut()
	case "hole":
		link.Hole()
	case "restore":
		link.Restore()
	case "reset":
		link.Reset()
	case "cut after writes":
		link.CutAfterWrites(rapid.Int64Range(0, 9).Draw(w.T, "cut after"))
	case "delay":
		link.Delay(time.Duration(rapid.IntRange(0, 1500).Draw(w.T, "delay")) * time.Millisecond)
	case "produce errors":
		w.fault(name, kmsg.Produce, produceCodes)
	case "metadata errors":
		w.fault(name, kmsg.Metadata, metadataCodes)
	case "identity errors":
		w.fault(name, kmsg.InitProducerID, identityCodes)
	case "reconfigure":
		w.f.reconfigure(func(cfg *producer.Config) { w.change(w.f.names, cfg) })
	case "renew":
		w.f.reconfigure(func(cfg *producer.Config) { renew(cfg, name) })
	case "remove":
		w.f.reconfigure(func(cfg *producer.Config) {
			all := w.f.names
			w.change(slices.DeleteFunc(slices.Clone(all), func(o string) bool { return o == name }),
				cfg)
			delete(cfg.Clusters, name)
			cfg.Priorities.Low.Cluster = cfg.Priorities.High.Cluster
		})
		// it comes again with the next change
		w.f.cfg.Clusters[name] = producer.ClusterConfig{Brokers: w.f.k[name].ListenAddrs()}
	case "back and forth":
		there, back := w.f.cfg, w.f.cfg
		w.change(w.f.names, &there)
		require.NoError(w, w.f.p.Reconfigure(there))
		w.send()
		require.NoError(w, w.f.p.Reconfigure(back))
	}
}

func (w *wander) fault(name string, key kmsg.Key, codes []*kerr.Error) {
	w.faults = append(w.faults, w.f.k[name].Fault(kfake.Fault{
		Keys: []kmsg.Key{key}, Err: rapid.SampledFrom(codes).Draw(w.T,
			"code"), Count: rapid.IntRange(1, 20).Draw(w.T, "times"),
	}))
}

func (w *wander) send() {
	n := rapid.IntRange(1, 200).Draw(w.T, "records")
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(w.T, "seed"), 0))
	for range n {
		topic := []string{"events", "more"}[random.IntN(2)]
		rec := producer.Record{
			Topic: topic, Priority: []routing.Priority{routing.Unset, routing.Medium,
				routing.High}[random.IntN(3)],
			Value: make([]byte, []int{0, 20,
				500}[random.IntN(3)]),
			Headers: []producer.Header{{Key: "topic", Value: []byte(topic)}},
		}
		if random.IntN(2) == 0 {
			// a lane has an order
			rec.Priority = map[string]routing.Priority{"events": routing.Medium,
				"more": routing.High}[topic]
			rec.Key = fmt.Append(nil, random.IntN(6))
		}
		if random.IntN(3) == 0 {
			rec = withTTL(rec, ttls[random.IntN(len(ttls))])
		}
		// a full buffer is one of the cases
		if len(w.holds) == 0 || random.IntN(3) > 0 {
			_ = w.f.ledger.Send(w.f.p, rec)
			continue
		}
		h := w.holds[random.IntN(len(w.holds))]
		if rec.Key != nil { // others may pass them
			rec.Key = append([]byte(h.Name()), rec.Key...)
		}
		_ = sendOnHold(w.f.ledger, w.f.p, h, rec)
	}
}

// check checks what holds at every instant.
func (w *wander) check() {
	stats := w.f.p.Stats()
	require.True(w, stats.Total.Balanced(), "%+v", stats.Total)
	require.LessOrEqual(w, stats.HeldBytes, stats.MaxBytes+128<<10,
		"what is dealt out anew takes a little more")
	sum := producer.Books{}
	for name, c := range stats.Clusters {
		require.True(w, c.Balanced(), "%s: %+v", name, c.Books)
		require.LessOrEqual(w, c.Delivered, stats.Total.Delivered, name)
		sum.Add(&c.Books)
	}
	require.Equal(w, stats.Total, sum)
	require.GreaterOrEqual(w, stats.Total.Delivered, w.before.Total.Delivered)
	require.GreaterOrEqual(w, stats.Requests, w.before.Requests)
	require.GreaterOrEqual(w, stats.OrderAtRisk, w.before.OrderAtRisk)
	w.before = stats
}

// end closes the producer: at once, whatever the trouble, or when all has its outcome.
func (w *wander) end() {
	if rapid.IntRange(0, 3).Draw(w.T, "close at once") == 0 {
		d := time.Duration(rapid.IntRange(0, 3000).Draw(w.T, "close within")) * time.Millisecond
		begin := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), d)
		defer cancel()
		summary, err := w.f.p.Close(ctx)
		require.LessOrEqual(w, time.Since(begin), d)
		require.Equal(w, summary.Left > 0, errors.Is(err, producer.ErrLeft))
		synctest.Wait() // for the reports
		w.f.mu.Lock()
		defer w.f.mu.Unlock()
		require.Equal(w, w.f.lost[producer.ReasonClosed]+w.f.lost[producer.ReasonUnansweredClose]+
			w.f.leftOnHold, summary.Left)
	} else {
		for _, k := range w.f.k {
			k.link.CutAfterWrites(0)
			k.link.Restore()
		}
		w.f.flush()
		require.Zero(w, closeWithin(w, w.f.p, time.Minute).Left)
	}
	for _, fault := range w.faults {
		fault.Remove()
	}
}
