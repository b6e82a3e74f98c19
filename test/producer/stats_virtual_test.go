//go:build synctests

package producer_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/proof"
)

func TestVirtual_StatsTellOfAnOutageAndAFallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14")
		f := newField(t, two, nil)
		defer f.end()
		f.begin()
		f.stream(time.Second)
		f.k["main"].link.Cut()
		require.NoError(t, f.ledger.Send(f.p,
			producer.Record{Topic: "events", Priority: routing.High}))
		f.stream(10 * time.Second)
		s := f.p.Stats()
		away, medium := s.Lanes[routing.High], s.Lanes[routing.Medium]
		require.Equal(t, "main", away.Cluster)
		require.False(t, away.FellBack)
		require.InDelta(t, 10, away.Oldest.Seconds(), 0.2, "high waits since the cut")
		require.Equal(t, "spare", medium.Cluster)
		require.True(t, medium.FellBack)
		require.EqualValues(t, 1, medium.Switches)
		require.InDelta(t, 5, time.Since(medium.Since).Seconds(), 1.5)
		require.EqualValues(t, 2, s.Clusters["main"].Changes, "up, down")
		f.k["main"].link.Restore()
		f.stream(70 * time.Second)
		f.flush()
		s = f.p.Stats()
		require.Zero(t, s.Lanes[routing.High].Oldest)
		require.EqualValues(t, 2, s.Lanes[routing.Medium].Switches)

		var kinds []string
		for _, e := range f.p.History() {
			kinds = append(kinds, fmt.Sprint(e.Kind, " ", e.Cluster))
		}
		require.ElementsMatch(t, []string{"cluster main", "cluster spare"}, kinds[:2])
		require.Equal(t, []string{"cluster main", "fell back spare", "cluster main",
			"returned main"}, kinds[2:6])

		requireSums(t, &s)
		require.Equal(t, s.Total.Delivered, s.DeliveryTime.Count())
		require.Greater(t, s.DeliveryTime.Quantile(1), 9*time.Second, "the oldest of high")
		require.Less(t, s.DeliveryTime.Quantile(0.5), time.Second)
		require.GreaterOrEqual(t, s.Attempts, s.Requests)
		closeWithin(t, f.p, time.Minute)
		f.judge()
		c.Bit("clusters cut off", 1)
		f.ledger.Prove(c)
	})
}

// requireSums fails the test unless the paths make up the whole.
func requireSums(t *testing.T, s *producer.Stats) {
	t.Helper()
	var sum producer.Traffic
	for _, path := range s.Paths {
		require.NotEmpty(t, path.Cluster)
		sum.Requests += path.Requests
		sum.RequestRecords += path.RequestRecords
		sum.Attempts += path.Attempts
		sum.Retries += path.Retries
	}
	require.Equal(t, s.Requests, sum.Requests)
	require.Equal(t, s.RequestRecords, sum.RequestRecords)
	require.Equal(t, s.Attempts, sum.Attempts)
	require.Equal(t, s.Retries, sum.Retries)
}

func TestVirtual_StatsCountAttemptsAndRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F8"), setup{topics: map[string]int32{"events": 1}},
			func(b *bubble) {
				b.send("events", 10)
				b.flush()
				require.Zero(t, b.p.Stats().Retries)
				require.Positive(t, b.p.Stats().Attempts)
				b.k.link.CutAfterWrites(7)
				for range 20 {
					b.send("events", 10)
					time.Sleep(100 * time.Millisecond)
				}
				b.proof.Bit("connections cut right after a write", b.k.link.Cuts())
				b.k.link.CutAfterWrites(0)
			})
		require.Positive(t, s.Retries)
		require.Greater(t, s.Attempts, s.Retries)
	})
}

// A wrong address at the start must not be silent.
func TestVirtual_F1_AClusterThatNobodyReachesIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		judged(t, proof.Of(t, "F1"), setup{before: func(b *bubble) { b.k.link.Cut() }},
			func(b *bubble) {
				b.send("events", 10)
				time.Sleep(4 * time.Second)
				require.Zero(t, b.logs.Len())
				time.Sleep(5 * time.Minute)
				lines := b.logs.All()
				require.Len(t, lines, 1)
				require.Equal(t, "cluster not reached yet", lines[0].Message)
				require.Contains(t, lines[0].ContextMap()["reason"], "refused")
				b.proof.Bit("clusters that are not there", 1)
				b.k.link.Restore()
			})
	})
}

// What waits counts for the cluster that is to get it, also where a fallback takes some topics
// only.
func TestVirtual_F14_ATopicThatStaysCountsForItsOwnCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newField(t, []string{"main", "spare"}, func(cfg *producer.Config) {
			cfg.Priorities.Medium.Fallbacks = []routing.Fallback{{Cluster: "spare",
				Topics: []string{"events"}}}
		})
		defer f.end()
		f.make("main", "secret", "secret")
		f.begin()
		f.stream(time.Second)
		f.k["main"].link.Cut()
		f.stream(30 * time.Second)
		f.flush()
		f.k["spare"].link.Cut()
		for i := range 100 {
			require.NoError(t, f.ledger.Send(f.p,
				producer.Record{Topic: "secret", Value: make([]byte, 20)}))
			if i%4 == 0 {
				require.NoError(t, f.ledger.Send(f.p,
					producer.Record{Topic: "events", Value: make([]byte, 20)}))
			}
		}
		s := f.p.Stats()
		require.True(t, s.Lanes[routing.Medium].FellBack)
		require.EqualValues(t, 100, s.Clusters["main"].Pending)
		require.EqualValues(t, 25, s.Clusters["spare"].Pending)
		sum := producer.Books{}
		for name, c := range s.Clusters {
			require.True(t, c.Balanced(), name)
			sum.Add(&c.Books)
		}
		require.Equal(t, s.Total, sum)
		f.k["main"].link.Restore()
		f.k["spare"].link.Restore()
		f.flush()
		proof.Of(t, "F14").Bit("clusters cut off", 2)
	})
}

func TestVirtual_StatsSayWhenATopicHasBegunToCountAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newEmbedded(t, 1, map[string]int32{"events": 1})
		defer k.Close()
		p, err := producer.New(k.config(), producer.WithDialer(k.link.Dial))
		require.NoError(t, err)
		defer closeWithin(t, p, 0)
		row := func() producer.TopicStats {
			require.NoError(t, p.Send(producer.Record{Topic: "events"}))
			time.Sleep(time.Second)
			require.Len(t, p.Stats().Topics, 1)
			return p.Stats().Topics[0]
		}
		first := row()
		require.Equal(t, first.Since, row().Since)
		time.Sleep(12 * time.Minute)
		again := row()
		require.True(t, again.Since.After(first.Since))
		require.EqualValues(t, 1, again.Accepted)
	})
}
