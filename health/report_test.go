package health

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

func reportOf(t *testing.T, f *fake, change func()) (r Report) {
	synctest.Test(t, func(t *testing.T) {
		h := New(f)
		if change != nil {
			change()
		}
		time.Sleep(fresh)
		require.NoError(t, json.Unmarshal(get(t, h, "GET", "/health").Body.Bytes(), &r))
	})
	return r
}

func TestReport_SaysWhenAllIsWell(t *testing.T) {
	r := reportOf(t, well(), nil)
	require.Equal(t, Well, r.Status)
	require.Equal(t, "All is well.", r.Summary)
	require.Equal(t, []Problem{}, r.Problems)
}

func TestReport_SaysInWordsWhatIsNotWell(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*producer.Stats, *fake)
		summary string
		problem Problem
	}{
		"a cluster is down": {func(s *producer.Stats, _ *fake) {
			c := producer.ClusterStats{State: producer.Down, Since: noon,
				Reason: "connection refused"}
			c.Pending = 7
			s.Clusters["main"] = c
		}, "Nothing is being lost, but cluster main is down.",
			Problem{Kind: KindCluster, Status: Impaired, Text: "cluster main is down",
				Reason: "connection refused", Cluster: "main", Since: noon, Count: 7}},
		"a cluster was never reached": {func(s *producer.Stats, _ *fake) {
			s.Clusters["main"] = producer.ClusterStats{State: producer.Connecting, Since: noon}
		}, "Nothing is being lost, but cluster main is connecting.",
			Problem{Kind: KindCluster, Status: Impaired, Text: "cluster main is connecting",
				Cluster: "main", Since: noon}},
		"a cluster is degraded": {func(s *producer.Stats, _ *fake) {
			s.Clusters["main"] = producer.ClusterStats{State: producer.Degraded, Since: noon,
				Reason: "broker 2: timeout"}
		}, "Nothing is being lost, but cluster main is degraded.",
			Problem{Kind: KindCluster, Status: Impaired, Text: "cluster main is degraded",
				Reason: "broker 2: timeout", Cluster: "main", Since: noon}},
		"a priority fell back": {func(s *producer.Stats, f *fake) {
			s.Lanes[routing.Medium] = producer.LaneStats{Cluster: "spare", FellBack: true,
				Since: noon}
			f.history = []producer.Event{{Kind: producer.EventFellBack, Priority: routing.Medium,
				Reason: "main is down"}, {Kind: producer.EventCluster, Cluster: "x"}}
		}, "Nothing is being lost, but medium priority has fallen back to cluster spare.",
			Problem{Kind: KindFallback, Status: Impaired,
				Text: "medium priority has fallen back to cluster spare", Reason: "main is down",
				Cluster: "spare", Priority: routing.Medium, Since: noon}},
		"a priority sheds": {func(s *producer.Stats, _ *fake) {
			s.Lanes[routing.Low] = producer.LaneStats{Cluster: "main", Shedding: true}
		}, "Records of low priority are being lost or refused: the buffer is full.",
			Problem{Kind: KindShedding, Status: Losing,
				Text:    "records of low priority are being lost or refused",
				Reason:  "the buffer is full",
				Cluster: "main", Priority: routing.Low}},
		"a topic is not there": {func(s *producer.Stats, _ *fake) {
			s.Topics = manyTopics(2, 1)
		}, "Nothing is being lost, but records of topic t00000 wait.",
			Problem{Kind: KindTopic, Status: Impaired, Text: "records of topic t00000 wait",
				Reason: "it is not there", Topic: "t00000", Cluster: "main",
				Priority: routing.Low}},
		"a topic in trouble": {func(s *producer.Stats, _ *fake) {
			s.Topics = manyTopics(8, 0)
			s.Topics[7].Trouble = "partition 3 has no leader; elect one"
			s.Troubles = []producer.Trouble{{Cause: producer.CauseNoLeader, Topic: "t00007",
				Cluster: "main", Priority: routing.Low,
				Reason: "partition 3 has no leader", Remedy: "elect one", Since: noon, Records: 7}}
		}, "Nothing is being lost, but records of topic t00007 wait.",
			Problem{Kind: KindTopic, Status: Impaired, Text: "records of topic t00007 wait",
				Reason: "partition 3 has no leader", Remedy: "elect one",
				Cause: producer.CauseNoLeader, Topic: "t00007", Cluster: "main",
				Priority: routing.Low, Since: noon, Count: 7}},
		"all topics of a priority in trouble": {func(s *producer.Stats, _ *fake) {
			s.Troubles = []producer.Trouble{{Cause: producer.CauseThrottled, Cluster: "main",
				Priority: routing.Low, Reason: "broker 1 asks to be left alone", Since: noon}}
		}, "Nothing is being lost, but records of low priority wait for cluster main.",
			Problem{Kind: KindTrouble, Status: Impaired,
				Text:   "records of low priority wait for cluster main",
				Reason: "broker 1 asks to be left alone",
				Cause:  producer.CauseThrottled, Cluster: "main", Priority: routing.Low,
				Since: noon}},
		"no producer ID": {func(s *producer.Stats, _ *fake) {
			s.Clusters["main"] = producer.ClusterStats{State: producer.Up,
				Unnumbered: "CLUSTER_AUTHORIZATION_FAILED"}
		}, "Nothing is being lost, but cluster main gives no producer ID, so its log may " +
			"have duplicates.",
			Problem{Kind: KindUnnumbered, Status: Impaired,
				Text:   "cluster main gives no producer ID, so its log may have duplicates",
				Reason: "CLUSTER_AUTHORIZATION_FAILED", Cluster: "main"}},
		"a file of settings is refused": {func(s *producer.Stats, _ *fake) {
			s.Settings = producer.SettingsStats{Source: "forebay.yaml",
				Refused: "3:1: bufer: unknown setting", RefusedAt: noon}
		}, "Nothing is being lost, but the new settings in forebay.yaml are not in force.",
			Problem{Kind: KindSettings, Status: Impaired,
				Text:   "the new settings in forebay.yaml are not in force",
				Reason: "3:1: bufer: unknown setting", Since: noon}},
		"the buffer is nearly full": {func(s *producer.Stats, _ *fake) {
			s.HeldBytes, s.Total.Pending = s.MaxBytes, 9
		}, "Nothing is being lost, but the buffer is nearly full.",
			Problem{Kind: KindBuffer, Status: Impaired, Text: "the buffer is nearly full",
				Count: 9}},
		"the producer is closed": {func(s *producer.Stats, _ *fake) {
			s.Clusters["main"] = producer.ClusterStats{State: producer.ClusterClosed}
			s.Clusters["spare"] = producer.ClusterStats{State: producer.ClusterClosed}
		}, "Nothing is being lost, but the producer is closed.",
			Problem{Kind: KindClosed, Status: Impaired, Text: "the producer is closed"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := well()
			test.change(&f.stats, f)
			r := reportOf(t, f, nil)
			require.Equal(t, []Problem{test.problem}, r.Problems)
			require.Equal(t, test.problem.Status, r.Status)
			require.Equal(t, test.summary, r.Summary)
		})
	}
}

func TestReport_HasNoComplaintOfAClusterThatWasRemoved(t *testing.T) {
	f := well()
	f.removed = "old"
	f.stats.Clusters["old"] = producer.ClusterStats{State: producer.ClusterClosed,
		Reason: "it is not in the settings any more"}
	require.Equal(t, Well, reportOf(t, f, nil).Status)
}

func TestReport_TellsOfLossesByReason(t *testing.T) {
	for reason := range delivery.Reasons {
		require.NotEmpty(t, because[reason], reason)
		f := well()
		settle := func(n uint64) {
			books := f.stats.Priorities[routing.Medium]
			books.Settle(n, delivery.Shed, reason)
			f.stats.Priorities[routing.Medium] = books
		}
		settle(100)
		require.Equal(t, Well, reportOf(t, f, nil).Status, "that was before")
		r := reportOf(t, f, func() { settle(3) })
		require.Equal(t, Losing, r.Status)
		require.Len(t, r.Problems, 1)
		require.EqualValues(t, 3, r.Problems[0].Count)
		require.Equal(t, fresh, r.At.Sub(r.Problems[0].Since))
		require.Equal(t, "Records of medium priority were lost: "+because[reason]+".", r.Summary)
	}
}

func TestReport_TellsWhatSendRefusedAndWhatTheApplicationDidNotTake(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*producer.Stats)
		status Status
		text   string
		reason string
	}{
		"full": {func(s *producer.Stats) { s.Refused[producer.ErrBufferFull] = 2 }, Losing,
			"Send refused records", "the buffer is full"},
		"large": {func(s *producer.Stats) { s.Refused[producer.ErrRecordTooLarge] = 2 }, Losing,
			"Send refused records", "they are larger than batching.max_record_bytes"},
		"topics": {func(s *producer.Stats) { s.Refused[producer.ErrTooManyTopics] = 2 }, Losing,
			"Send refused records", "more topics are in use than buffer.max_topics"},
		"route": {func(s *producer.Stats) { s.Refused[producer.ErrNoRoute] = 2 }, Losing,
			"Send refused records", "their priority has no cluster"},
		"invalid": {func(s *producer.Stats) { s.Refused[producer.ErrInvalidRecord] = 2 }, Losing,
			"Send refused records",
			"the name of their topic is not legal in Kafka, or their partition is negative"},
		"closed": {func(s *producer.Stats) { s.Refused[producer.ErrClosed] = 2 }, Impaired,
			"Send refused records", "the producer is closed"},
		"reports": {func(s *producer.Stats) { s.ReportsDropped = 2 }, Impaired,
			"delivery reports were dropped", "the application's callback does not keep up"},
		"panics": {func(s *producer.Stats) { s.ReportPanics = 2 }, Impaired,
			"the application's callback for delivery reports panicked",
			"see the panic in the application's log"},
		"interceptors": {func(s *producer.Stats) { s.InterceptorPanics = 2 }, Impaired,
			"an interceptor of the application panicked", "see the panic in the application's log"},
		"intercepted": {func(s *producer.Stats) { s.Refused[producer.ErrIntercepted] = 2 }, Losing,
			"Send refused records", "an interceptor of the application refused them"},
		"events": {func(s *producer.Stats) { s.EventsDropped = 2 }, Impaired,
			"events were dropped", "the application's callback does not keep up"},
	} {
		f := well()
		r := reportOf(t, f, func() { test.change(&f.stats) })
		require.Equal(t, test.status, r.Status, name)
		require.Len(t, r.Problems, 1, name)
		p := r.Problems[0]
		require.Equal(t, []any{test.text, test.reason, uint64(2)}, []any{p.Text, p.Reason, p.Count},
			name)
	}
}

func TestReport_NamesTheCauseOfALoss(t *testing.T) {
	f := well()
	f.stats.Clusters["main"] = producer.ClusterStats{State: producer.Down}
	f.stats.Lanes[routing.Low] = producer.LaneStats{Shedding: true}
	r := reportOf(t, f, nil)
	require.Equal(t,
		"Records of low priority are being lost or refused: the buffer is full. Cluster "+
			"main is down.", r.Summary)
	require.Equal(t, []Kind{KindShedding, KindCluster},
		[]Kind{r.Problems[0].Kind, r.Problems[1].Kind})
}

func TestReport_NamesEveryClusterThatIsNotUp(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*fake)
		summary string
	}{
		"nothing is lost": {func(*fake) {},
			"Nothing is being lost, but cluster a is down, cluster b is connecting, and cluster " +
				"main is degraded."},
		"losing": {func(f *fake) { f.stats.Lanes[routing.Low] = producer.LaneStats{Shedding: true} },
			"Records of low priority are being lost or refused: the buffer is full. " +
				"Cluster a is down, cluster b is connecting, and cluster main is degraded."},
		"very many": {func(f *fake) {
			for i := range 20 {
				f.stats.Clusters[fmt.Sprintf("a%02d",
					i)] = producer.ClusterStats{State: producer.Down}
			}
		}, "Nothing is being lost, but cluster a is down, cluster a00 is down, cluster a01 is " +
			"down, cluster a02 is down, cluster a03 is down," +
			" cluster a04 is down, and 17 more clusters are not up."},
	} {
		f := well()
		f.stats.Clusters["a"] = producer.ClusterStats{State: producer.Down}
		f.stats.Clusters["b"] = producer.ClusterStats{State: producer.Connecting}
		f.stats.Clusters["main"] = producer.ClusterStats{State: producer.Degraded}
		test.change(f)
		require.Equal(t, test.summary, reportOf(t, f, nil).Summary, name)
	}
}

// What keeps a priority from its own cluster may change while it is on the fallback: first nobody
// was there, by now a password is wrong.
func TestReport_SaysWhatKeepsAPriorityOnItsFallbackNow(t *testing.T) {
	f := well()
	f.stats.Lanes[routing.Medium] = producer.LaneStats{Cluster: "spare", FellBack: true,
		Since: noon}
	f.history = []producer.Event{{Kind: producer.EventFellBack, Priority: routing.Medium,
		From: "main", Cluster: "spare", Reason: "main is down: connection reset"}}
	f.stats.Clusters["main"] = producer.ClusterStats{State: producer.Down,
		Reason: "SASL authentication failed", Since: noon}
	why := func() string {
		for _, p := range reportOf(t, f, nil).Problems {
			if p.Kind == KindFallback {
				return p.Reason
			}
		}
		return ""
	}
	require.Equal(t, "main is down: SASL authentication failed", why())
	f.stats.Clusters["main"] = producer.ClusterStats{State: producer.Up}
	require.Equal(t, "main is down: connection reset", why(),
		"it is well, and the priority about to return")
}

// A fallback need not take every topic: the others wait for the cluster that the priority has left.
func TestReport_SaysWhatWaitsForTheClusterThatAPriorityHasLeft(t *testing.T) {
	f := well()
	f.stats.Lanes[routing.Medium] = producer.LaneStats{Cluster: "spare", FellBack: true,
		Since: noon}
	f.stats.Clusters["main"] = producer.ClusterStats{State: producer.Down,
		Reason: "connection refused", Since: noon}
	f.stats.Topics = []producer.TopicStats{
		{Topic: "taken", Priority: routing.Medium, Cluster: "spare",
			Books: producer.Books{Pending: 5}},
		{Topic: "a", Priority: routing.Medium, Cluster: "main", Books: producer.Books{Pending: 7}},
		{Topic: "b", Priority: routing.Medium, Cluster: "main", Books: producer.Books{Pending: 4}},
		{Topic: "c", Priority: routing.High, Cluster: "main", Books: producer.Books{Pending: 9}},
	}
	want := Problem{Kind: KindTrouble, Status: Impaired,
		Text: "records of medium priority that its fallback does not take wait for cluster main",
		Reason: "main is down: connection " +
			"refused", Cluster: "main", Priority: routing.Medium, Since: noon, Count: 11}
	require.Contains(t, reportOf(t, f, nil).Problems, want)
}

func TestReport_ForgetsLossesAfterAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := well()
		h := New(f).(*handler)
		f.stats.Refused[producer.ErrBufferFull] = 5
		began := time.Now()
		var losing time.Duration
		for range 600 {
			time.Sleep(fresh)
			if h.looks.look().report.Status == Losing {
				losing = time.Since(began)
			}
			require.LessOrEqual(t, len(h.looks.recent.marks), 14)
		}
		require.InDelta(t, 60, losing.Seconds(), 6)
		time.Sleep(time.Hour)
		f.stats.Refused[producer.ErrBufferFull] = 6
		r := h.looks.look().report
		require.EqualValues(t, 1, r.Problems[0].Count)
		require.InDelta(t, 3600, r.At.Sub(r.Problems[0].Since).Seconds(), 70,
			"nobody has looked for an hour")
		time.Sleep(time.Hour)
		require.Equal(t, Well, h.looks.look().report.Status)
	})
}

// BenchmarkLook is what a poll costs, beside Stats, which is a fake's here.
func BenchmarkLook(b *testing.B) {
	f := well()
	f.stats.Topics = manyTopics(10_000, 100)
	h := New(f).(*handler)
	b.ReportAllocs()
	for b.Loop() {
		h.looks.last = nil
		_ = h.looks.look().data()
	}
}
