//go:build unix

package producer_test

import (
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/proof"
)

// In these tests each priority has a cluster of its own, and a topic of its name: high three
// brokers, the others one each. They do not run beside others, for they measure.

// threeClusters starts them, and returns a config that sends each priority to its own.
func threeClusters(t *testing.T) (map[routing.Priority]*kafkatest.Cluster, producer.Config) {
	clusters := map[routing.Priority]*kafkatest.Cluster{
		routing.High:   kafkatest.Start(t, kafkatest.Brokers(3)),
		routing.Medium: kafkatest.Start(t, kafkatest.Steady()), // only high's brokers are ended
		// of a second each, one of them not over
		routing.Low: kafkatest.Start(t, kafkatest.Steady(),
			kafkatest.Property("quota.window.num", "3")),
	}
	cfg := producer.Config{Clusters: make(map[string]producer.ClusterConfig)}
	for p, c := range clusters {
		cfg.Clusters[p.String()] = producer.ClusterConfig{Brokers: c.Seeds()}
		cfg.Topics = append(cfg.Topics, producer.TopicConfig{Topic: p.String(), Priority: p})
	}
	clusters[routing.High].CreateTopic(t, "high", 6, durable()...)
	clusters[routing.Medium].CreateTopic(t, "medium", 2)
	clusters[routing.Low].CreateTopic(t, "low", 2)
	return clusters, cfg
}

// pace calls send so many times a second until the function that it returns is called. What a busy
// machine delays is made up for.
func pace(t *testing.T, perSecond float64, send func(i int)) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		begin := time.Now()
		for i := 0; ; {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			for due := int(time.Since(begin).Seconds() * perSecond); i < due; i++ {
				send(i)
			}
		}
	}()
	stop = sync.OnceFunc(func() {
		close(quit)
		<-done
	})
	t.Cleanup(stop)
	return stop
}

// times are how long something took, each time.
type times []time.Duration

// quantile returns the shortest time that a share of q of all does not exceed.
func (d times) quantile(q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(d))
	return sorted[min(len(sorted)-1, max(0, int(math.Ceil(q*float64(len(sorted))))-1))]
}

// stopwatch notes how long Send and the delivery of records of high take, in rounds.
type stopwatch struct {
	mu              sync.Mutex // guards what follows
	on              bool
	sent, delivered times // of the round
}

// round notes what is sent and delivered while fn runs.
func (w *stopwatch) round(fn func()) (sent, delivered times) {
	w.mu.Lock()
	w.on, w.sent, w.delivered = true, nil, nil
	w.mu.Unlock()
	fn()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.on = false
	return w.sent, w.delivered
}

func (w *stopwatch) report(r producer.Report) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.on && r.Priority == routing.High {
		w.delivered = append(w.delivered, r.Waited)
	}
}

// measure returns send with a clock.
func (w *stopwatch) measure(send func(producer.Record) error) func(producer.Record) error {
	return func(rec producer.Record) error {
		begin := time.Now()
		err := send(rec)
		took := time.Since(begin)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.on {
			w.sent = append(w.sent, took)
		}
		return err
	}
}

// capacity returns how many records of so many bytes a second a cluster takes from a producer
// alone, up to most.
func capacity(t *testing.T, c *kafkatest.Cluster, most float64, size int) float64 {
	c.CreateTopic(t, "capacity", 6, durable()...)
	p, err := producer.New(to(c))
	require.NoError(t, err)
	defer p.Close(t.Context())
	stop := pace(t, most, func(int) {
		_ = p.Send(producer.Record{Topic: "capacity", Value: make([]byte, size)})
	})
	defer stop()
	time.Sleep(2 * time.Second) // until it is warm
	before, begin := p.Stats().Total.Delivered, time.Now()
	time.Sleep(3 * time.Second)
	return min(most, float64(p.Stats().Total.Delivered-before)/time.Since(begin).Seconds())
}

// limit has the brokers of a cluster take so many bytes a second from a producer, or any number if
// it is 0.
func limit(t *testing.T, c *kafkatest.Cluster, bytesPerSecond float64) {
	id := "forebay"
	op := kadm.AlterClientQuotaOp{Key: "producer_byte_rate", Value: bytesPerSecond,
		Remove: bytesPerSecond == 0}
	altered, err := c.Admin(t).AlterClientQuotas(t.Context(), []kadm.AlterClientQuotaEntry{
		{Entity: kadm.ClientQuotaEntity{{Type: "client-id", Name: &id}},
			Ops: []kadm.AlterClientQuotaOp{op}},
	})
	require.NoError(t, err)
	require.NoError(t, altered[0].Err, altered[0].ErrMessage)
}

// readAs has the ledger read the log of a topic in a cluster, in which partitions stand so much
// above, and returns how many records there are.
func (tr *trial) readAs(t *testing.T, c *kafkatest.Cluster, topic string,
	above int32) (records uint64) {
	t.Helper()
	c.ReadEach(t, topic, func(r *kgo.Record) {
		moved := *r // it is the reader's, too
		moved.Partition += above
		tr.ledger.Read(&moved)
		tr.ledger.Ordered([]*kgo.Record{&moved})
		records++
	})
	return records
}

// Low sends ten times what its cluster takes, high four fifths of what its own takes alone, and
// once high needs memory that low holds.
func TestKafka_F15_HighLosesNothingAndIsNotDelayedWhileLowFloods(t *testing.T) {
	if raceEnabled {
		t.Skip("it is measured without the race detector: make soak")
	}
	const (
		size, span, rounds = 1 << 10, 2 * time.Second, 3
		most               = 30_000.0 // records a second that high's cluster is asked to take
		lowTakes           = 2e6      // bytes a second
	)
	proven := proof.Of(t, "F15")
	clusters, cfg := threeClusters(t)
	taken := capacity(t, clusters[routing.High], most, size)
	proven.Figure("the cluster of high takes alone",
		"%.0f records of 1 KiB a second, if no more than %.0f are sent", taken, most)

	cfg.Buffer.MaxBytes = 64 << 20
	cfg.Priorities.High.GuaranteedShare = 1.0 / 4
	cfg.Reports.MaxBytes = cfg.Buffer.MaxBytes
	tr, watch := try(t, cfg), new(stopwatch)
	tr.alsoReport(watch.report)
	high, medium := keyed("high", 100), keyed("medium", 100)
	send := watch.measure(tr.Send)
	stopHigh := pace(t, 0.8*taken, func(i int) {
		rec := high(i)
		if rec.Value = make([]byte, size); i%3 > 0 {
			rec.Key = nil
		}
		assert.NoError(t, tr.ledger.SendBy(send, rec))
	})
	stopMedium := pace(t, 500, func(i int) {
		assert.NoError(t, tr.ledger.Send(tr.Producer, medium(i)))
	})
	flood := func() (stop func()) {
		limit(t, clusters[routing.Low], lowTakes)
		return pace(t, 10*lowTakes/size, func(int) {
			err := tr.ledger.Send(tr.Producer,
				producer.Record{Topic: "low", Value: make([]byte, size)})
			if err != nil {
				assert.ErrorIs(t, err, producer.ErrBufferFull)
			}
		})
	}
	// ebb ends the flood, and waits until nothing is left of it.
	ebb := func(stop func()) {
		stop()
		limit(t, clusters[routing.Low], 0)
		tr.await(t, "low does not drain",
			func(s *producer.Stats) bool { return s.Priorities[routing.Low].Pending == 0 })
	}
	spilt := func(s *producer.Stats) uint64 {
		return s.Priorities[routing.Low].Refused + s.Priorities[routing.Low].Shed
	}
	awaitFull := func() {
		s := tr.Stats()
		before := spilt(&s)
		tr.await(t, "the memory is never full",
			func(s *producer.Stats) bool { return spilt(s) > before })
	}
	tr.awaitDelivered(t, uint64(4*0.8*taken)) // four seconds, for young brokers are slow

	var calm, flooded []roundTimes
	for range rounds {
		calm = append(calm, watch.over(span))
		stop := flood()
		awaitFull()
		flooded = append(flooded, watch.over(span))
		ebb(stop)
	}

	stop := flood()
	awaitFull()
	slow := clusters[routing.High].Leader(t, "high", 0)
	slow.Pause(t)
	guaranteed := int64(float64(cfg.Buffer.MaxBytes) * cfg.Priorities.High.GuaranteedShare)
	tr.await(t, "high never needs more than its guarantee", func(s *producer.Stats) bool {
		return s.Held[routing.High] > guaranteed && s.Total.Lost(producer.ReasonPreemptedByHigh) > 0
	})
	slow.Resume(t)
	slow.Await(t)
	tr.awaitDelivered(t, 5000)
	ebb(stop)
	stopHigh()
	stopMedium()
	tr.close(t)
	for p, c := range clusters {
		tr.readAs(t, c, p.String(), 0)
	}
	tr.judge(t)

	s := tr.Stats()
	for _, p := range []routing.Priority{routing.High, routing.Medium} {
		b := s.Priorities[p]
		require.Equal(t, b.Accepted, b.Delivered, "%v", p)
		require.Zero(t, b.Refused, "%v", p)
	}
	low := s.Priorities[routing.Low]
	require.Equal(t, low.Shed,
		low.Lost(producer.ReasonPreemptedByHigh)+low.Lost(producer.ReasonPreemptedByMedium), "low sheds for want of room only")
	proven.Figure("low", "%d of %d accepted records shed, %d refused", low.Shed, low.Accepted,
		low.Refused)
	proven.Bit("records of low preempted by high", int64(low.Lost(producer.ReasonPreemptedByHigh)))
	proven.Bit("times that the quota of low's cluster slowed it down", int64(s.Throttled))
	tr.ledger.Prove(proven)
	proven.Held("I12", s.Priorities[routing.High].Delivered)
	compare(proven, calm, flooded)
	logFigures(t, proven)
	// The machine may be so busy that the same takes five times as long in the next round. What
	// waits for low takes seconds.
	require.Less(t, median(flooded, sendP99), 3*median(calm, sendP99)/2+time.Millisecond)
	require.Less(t, median(flooded, deliveryP99), 3*median(calm, deliveryP99)/2+time.Second)
}

// roundTimes are what a round has measured.
type roundTimes struct{ sendP99, p50, p99, most time.Duration }

func sendP99(r roundTimes) time.Duration     { return r.sendP99 }
func deliveryP50(r roundTimes) time.Duration { return r.p50 }
func deliveryP99(r roundTimes) time.Duration { return r.p99 }
func longest(r roundTimes) time.Duration     { return r.most }

// each returns one of the figures of each round.
func each(rounds []roundTimes, of func(roundTimes) time.Duration) (all times) {
	for _, r := range rounds {
		all = append(all, of(r).Round(10*time.Nanosecond))
	}
	return all
}

func median(rounds []roundTimes, of func(roundTimes) time.Duration) time.Duration {
	return each(rounds, of).quantile(0.5)
}

// over measures for so long.
func (w *stopwatch) over(span time.Duration) roundTimes {
	sent, delivered := w.round(func() { time.Sleep(span) })
	return roundTimes{sent.quantile(0.99), delivered.quantile(0.5), delivered.quantile(0.99),
		delivered.quantile(1)}
}

// compare notes in c what was measured without and with the flood, round by round.
func compare(c *proof.Case, calm, flooded []roundTimes) {
	for _, f := range []struct {
		name string
		of   func(roundTimes) time.Duration
	}{
		{"Send of high, p99", sendP99}, {"delivery of high, p50",
			deliveryP50}, {"delivery of high, p99", deliveryP99},
		{"delivery of high, longest", longest},
	} {
		without, with := median(calm, f.of), median(flooded, f.of)
		c.Figure(f.name, "%v without the flood, %v with it: × %.2f (medians of %v and %v)", without,
			with, float64(with)/float64(without),
			each(calm, f.of), each(flooded, f.of))
	}
}

// The whole cluster of high is killed, and comes back with what it had.
func TestKafka_F14_HighGoesToTheClusterOfMediumAndReturnsWhileItsOwnIsKilled(t *testing.T) {
	const fallbackAfter, returnAfter, switchEvery, away = 2 * time.Second, 3 * time.Second, 6 * time.Second, 8 * time.Second
	proven := proof.Of(t, "F14", "F4")
	clusters, cfg := threeClusters(t)
	clusters[routing.Medium].CreateTopic(t, "high", 4) // with other partitions than at home
	cfg.Priorities.High.Fallbacks = []routing.Fallback{{Cluster: "medium"}}
	cfg.Priorities.High.FallbackAfter, cfg.Priorities.High.ReturnAfter = fallbackAfter, returnAfter
	cfg.Priorities.High.SwitchEvery = switchEvery
	seen := new(sightings)
	tr := try(t, cfg, producer.WithEvents(seen.event))
	tr.above = map[string]int32{"medium": 1000}
	tr.alsoReport(seen.report)
	var stops []func()
	for p, perSecond := range map[routing.Priority]float64{routing.High: 5000, routing.Medium: 500,
		routing.Low: 500} {
		if raceEnabled {
			perSecond /= 5
		}
		record := mixed(p.String())
		stops = append(stops, pace(t, perSecond,
			func(i int) { assert.NoError(t, tr.ledger.Send(tr.Producer, record(i))) }))
	}
	tr.awaitDelivered(t, 5000)
	seen.waits() // until all was connected
	time.Sleep(2 * time.Second)
	before := seen.waits()

	well := time.Now() // for the last time
	for _, b := range clusters[routing.High].Brokers() {
		b.Kill(t)
	}
	killed := time.Now()
	proven.Bit("brokers killed, all of their cluster", 3)
	seen.await(t, "nothing falls back", func() bool {
		return len(seen.switches) == 1 && !seen.elsewhere.IsZero()
	})
	time.Sleep(time.Until(killed.Add(away)))
	during := seen.waits()
	for _, b := range clusters[routing.High].Brokers() {
		b.StartAsync(t)
	}
	for _, b := range clusters[routing.High].Brokers() {
		b.Await(t)
	}
	seen.await(t, "nothing returns", func() bool { return len(seen.switches) == 2 })
	tr.awaitDelivered(t, 5000)
	for _, stop := range stops {
		stop()
	}
	tr.close(t)
	own, foreign := tr.readAs(t, clusters[routing.High], "high", 0), tr.readAs(t,
		clusters[routing.Medium], "high", 1000)
	tr.readAs(t, clusters[routing.Medium], "medium", 1000)
	tr.readAs(t, clusters[routing.Low], "low", 0)
	tr.judge(t)

	s := tr.Stats()
	require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	require.Zero(t, s.OrderAtRisk)
	require.Equal(t, s.Total.Delivered,
		s.Clusters["high"].Delivered+s.Clusters["medium"].Delivered+s.Clusters["low"].Delivered)
	require.Equal(t, s.Priorities[routing.High].Delivered, s.Clusters["high"].Delivered+foreign)
	proven.Figure("records of high",
		"%d there, %d in its own cluster, %d in medium's; %d counted as maybe "+
			"duplicated", own+foreign, own, foreign, s.Total.MaybeDuplicated)
	seen.judge(t, proven, well, killed, fallbackAfter, returnAfter)
	for _, p := range []routing.Priority{routing.Medium, routing.Low} {
		proven.Figure(p.String()+", the longest delivery",
			"%v before, %v while high was away or elsewhere", before[p], during[p])
	}
	logFigures(t, proven)
	tr.ledger.Prove(proven)
	proven.Held("I10", s.Clusters["high"].Delivered)
	if !raceEnabled {
		require.Less(t, during[routing.Medium], time.Second, "medium is delayed")
		require.Less(t, during[routing.Low], time.Second, "low is delayed")
	}
}

// sightings are what an application sees of a fallback.
type sightings struct {
	mu        sync.Mutex // guards what follows
	longest   map[routing.Priority]time.Duration
	elsewhere time.Time // when medium's cluster delivered a record of high first
	states    map[string][]producer.Event
	switches  []producer.Event
}

func (s *sightings) report(r producer.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.longest == nil {
		s.longest = make(map[routing.Priority]time.Duration)
	}
	s.longest[r.Priority] = max(s.longest[r.Priority], r.Waited)
	if s.elsewhere.IsZero() && r.Priority == routing.High && r.Cluster == "medium" {
		s.elsewhere = time.Now()
	}
}

func (s *sightings) event(e producer.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Kind {
	case producer.EventCluster:
		if s.states == nil {
			s.states = make(map[string][]producer.Event)
		}
		s.states[e.Cluster] = append(s.states[e.Cluster], e)
	case producer.EventFellBack, producer.EventReturned:
		s.switches = append(s.switches, e)
	}
}

// waits returns how long the longest delivery of each priority took since the last call.
func (s *sightings) waits() map[routing.Priority]time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	longest := s.longest
	s.longest = nil
	return longest
}

func (s *sightings) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return ok()
	}, patience, 5*time.Millisecond, what)
}

// judge checks that high went to medium's cluster and came back in time, once, and that no other
// cluster had any trouble.
func (s *sightings) judge(t *testing.T, c *proof.Case, well, killed time.Time, fallbackAfter,
	returnAfter time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Len(t, s.switches, 2)
	require.Equal(t, producer.EventFellBack, s.switches[0].Kind)
	require.Equal(t, producer.EventReturned, s.switches[1].Kind)
	for _, name := range []string{"medium", "low"} {
		for _, e := range s.states[name] {
			require.Contains(t, []producer.ClusterState{producer.Up, producer.ClusterClosed},
				e.State, "%s: %s", name, e.Reason)
		}
	}
	ready := well
	for _, e := range s.states["high"] {
		if e.At.After(well) && e.At.Before(s.switches[1].At) && !e.State.Ready() {
			ready = time.Time{}
		} else if ready.IsZero() && e.State.Ready() {
			ready = e.At
		}
	}
	there, back := s.elsewhere.Sub(killed), s.switches[1].At.Sub(ready)
	c.Figure("first record of high acknowledged by medium's cluster",
		"%v after the last broker of its own was killed, with a threshold of "+
			"%v", there.Round(time.Millisecond), fallbackAfter)
	c.Figure("return", "%v after its own was well, with a threshold of %v",
		back.Round(time.Millisecond), returnAfter)
	late := time.Second
	if raceEnabled {
		late = 10 * time.Second
	}
	require.LessOrEqual(t, there, fallbackAfter+late)
	require.GreaterOrEqual(t, back, returnAfter)
	require.LessOrEqual(t, back, returnAfter+late)
	c.Held("I13", 2)
}
