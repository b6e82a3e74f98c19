//go:build synctests

package producer_test

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/partitioner"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/proof"
)

// reconfigure has a copy of the config changed and put into force.
func (f *field) reconfigure(change func(*producer.Config)) {
	cfg := f.cfg
	cfg.Clusters = maps.Clone(cfg.Clusters)
	change(&cfg)
	begin := time.Now()
	require.NoError(f.t, f.p.Reconfigure(cfg))
	require.Zero(f.t, time.Since(begin))
	f.cfg = cfg
}

// renew changes settings of a cluster, so that it is connected to anew.
func renew(cfg *producer.Config, name string) {
	cc := cfg.Clusters[name]
	cc.CreateTopics.Enabled = true
	cc.CreateTopics.Partitions++
	cfg.Clusters[name] = cc
}

// unanswered has a batch written to a cluster and not answered, and cuts that off.
func (f *field) unanswered(c *proof.Case, cluster string) {
	link := f.k[cluster].link
	before := link.Cuts()
	link.CutAfterWrites(1)
	f.stream(100 * time.Millisecond)
	for link.Cuts() == before {
		time.Sleep(time.Millisecond)
	}
	link.Cut()
	link.CutAfterWrites(0)
	c.Bit("connections cut right after a write", link.Cuts()-before)
}

func TestVirtual_F14_CloseEndsAClusterThatWasRemovedAndHasSomethingUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // what is left behind would not let the bubble end
		c := proof.Of(t, "F14", "F17")
		f := newField(t, []string{"main", "spare"}, nil)
		defer f.end()
		f.begin()
		f.stream(time.Second)
		f.unanswered(c, "main")
		f.reconfigure(func(cfg *producer.Config) {
			delete(cfg.Clusters, "main")
			cfg.Priorities = producer.PrioritiesConfig{}
		})
		f.stream(time.Second)
		require.Positive(t, f.p.Stats().Total.Pending)
		begin := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		summary, err := f.p.Close(ctx)
		require.ErrorIs(t, err, producer.ErrLeft)
		require.LessOrEqual(t, time.Since(begin), time.Second)
		require.Equal(t, summary.Lost[producer.ReasonUnansweredClose], summary.Left)
		f.judge()
		f.ledger.Prove(c)
		dials := f.k["main"].link.Dials()
		time.Sleep(time.Minute)
		require.Equal(t, dials, f.k["main"].link.Dials(), "nobody probes any more")
	})
}

// A link waits for its question for a producer ID up to two seconds. Nobody else is to wait for
// that.
func TestVirtual_F17_CloseDoesNotWaitForADispatcherThatLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14", "F17")
		f := newField(t, []string{"main", "spare"},
			func(cfg *producer.Config) { cfg.Priorities.Medium.Fallbacks = nil })
		defer f.end()
		f.begin()
		time.Sleep(time.Second)
		var asked atomic.Int64
		f.k["main"].ControlKey(int16(kmsg.InitProducerID),
			func(kmsg.Request) (kmsg.Response, error, bool) {
				asked.Add(1)
				f.k["main"].SleepControl(func() { time.Sleep(time.Minute) })
				return nil, nil, false
			})
		f.stream(100 * time.Millisecond) // a producer ID is asked for, without an answer
		time.Sleep(100 * time.Millisecond)
		f.reconfigure(func(cfg *producer.Config) { cfg.Priorities.Medium.Cluster = "spare" })
		time.Sleep(10 * time.Millisecond) // it has nothing to do any more
		c.Bit("questions for a producer ID without an answer", asked.Load())
		begin := time.Now()
		f.reconfigure(func(cfg *producer.Config) { cfg.Batching.Linger = time.Millisecond })
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		_, err := f.p.Close(ctx)
		require.NoError(t, err)
		require.LessOrEqual(t, time.Since(begin), 500*time.Millisecond)
		time.Sleep(time.Hour) // for the answers
		f.judge()
		f.ledger.Prove(c)
	})
}

func TestVirtual_ReconfigureKeepsEveryCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		s := onField(t, c, []string{"main", "spare"}, nil, func(f *field) {
			var before producer.Stats
			for i := range 20 {
				f.stream(time.Second)
				f.reconfigure(func(cfg *producer.Config) { renew(cfg, "main") })
				s := f.p.Stats()
				require.GreaterOrEqual(t, s.Requests, before.Requests, i)
				require.GreaterOrEqual(t, s.RequestRecords, before.RequestRecords, i)
				require.GreaterOrEqual(t, s.Total.Delivered, before.Total.Delivered, i)
				require.GreaterOrEqual(t, s.Clusters["main"].Delivered,
					before.Clusters["main"].Delivered, i)
				before = s
			}
			c.Bit("settings changed", 20)
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
		require.EqualValues(t, s.Total.Delivered, s.RequestRecords)
	})
}

// Who changes the config that was given before, and gives it again, must not change what the
// producer compares it with.
func TestVirtual_ReconfigureTakesTheSameConfigChangedInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		s := onField(t, c, []string{"main", "spare"}, func(cfg *producer.Config) {
			cfg.Priorities.Medium.Fallbacks[0].Rename = map[string]string{"events": "overflow"}
		}, func(f *field) {
			f.stream(time.Second)
			f.make("spare", "elsewhere", "events")
			f.cfg.Clusters["third"] = f.cfg.Clusters["spare"]
			f.cfg.Priorities.High.Cluster = "third"
			f.cfg.Priorities.Medium.Fallbacks[0].Rename["events"] = "elsewhere"
			require.NoError(t, f.p.Reconfigure(f.cfg))
			f.k["main"].link.Cut()
			f.stream(10 * time.Second)
			require.Empty(t, f.k["spare"].read(t, "overflow"))
			require.NotEmpty(t, f.k["spare"].read(t, "elsewhere"))
			f.cfg.Clusters["main"].Brokers[0] = f.cfg.Clusters["spare"].Brokers[0]
			f.cfg.Priorities.Medium.Fallbacks = nil
			require.NoError(t, f.p.Reconfigure(f.cfg))
			f.k["main"].link.Restore() // for what is unanswered
			f.flush()
			require.Equal(t, producer.Up, f.p.Stats().Clusters["main"].State)
			c.Bit("settings changed", 2)
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

func TestVirtual_ReconfigureLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		onField(t, c, []string{"main", "spare"}, nil, func(f *field) {
			f.stream(2 * time.Second)
			open := func() int { return f.k["main"].link.Open() + f.k["spare"].link.Open() }
			conns, goroutines := open(), runtime.NumGoroutine()
			for i := range 50 {
				f.reconfigure(func(cfg *producer.Config) {
					renew(cfg, []string{"main", "spare"}[i%2])
					if i%5 == 0 {
						cfg.Priorities.Medium.Fallbacks = []routing.Fallback{{Cluster: "spare",
							Prefix: []string{"", "p."}[i/5%2]}}
					}
				})
				f.stream(time.Second)
			}
			time.Sleep(10 * time.Second)
			c.Bit("settings changed", 50)
			c.Figure("connections before and after 50 changes", "%d, %d", conns, open())
			require.LessOrEqual(t, open(), conns)
			require.LessOrEqual(t, runtime.NumGoroutine(), goroutines+2)
			c.Held("I11", 1)
		})
	})
}

// Limits and thresholds go on where they were: changing something else every few seconds must not
// put off a fallback.
func TestVirtual_F14_ReconfigureDoesNotPutOffAFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		onField(t, c, []string{"main", "spare"}, nil, func(f *field) {
			change := func(i int) {
				f.reconfigure(func(cfg *producer.Config) { cfg.Batching.Linger = time.Duration(1+i%2) * time.Millisecond })
			}
			f.stream(10 * time.Second)
			down := time.Now()
			f.k["main"].link.Cut()
			for i := range 10 {
				f.stream(time.Second)
				change(i)
			}
			require.Len(t, f.switches(), 1)
			require.LessOrEqual(t, f.switches()[0].At.Sub(down), 6*time.Second)
			f.k["main"].link.Restore()
			for i := range 40 {
				f.stream(time.Second)
				change(i)
			}
			require.Len(t, f.switches(), 1, "at most one a minute")
			for i := range 20 {
				f.stream(time.Second)
				change(i)
			}
			require.Len(t, f.switches(), 2)
			require.InDelta(t, time.Minute, f.switches()[1].At.Sub(f.switches()[0].At),
				float64(time.Second))
			c.Bit("settings changed", 70)
			c.Held("I13", 2)
		})
	})
}

// Of a cluster that is connected to anew nobody is told that it is closed, and of a priority whose
// cluster was taken away everybody where it goes.
func TestVirtual_EventsTellOfWhatReconfigureDid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		s := onField(t, c, []string{"main", "spare"}, nil, func(f *field) {
			f.stream(time.Second)
			f.reconfigure(func(cfg *producer.Config) { renew(cfg, "main") })
			f.stream(time.Second)
			f.k["main"].link.Cut()
			f.stream(10 * time.Second)
			f.reconfigure(func(cfg *producer.Config) {
				delete(cfg.Clusters, "spare")
				cfg.Priorities.Medium.Fallbacks = nil
			})
			f.k["main"].link.Restore()
			f.stream(10 * time.Second)
			c.Bit("settings changed", 2)
			var told []string
			f.mu.Lock()
			defer f.mu.Unlock()
			reconfigured := 0
			for _, e := range f.events {
				if e.Kind == producer.EventReconfigured {
					reconfigured++
					continue // at the same instant as others
				}
				told = append(told, fmt.Sprint(e.Kind, " ", e.Cluster, " ", e.State, " ", e.From))
			}
			require.Equal(t, 2, reconfigured)
			require.ElementsMatch(t, []string{"cluster main up ", "cluster spare up "}, told[:2])
			require.Equal(t, []string{
				"cluster main up ", "cluster main down ",
				"fell back spare none main", "returned main none spare",
				"cluster spare closed ", "cluster main up ",
			}, told[2:])
		})
		require.Equal(t, producer.ClusterClosed, s.Clusters["spare"].State,
			"it is not in the settings any more")
	})
}

func TestVirtual_ReconfigureThatFailsChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		f := newField(t, two, nil)
		defer f.end()
		f.begin()
		f.stream(time.Second)
		before, conns := f.cfg, f.k["main"].link.Dials()
		for _, tt := range []struct {
			change func(*producer.Config)
			says   string
		}{
			{func(cfg *producer.Config) { cfg.ClientID = "other" }, "client_id"},
			{func(cfg *producer.Config) { cfg.Resolver.StaleFor = time.Hour },
				"resolver.stale_for"},
			{func(cfg *producer.Config) { cfg.Topics = []producer.TopicConfig{{Topic: "x"}} },
				"topics[0].priority"},
			{func(cfg *producer.Config) { cfg.Priorities.Medium.Cluster = "" },
				"priorities.medium.cluster"},
			{func(cfg *producer.Config) { cfg.Priorities.Medium.Cluster = "nowhere" },
				`there is no cluster "nowhere"`},
			{func(cfg *producer.Config) { cfg.Clusters = nil }, "clusters"},
		} {
			cfg := before
			cfg.Clusters = maps.Clone(before.Clusters)
			cfg.Clusters["more"] = before.Clusters["spare"]
			cfg.Priorities.Medium.DeliveryTimeout = time.Second
			tt.change(&cfg)
			require.ErrorContains(t, f.p.Reconfigure(cfg), tt.says)
			require.Len(t, f.p.Stats().Clusters, 2)
			time.Sleep(time.Second)
		}
		f.k["main"].link.Cut()
		f.stream(3 * time.Second)
		c.Bit("clusters cut off", 1)
		require.Zero(t, f.p.Stats().Total.Expired, "the delivery timeout is what it was")
		f.k["main"].link.Restore()
		f.stream(time.Second)
		require.LessOrEqual(t, f.k["main"].link.Dials(), conns+100)
		f.flush()
		closeWithin(t, f.p, time.Minute)
		require.ErrorIs(t, f.p.Reconfigure(before), producer.ErrClosed)
		s := f.judge()
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
		f.ledger.Prove(c)
	})
}

func TestVirtual_ReconfigureRulesTimeoutsAndLanesWhileRecordsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		s := onField(t, c, two, func(cfg *producer.Config) {
			cfg.Priorities.Medium.Fallbacks = nil
			// a lane needs a cluster: low has none at first
			cfg.Clusters["low"] = cfg.Clusters["spare"]
			cfg.Priorities.Low.Cluster = ""
			delete(cfg.Clusters, "low")
			cfg.Priorities.High.Cluster = "spare"
		}, func(f *field) {
			require.ErrorIs(t, f.p.Send(producer.Record{Topic: "events", Priority: routing.Low}),
				producer.ErrNoRoute)
			f.stream(time.Second)
			f.k["main"].link.Cut()
			f.stream(time.Second)
			waiting := f.p.Stats().Priorities[routing.Medium].Pending
			require.Positive(t, waiting)
			f.reconfigure(func(cfg *producer.Config) {
				cfg.Topics = []producer.TopicConfig{{Topic: "events", Priority: routing.High}}
				cfg.Priorities.Low.Cluster = "spare"
			})
			f.stream(time.Second) // these go by the new rule
			require.NoError(t, f.ledger.Send(f.p,
				producer.Record{Topic: "events", Priority: routing.Low}))
			time.Sleep(time.Second)
			s := f.p.Stats()
			require.Equal(t, waiting, s.Priorities[routing.Medium].Pending,
				"what waits stays in its lane")
			require.EqualValues(t, 40, s.Priorities[routing.High].Delivered)
			require.EqualValues(t, 1, s.Priorities[routing.Low].Delivered)
			require.NoError(t, f.ledger.Send(f.p,
				producer.Record{Topic: "events", Priority: routing.Medium}))
			f.reconfigure(func(cfg *producer.Config) { cfg.Priorities.Medium.DeliveryTimeout = 10 * time.Second })
			begin := time.Now()
			time.Sleep(20 * time.Second)
			s = f.p.Stats()
			require.Zero(t, s.Priorities[routing.Medium].Pending)
			require.Equal(t, waiting+1, s.Total.Expired+s.Total.PossiblyPersisted)
			require.LessOrEqual(t, f.blamed[producer.Expired].Sub(begin), 10*time.Second)
			c.Bit("settings changed", 2)
			f.k["main"].link.Restore()
		})
		require.True(t, s.Total.Balanced())
	})
}

// A cluster that goes from the settings while records wait for it, are in flight to it, and are
// unanswered there.
func TestVirtual_F14_AClusterIsTakenAwayAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14", "F8")
		s := onField(t, c, three, nil, func(f *field) {
			f.k["main"].link.Delay(300 * time.Millisecond)
			f.stream(5 * time.Second)
			f.unanswered(c, "main")
			f.stream(time.Second)
			all := f.cfg
			f.reconfigure(func(cfg *producer.Config) {
				delete(cfg.Clusters, "main")
				cfg.Priorities.Low.Cluster, cfg.Priorities.Medium.Cluster, cfg.Priorities.High.Cluster = "third", "third", "third"
				cfg.Priorities.Medium.Fallbacks = []routing.Fallback{{Cluster: "spare"}}
			})
			f.stream(time.Second)
			require.Equal(t, "third", f.current())
			require.Positive(t, f.p.Stats().Clusters["third"].Delivered,
				"what waited goes there at once")
			require.Equal(t, producer.ClusterClosed, f.p.Stats().Clusters["main"].State)
			pending := f.p.Stats().Total.Pending
			require.Positive(t, pending, "what is unanswered stays")
			f.k["main"].link.Restore()
			f.mark()
			f.stream(5 * time.Second)
			require.NotZero(t, f.delivered("main"), "and is settled over the old connections")
			f.reconfigure(func(cfg *producer.Config) { *cfg = all })
			f.stream(time.Second)
			require.Equal(t, "third", f.current(),
				"as long as main has not been well for long enough")
			f.stream(100 * time.Second) // it may go by way of spare, and a minute later
			require.Equal(t, "main", f.current())
			c.Bit("settings changed", 2)
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

// passes counts how often a dispatcher looks at what waits.
type passes struct {
	partitioner.Sticky
	n atomic.Int64
}

func (p *passes) ForBatch(string, uint64, []int32, int32) int32 {
	p.n.Add(1)
	return partitioner.Any
}

// A broker of the old cluster takes four seconds for each answer. Topics that have nothing on the
// way there go on in the new one at once, and nobody looks at the others all the time.
func TestVirtual_F14_ASlowTopicDelaysTheSwitchOfNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const topics, slow = 50, 10
		count := new(passes)
		f := newField(t, []string{"main", "spare"}, nil)
		defer f.end()
		f.begin(producer.WithPartitioner(count))
		send := func(from, to int) {
			for i := from; i < to; i++ {
				require.NoError(t, f.ledger.Send(f.p,
					producer.Record{Topic: fmt.Sprint("t", i), Value: make([]byte, 20)}))
			}
		}
		for i := range topics {
			f.make("main", fmt.Sprint("t", i), fmt.Sprint("t", i))
			f.make("spare", fmt.Sprint("t", i), fmt.Sprint("t", i))
		}
		send(0, topics)
		f.flush()
		var quick atomic.Bool
		f.k["main"].ControlKey(int16(kmsg.Produce),
			func(kmsg.Request) (kmsg.Response, error, bool) {
				f.k["main"].KeepControl()
				f.k["main"].SleepControl(func() {
					if !quick.Load() {
						time.Sleep(4 * time.Second)
					}
				})
				return nil, nil, false
			})
		send(0, slow)
		time.Sleep(100 * time.Millisecond)
		f.reconfigure(func(cfg *producer.Config) {
			cfg.Priorities.Medium.Cluster, cfg.Priorities.Medium.Fallbacks = "spare", nil
		})
		time.Sleep(time.Millisecond)
		delivered, before := f.p.Stats().Clusters["spare"].Delivered, count.n.Load()
		send(slow, topics)
		time.Sleep(time.Second)
		require.EqualValues(t, topics-slow, f.p.Stats().Clusters["spare"].Delivered-delivered)
		require.Less(t, count.n.Load()-before, int64(5*topics))
		quick.Store(true)
		f.flush()
	})
}
