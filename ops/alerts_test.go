package ops_test

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/util/teststorage"
	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/audit/watch"
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/metrics/prom"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// state is what a producer and an auditor would say of themselves, for a story to change.
type state struct {
	producer.Stats
	audit audit.Snapshot
	idle  bool // the auditor reads nothing
}

// quiet is a producer, and an auditor, that nothing is wrong with.
func quiet() *state {
	s := &state{audit: quietAudit(), Stats: producer.Stats{
		Priorities: make(map[routing.Priority]producer.Books),
		Held:       make(map[routing.Priority]int64),
		Lanes:      make(map[routing.Priority]producer.LaneStats),
		Clusters: map[string]producer.ClusterStats{"main": {State: producer.Up},
			"spare": {State: producer.Up}},
		Refused: map[error]uint64{producer.ErrBufferFull: 0, producer.ErrRecordTooLarge: 0,
			producer.ErrTooManyTopics: 0, producer.ErrNoRoute: 0,
			producer.ErrInvalidRecord: 0, producer.ErrClosed: 0},
		Topics:   []producer.TopicStats{{Topic: "events", Priority: routing.High}},
		MaxBytes: 100,
	}}
	for _, p := range routing.All {
		s.Priorities[p], s.Held[p], s.Lanes[p] = producer.Books{}, 1, producer.LaneStats{Cluster: "main"}
		s.Paths = append(s.Paths, producer.PathStats{Priority: p, Cluster: "main"})
	}
	return s
}

// quietAudit is an auditor of one topic, which watches one broker.
func quietAudit() audit.Snapshot {
	counts := audit.Counts{Numbered: 5000, Delivered: 5000, Seen: 5000}
	return audit.Snapshot{Role: audit.Consume,
		Report: &audit.Report{Rows: []audit.Row{{Topic: "events", Instance: "a", Counts: counts}},
			Sources: []audit.Presence{{Name: "a"}}, Readers: []audit.Presence{{Name: "r"}}},
		Topics:  []audit.ReadTopic{{Topic: "events", Partitions: 1}},
		Brokers: []audit.BrokerReport{{Broker: 1, State: audit.Well}},
		Loads:   []audit.LoadStats{{Topic: "events"}}}
}

// row is what the auditor knows of its topic.
func (s *state) row() *audit.Row { return &s.audit.Report.Rows[0] }

func (s *state) cluster(name string, change func(*producer.ClusterStats)) {
	c := s.Clusters[name]
	change(&c)
	s.Clusters[name] = c
}

func (s *state) lane(p routing.Priority, change func(*producer.LaneStats)) {
	l := s.Lanes[p]
	change(&l)
	s.Lanes[p] = l
}

// settle has ten records accepted and given an outcome at once.
func (s *state) settle(p routing.Priority, outcome producer.Outcome, reason producer.Reason) {
	books := s.Priorities[p]
	books.Settle(10, outcome, reason)
	s.Priorities[p] = books
}

// deliver has ten records of a priority delivered, in one request, in the time of a bucket.
func (s *state) deliver(p routing.Priority, bucket int) {
	s.settle(p, delivery.Delivered, delivery.None)
	for i := range s.Paths {
		if path := &s.Paths[i]; path.Priority == p {
			path.Requests++
			path.Attempts++
			path.DeliveryTime.Buckets[bucket] += 10
		}
	}
}

const every = 15 * time.Second // a scrape, and an evaluation

// story is what happens: step changes the state before each scrape, at a time since the beginning.
type story struct {
	name  string
	lasts time.Duration
	step  func(s *state, at time.Duration)
	fires map[string]time.Duration // when the alert has to fire, within a minute
	over  []string                 // of those that fired, must not any more at the end
}

// bad reports whether at is in the bad time of a story, which begins with the fifth minute.
func bad(at, lasts time.Duration) bool { return at >= 5*time.Minute && at < 5*time.Minute+lasts }

var stories = []story{{
	name: "nothing is wrong", lasts: 90 * time.Minute,
	step: func(s *state, _ time.Duration) {
		for _, p := range routing.All {
			s.deliver(p, 2)
		}
	},
}, {
	name: "the only cluster is away for half an hour and the memory fills", lasts: 70 * time.Minute,
	step: func(s *state, at time.Duration) {
		if !bad(at, 30*time.Minute) {
			s.cluster("main", func(c *producer.ClusterStats) { c.State = producer.Up })
			s.Held[routing.Low] = 1
			for _, p := range routing.All {
				s.lane(p, func(l *producer.LaneStats) { l.Oldest, l.Shedding = 0, false })
				s.deliver(p, 2)
			}
			return
		}
		away := at - 5*time.Minute
		s.cluster("main", func(c *producer.ClusterStats) { c.State = producer.Down })
		s.lane(routing.High, func(l *producer.LaneStats) { l.Oldest = away })
		s.Held[routing.Low] = min(95, int64(away.Minutes()*10)) // 80 after eight minutes
		if away > 10*time.Minute {
			s.settle(routing.Low, delivery.Shed, delivery.PreemptedByHigh)
			s.Refused[producer.ErrBufferFull] += 5
		}
		if away > 20*time.Minute {
			s.settle(routing.High, delivery.Expired, delivery.DeliveryTimeout)
		}
	},
	fires: map[string]time.Duration{
		"ForebayClusterDown":      5*time.Minute + 2*time.Minute,
		"ForebayOldestRecordOld":  5*time.Minute + 5*time.Minute + time.Minute,
		"ForebayBufferNearlyFull": 5*time.Minute + 8*time.Minute + 2*time.Minute,
		"ForebayRecordsLost":      5*time.Minute + 10*time.Minute,
		"ForebayRecordsRefused":   5*time.Minute + 10*time.Minute,
		"ForebayHighRecordsLost":  5*time.Minute + 20*time.Minute,
	},
	over: []string{"ForebayClusterDown", "ForebayOldestRecordOld", "ForebayBufferNearlyFull",
		"ForebayRecordsLost", "ForebayRecordsRefused", "ForebayHighRecordsLost"},
}, {
	name: "medium falls back for an hour, and what it had written is written " +
		"again", lasts: 80 * time.Minute,
	step: func(s *state, at time.Duration) {
		down := bad(at, time.Hour)
		s.cluster("main", func(c *producer.ClusterStats) {
			c.State = map[bool]producer.ClusterState{true: producer.Down, false: producer.Up}[down]
		})
		s.lane(routing.Medium, func(l *producer.LaneStats) {
			if l.FellBack != down {
				l.Switches++
			}
			l.FellBack, l.Cluster = down, map[bool]string{true: "spare", false: "main"}[down]
		})
		if at == 6*time.Minute {
			books := s.Priorities[routing.Medium]
			books.MaybeDuplicated += 100
			s.Priorities[routing.Medium] = books
			s.Paths[1].OrderAtRisk += 50
		}
		s.deliver(routing.Medium, 2)
	},
	fires: map[string]time.Duration{
		"ForebayClusterDown":     7 * time.Minute,
		"ForebayFellBack":        35 * time.Minute,
		"ForebayMaybeDuplicated": 6 * time.Minute,
		"ForebayOrderAtRisk":     6 * time.Minute,
	},
	over: []string{"ForebayClusterDown", "ForebayFellBack", "ForebayMaybeDuplicated",
		"ForebayOrderAtRisk"},
}, {
	name: "Kafka is there, and slow, and says no", lasts: 40 * time.Minute,
	step: func(s *state, at time.Duration) {
		if !bad(at, time.Hour) {
			s.deliver(routing.High, 2)
			return
		}
		s.deliver(routing.High, 12) // up to a minute
		s.cluster("main", func(c *producer.ClusterStats) {
			c.State, c.Unnumbered = producer.Degraded, "refused"
		})
		s.Paths[0].Attempts++
		s.Paths[0].Retries++
		s.Paths[0].Throttled++
		s.Paths[0].ThrottledFor += 5 * time.Second
		s.Topics[0].Trouble = "it is not there"
		s.Troubles = []producer.Trouble{{Cause: producer.CauseTopicMissing,
			Topic: s.Topics[0].Topic, Cluster: "main", Priority: routing.High}}
		s.settle(routing.High, delivery.Rejected, delivery.TooLarge)
		s.Refused[producer.ErrInvalidRecord]++
	},
	fires: map[string]time.Duration{
		"ForebayDeliverySlow":        15 * time.Minute,
		"ForebayRetriesMany":         17 * time.Minute, // half of five minutes have to be bad
		"ForebayThrottled":           16 * time.Minute,
		"ForebayClusterDegraded":     20 * time.Minute,
		"ForebayUnnumbered":          20 * time.Minute,
		"ForebayTopicTroubled":       10 * time.Minute,
		"ForebayTroubled":            10 * time.Minute,
		"ForebayHighRecordsLost":     5 * time.Minute,
		"ForebayRecordsUnacceptable": 5 * time.Minute,
	},
}, {
	name: "a cluster that flaps, another that was never there, names that fail, a broken file, " +
		"and callbacks that hang", lasts: 40 * time.Minute,
	step: func(s *state, at time.Duration) {
		if !bad(at, time.Hour) {
			s.Names.Lookups++
			return
		}
		s.cluster("spare", func(c *producer.ClusterStats) { c.State = producer.Connecting })
		if at%time.Minute == 0 {
			s.cluster("main", func(c *producer.ClusterStats) { c.Changes++ })
			s.lane(routing.High, func(l *producer.LaneStats) { l.Switches++ })
		}
		s.Names.Lookups++
		s.Names.Failures++
		s.Names.Stale++
		s.Settings.Refused = "forebay.yaml:3:1: bufer: unknown setting"
		s.ReportsDropped++
		s.InterceptorPanics++
		s.EventsDropped++
	},
	fires: map[string]time.Duration{
		"ForebayClusterNeverReached": 10 * time.Minute,
		"ForebayClusterFlaps":        15 * time.Minute,
		"ForebaySwitchesOften":       11 * time.Minute,
		"ForebayNamesFail":           17*time.Minute + 30*time.Second,
		"ForebayNamesStale":          20 * time.Minute,
		"ForebaySettingsRefused":     10 * time.Minute,
		"ForebayReportsDropped":      5 * time.Minute,
		"ForebayCallbackPanics":      5 * time.Minute,
		"ForebayEventsDropped":       5 * time.Minute,
	},
}, {
	name:  "the audit finds records that are lost, twice, out of order and unchecked",
	lasts: 80 * time.Minute,
	step: func(s *state, at time.Duration) {
		if at < 5*time.Minute {
			return
		}
		s.row().Lost, s.row().Seen = 1, 4999
		s.row().Unexplained, s.row().OutOfOrder, s.row().Contradicted = 2, 3, 4
		s.row().Skipped, s.row().Waiting = 5, 6
	},
	fires: map[string]time.Duration{
		"ForebayAuditRecordsLost":  5 * time.Minute,
		"ForebayAuditDuplicates":   5 * time.Minute,
		"ForebayAuditOutOfOrder":   5 * time.Minute,
		"ForebayAuditContradicted": 5 * time.Minute,
		"ForebayAuditUnchecked":    5 * time.Minute,
		"ForebayAuditIncomplete":   10 * time.Minute,
		"ForebayAuditStuck":        35 * time.Minute,
	},
	over: []string{"ForebayAuditRecordsLost", "ForebayAuditDuplicates", "ForebayAuditOutOfOrder",
		"ForebayAuditContradicted", "ForebayAuditUnchecked"},
}, {
	name:  "brokers are slow and dead, a reader is silent, and then nothing is audited",
	lasts: 75 * time.Minute,
	step: func(s *state, at time.Duration) {
		s.audit.Brokers[0].State = audit.Well
		if at >= 5*time.Minute && at < 8*time.Minute {
			s.audit.Brokers[0].State = audit.Slow
		} else if bad(at, 10*time.Minute) {
			s.audit.Brokers[0].State = audit.Dead
		}
		s.audit.Report.Readers[0].Silent = at >= 5*time.Minute
		s.idle = at >= 20*time.Minute
	},
	fires: map[string]time.Duration{
		"ForebayAuditSilent":     5 * time.Minute,
		"ForebayAuditBrokerSlow": 6 * time.Minute,
		"ForebayAuditBrokerDead": 8 * time.Minute,
		"ForebayAuditNothing":    35 * time.Minute,
	},
	over: []string{"ForebayAuditSilent", "ForebayAuditBrokerSlow", "ForebayAuditBrokerDead"},
}, {
	name: "the application is closed over a cluster that is away", lasts: 15 * time.Minute,
	step: func(s *state, at time.Duration) {
		if at == 10*time.Minute {
			s.settle(routing.High, delivery.Shed, delivery.Closed)
			s.settle(routing.High, delivery.PossiblyPersisted, delivery.UnansweredClose)
		}
	},
}}

func TestAlerts_FireWhenTheyShouldAndOnlyThen(t *testing.T) {
	tested := make(map[string]bool)
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			first, last := story.tell(t)
			for name, want := range story.fires {
				tested[name] = true
				at, fired := first[name]
				require.True(t, fired, "%s never fires", name)
				require.InDelta(t, want.Minutes(), at.Minutes(), 1,
					"%s fires after so many minutes", name)
			}
			for name, at := range first {
				require.Contains(t, story.fires, name, "it fires after %v", at)
			}
			for _, name := range story.over {
				require.NotContains(t, last, name, "it is over")
			}
		})
	}
	for _, r := range rulesOf(t) {
		require.True(t, tested[r.Alert], "no story has %s fire", r.Alert)
	}
}

// tell scrapes the story into a Prometheus' storage by the true collector, and evaluates the rules
// as Prometheus does. It returns when each alert fired first, and those that fire at the end.
func (s *story) tell(t *testing.T) (first map[string]time.Duration, last []string) {
	storage := teststorage.New(t)
	engine := promqltest.NewTestEngine(t, false, 0, promqltest.DefaultMaxSamplesPerQuery)
	manager := rules.NewManager(&rules.ManagerOptions{
		QueryFunc:    rules.EngineQueryFunc(engine, storage),
		AppendableV2: storage,
		Queryable:    storage,
		Context:      t.Context(),
		NotifyFunc:   func(context.Context, string, ...*rules.Alert) {},
		Logger:       slog.New(slog.DiscardHandler),
		Parser:       promql,
	})
	groups, errs := manager.LoadGroups(every, labels.EmptyLabels(), "", nil, false, "alerts.yaml")
	require.Empty(t, errs)
	var all []*rules.AlertingRule
	for _, g := range groups {
		for _, r := range g.Rules() {
			alert := r.(*rules.AlertingRule)
			alert.SetRestored(true)
			all = append(all, alert)
		}
	}
	now := quiet()
	registry := prometheus.NewRegistry()
	registry.MustRegister(prom.New(func() producer.Stats { return now.Stats }, prom.Options{}),
		prom.Of(watch.New(func() audit.Snapshot { return now.audit }), nil))
	first = make(map[string]time.Duration)
	begin := time.Unix(0, 0).UTC()
	for at := time.Duration(0); at <= s.lasts; at += every {
		if s.step(now, at); !now.idle {
			now.audit.Read, now.audit.Numbered = now.audit.Read+100, now.audit.Numbered+100
		}
		app := storage.Appender(t.Context())
		families, err := registry.Gather()
		require.NoError(t, err)
		for _, family := range families {
			for _, m := range family.Metric {
				each(family, m, func(ls labels.Labels, value float64) {
					_, err := app.Append(0, ls, begin.Add(at).UnixMilli(), value)
					require.NoError(t, err)
				})
			}
		}
		require.NoError(t, app.Commit())
		for _, g := range groups {
			g.Eval(t.Context(), begin.Add(at))
		}
		last = nil
		for _, r := range all {
			require.NoError(t, r.LastError(), r.Name())
			if slices.ContainsFunc(r.ActiveAlerts(),
				func(a *rules.Alert) bool { return a.State == rules.StateFiring }) {
				last = append(last, r.Name())
				if _, fired := first[r.Name()]; !fired {
					first[r.Name()] = at
				}
			}
		}
	}
	return first, last
}

// each calls yield with every series of a metric, as Prometheus reads it.
func each(family *dto.MetricFamily, m *dto.Metric, yield func(labels.Labels, float64)) {
	named := func(name string, more ...string) labels.Labels {
		b := labels.NewBuilder(labels.FromStrings(append([]string{"__name__", name, "job", "app",
			"instance", "a:1"}, more...)...))
		for _, l := range m.Label {
			b.Set(l.GetName(), l.GetValue())
		}
		return b.Labels()
	}
	name := family.GetName()
	switch {
	case m.Counter != nil:
		yield(named(name), m.Counter.GetValue())
	case m.Gauge != nil:
		yield(named(name), m.Gauge.GetValue())
	case m.Histogram != nil:
		h := m.Histogram
		for _, b := range h.Bucket {
			if !math.IsInf(b.GetUpperBound(), 1) {
				yield(named(name+"_bucket", "le",
					strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64)),
					float64(b.GetCumulativeCount()))
			}
		}
		yield(named(name+"_bucket", "le", "+Inf"), float64(h.GetSampleCount()))
		yield(named(name+"_count"), float64(h.GetSampleCount()))
		yield(named(name+"_sum"), h.GetSampleSum())
	}
}
