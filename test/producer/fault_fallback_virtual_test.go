//go:build synctests

package producer_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/partitioner"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/ledger"
	"github.com/forebay-go/forebay/test/proof"
)

// field is a producer with several clusters in virtual time. The first is its primary.
type field struct {
	t     require.TestingT
	k     map[string]*embedded
	names []string
	cfg   producer.Config
	// by cluster, and by what a topic is called there, what it is called here
	called map[string]map[string]string
	p      *producer.Producer
	ledger *ledger.Ledger
	logs   *observer.ObservedLogs

	mu     sync.Mutex // guards what follows
	events []producer.Event
	first  map[string]time.Time           // when a cluster delivered the first record since mark
	sums   map[string]uint64              // what reports say was delivered by each cluster
	lost   map[producer.Reason]uint64     // and what was lost
	blamed map[producer.Outcome]time.Time // when the last outcome of a kind was reported
	// records that were given up at the end because they were on hold
	leftOnHold uint64
}

// onField runs load against clusters called main, spare and so on, which have a topic called
// "events", or what a fallback calls it, and has the ledger judge it. Change gets a config whose
// medium priority goes to main, and falls back to the others in their order.
func onField(t *testing.T, c *proof.Case, names []string, change func(*producer.Config),
	load func(*field)) producer.Stats {
	f := newField(t, names, change)
	defer f.end()
	f.begin()
	load(f)
	f.flush()
	closeWithin(t, f.p, time.Minute)
	requireTold(t, f.logs)
	stats := f.judge()
	f.ledger.Prove(c)
	c.Held("I1", f.ledger.Accepted())
	return stats
}

// newField returns a field without a producer.
func newField(t require.TestingT, names []string, change func(*producer.Config)) *field {
	f := &field{t: t, names: names, k: make(map[string]*embedded),
		called: make(map[string]map[string]string), ledger: ledger.New(),
		first: make(map[string]time.Time), sums: make(map[string]uint64), lost: make(map[producer.Reason]uint64), blamed: make(map[producer.Outcome]time.Time)}
	f.cfg = producer.Config{Clusters: make(map[string]producer.ClusterConfig)}
	f.cfg.Priorities.Low.Cluster, f.cfg.Priorities.Medium.Cluster, f.cfg.Priorities.High.Cluster = names[0], names[0], names[0]
	for i, name := range names {
		f.k[name] = newEmbedded(t, 1, nil, kfake.Ports(19092+100*i))
		f.cfg.Clusters[name] = producer.ClusterConfig{Brokers: f.k[name].ListenAddrs()}
		if i > 0 {
			f.cfg.Priorities.Medium.Fallbacks = append(f.cfg.Priorities.Medium.Fallbacks,
				routing.Fallback{Cluster: name})
		}
	}
	if change != nil {
		change(&f.cfg)
	}
	for _, name := range names {
		f.make(name, "events", "events")
	}
	for _, fallback := range f.cfg.Priorities.Medium.Fallbacks {
		f.make(fallback.Cluster, fallback.Name("events"), "events")
	}
	return f
}

// make has a cluster have a topic, and its log read as that of another name. Each cluster has one
// partition more than the one before it.
func (f *field) make(cluster, there, here string) {
	if f.called[cluster] == nil {
		f.called[cluster] = make(map[string]string)
	}
	if f.called[cluster][there] == "" {
		require.NoError(f.t, f.k[cluster].CreateTopic(there,
			int32(3+slices.Index(f.names, cluster)), nil))
	}
	f.called[cluster][there] = here
}

// begin makes the producer.
func (f *field) begin(more ...producer.Option) {
	core, logs := observer.New(zap.DebugLevel)
	f.logs = logs
	opts := []producer.Option{producer.WithDialer(f.dial), producer.WithDelivery(unheld(f.report)),
		producer.WithEvents(f.event), producer.WithLogger(zap.New(core))}
	p, err := producer.New(f.cfg, append(opts, more...)...)
	require.NoError(f.t, err)
	f.p = p
}

// end ends everything, also where something has failed.
func (f *field) end() {
	if f.p != nil {
		closeWithin(f.t, f.p, 0)
	}
	for _, k := range f.k {
		k.Close()
	}
}

// judge reads the logs, and has the ledger judge the producer, which was closed. To the ledger the
// partitions of the clusters are all different ones.
func (f *field) judge() producer.Stats {
	synctest.Wait()
	stats := f.p.Stats()
	for _, name := range f.names {
		for i, there := range slices.Sorted(maps.Keys(f.called[name])) {
			log := f.k[name].read(f.t, there)
			for _, r := range log {
				if r.Key != nil {
					require.Equal(f.t, partitioner.ForKey(r.Key,
						int32(len(f.k[name].PartitionInfos(there)))), r.Partition,
						"the key's partition in %s", name)
				}
				r.Topic, r.Partition = f.known(r, f.called[name][there]), f.place(name, r.Partition)
			}
			f.ledger.Read(log...)
			for _, r := range log {
				// what goes by several names there has an order in each
				r.Partition += int32(100 * i)
			}
			if stats.OrderAtRisk == 0 {
				f.ledger.Ordered(log)
			}
		}
	}
	require.Empty(f.t, f.ledger.Check(stats.Total))
	require.Zero(f.t, f.ledger.LongestSend())
	sum := producer.Books{}
	for name, s := range stats.Clusters {
		require.True(f.t, s.Balanced())
		require.Equal(f.t, f.sums[name], s.Delivered, name)
		sum.Add(&s.Books)
	}
	require.Equal(f.t, stats.Total, sum)
	return stats
}

// known returns what the topic of a record is called here. Where several go by one name there, a
// header tells.
func (f *field) known(r *kgo.Record, here string) string {
	for _, h := range r.Headers {
		if h.Key == "topic" {
			return string(h.Value)
		}
	}
	return here
}

func (f *field) place(cluster string, partition int32) int32 {
	return partition + 1000*int32(slices.Index(f.names, cluster))
}

func (f *field) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	for _, k := range f.k {
		if slices.Contains(k.ListenAddrs(), addr) {
			return k.link.Dial(ctx, network, addr)
		}
	}
	return nil, fmt.Errorf("nobody is at %s", addr)
}

func (f *field) report(r producer.Report) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blamed[r.Outcome] = time.Now()
	requireInTTL(f.t, r)
	if r.Outcome == producer.Shed && r.Reason == producer.ReasonSchemaUnknown {
		f.leftOnHold++
	}
	if r.Outcome == producer.Delivered {
		if _, ok := f.first[r.Cluster]; !ok {
			f.first[r.Cluster] = time.Now()
		}
		f.sums[r.Cluster]++
		r.Partition = f.place(r.Cluster, r.Partition)
	} else {
		f.lost[r.Reason]++
	}
	f.ledger.Report(r)
}

func (f *field) event(e producer.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, e)
}

// mark has the first delivery by each cluster noted anew.
func (f *field) mark() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.first)
}

// delivered returns when a cluster delivered first after mark; zero if it has not.
func (f *field) delivered(cluster string) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.first[cluster]
}

// switches returns the events that tell of switches.
func (f *field) switches() (all []producer.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		if e.Kind == producer.EventFellBack || e.Kind == producer.EventReturned {
			all = append(all, e)
		}
	}
	return all
}

// stream sends records, every second one with one of five keys, ten times a second for d.
func (f *field) stream(d time.Duration) {
	for range d / (100 * time.Millisecond) {
		for i := range 4 {
			rec := producer.Record{Topic: "events", Value: make([]byte, 20)}
			if i%2 == 0 {
				rec.Key = fmt.Append(nil, i%10)
			}
			require.NoError(f.t, f.ledger.Send(f.p, rec))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (f *field) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Hour)
	defer cancel()
	require.NoError(f.t, f.p.Flush(ctx))
	synctest.Wait()
}

func TestVirtual_F14_FallsBackAndReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		s := onField(t, c, []string{"main", "spare"}, nil, func(f *field) {
			f.stream(10 * time.Second)
			f.mark()
			down := time.Now()
			f.k["main"].link.Cut()
			f.stream(20 * time.Second)
			after := f.delivered("spare").Sub(down)
			require.GreaterOrEqual(t, after, 5*time.Second)
			require.LessOrEqual(t, after, 6*time.Second)
			c.Figure("acknowledged by the fallback after", "%v", after)
			f.stream(50 * time.Second) // at most one switch a minute
			well := time.Now()
			f.k["main"].link.Restore()
			f.stream(60 * time.Second)
			require.Len(t, f.switches(), 2)
			// what was written to main before is acknowledged at once
			back := f.switches()[1].At.Sub(well)
			require.GreaterOrEqual(t, back, 30*time.Second)
			require.LessOrEqual(t, back, 30*time.Second+probeMax+soon)
			c.Bit("switches", int64(len(f.switches())))
			c.Held("I13", 1)
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
		require.Positive(t, s.Clusters["spare"].Delivered)
		require.Zero(t, s.OrderAtRisk)
	})
}

func TestVirtual_F14_SwitchesAsOftenAsTheSettingSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		const every = 10 * time.Second
		onField(t, c, []string{"main", "spare"}, func(cfg *producer.Config) {
			cfg.Priorities.Medium.FallbackAfter, cfg.Priorities.Medium.ReturnAfter = time.Second, time.Second
			cfg.Priorities.Medium.SwitchEvery = every
		}, func(f *field) {
			for range 3 {
				f.k["main"].link.Cut()
				f.stream(15 * time.Second)
				f.k["main"].link.Restore()
				f.stream(15 * time.Second)
			}
			switches := f.switches()
			require.Len(t, switches, 6)
			for i, e := range switches[1:] {
				require.GreaterOrEqual(t, e.At.Sub(switches[i].At), every)
			}
			c.Bit("switches", int64(len(switches)))
			c.Held("I13", uint64(len(switches)))
		})
	})
}

func TestVirtual_F14_WhatWasWrittenAndNotAnsweredStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14", "F8")
		s := onField(t, c, []string{"main", "spare"}, func(cfg *producer.Config) {
			cfg.Priorities.Medium.MoveUnresolvedAfter = producer.Never
		}, func(f *field) {
			f.stream(time.Second)
			time.Sleep(time.Second)
			f.unanswered(c, "main")
			f.stream(20 * time.Second)
			require.Positive(t, f.p.Stats().Clusters["spare"].Delivered)
			require.Positive(t, f.p.Stats().Total.Pending, "what was written to main")
			f.k["main"].link.Restore()
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
		require.Zero(t, s.Total.MaybeDuplicated)
	})
}

func TestVirtual_ReconfigureSendsWaitingRecordsToAnotherCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		s := onField(t, c, []string{"main", "spare"}, func(cfg *producer.Config) {
			cfg.Priorities.Medium.Fallbacks = nil
		}, func(f *field) {
			f.stream(time.Second)
			f.k["main"].link.Cut()
			f.stream(3 * time.Second)
			cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{"spare": {Brokers: f.k["spare"].ListenAddrs()}}}
			require.NoError(t, f.p.Reconfigure(cfg))
			f.stream(time.Second)
			require.Positive(t, f.p.Stats().Clusters["spare"].Delivered)
			f.k["main"].link.Restore()
			c.Bit("settings changed", 1)
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

// Where two topics have one name, their batches must not have the same numbers: brokers would take
// the one for the other.
func TestVirtual_F14_TopicsThatShareANameThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		s := onField(t, c, []string{"main", "spare"}, func(cfg *producer.Config) {
			cfg.Priorities.Medium.Fallbacks[0].Rename = map[string]string{"a": "events",
				"b": "events"}
		}, func(f *field) {
			f.make("main", "a", "a")
			f.make("main", "b", "b")
			f.k["main"].link.Cut()
			c.Bit("clusters cut off", 1)
			time.Sleep(10 * time.Second)
			for i := range 100 {
				for _, topic := range []string{"a", "b", "events"} {
					rec := producer.Record{Topic: topic,
						Headers: []producer.Header{{Key: "topic", Value: []byte(topic)}}}
					if i%2 == 0 {
						rec.Key = fmt.Append(nil, i%10)
					}
					require.NoError(t, f.ledger.Send(f.p, rec))
				}
				time.Sleep(100 * time.Millisecond)
			}
			f.flush()
			f.k["main"].link.Restore()
		})
		require.Equal(t, s.Total.Accepted, s.Clusters["spare"].Delivered)
		require.Zero(t, s.Total.MaybeDuplicated)
	})
}
