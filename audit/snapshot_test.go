package audit

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
)

// What an agent reads of its own records is timed by one clock, and what another instance sends by
// two.
func TestAgent_SnapshotSaysHowLongRecordsTakeAndByWhichClocks(t *testing.T) {
	r := newRig(t)
	a := r.agent(AgentConfig{Role: Both, Instance: "a", Duration: time.Hour,
		Loads: []Load{{Topic: "views", RecordsPerSecond: 100}}})
	other, source := r.audited("other")
	require.NoError(t, other.Send(producer.Record{Topic: "views"}))
	r.finish(other, source)
	ctx, cancel := context.WithCancel(r.soon())
	reports := make(chan *Report, 1)
	go func() { reports <- a.Run(ctx, nil) }()
	require.Eventually(t, func() bool {
		s := a.Snapshot()
		return s.Topics[0].OneClock.Count() > 0 && s.Topics[0].TwoClocks.Count() == 1 &&
			s.Topics[0].Partitions == 6
	}, time.Minute, 10*time.Millisecond)
	require.False(t, a.Snapshot().Ending)
	cancel()
	require.Eventually(t, func() bool { return a.Snapshot().Ending }, time.Minute, time.Millisecond)
	report := <-reports
	s := a.Snapshot()
	require.Equal(t, report.Total.Seen, s.Topics[0].OneClock.Count()+1)
	require.Equal(t, s.Read, s.Topics[0].OneClock.Count()+1)
	require.Equal(t, s.Read, s.Numbered)
	require.Equal(t, "a", s.Instance)
	require.Equal(t, s.Report.Total, report.Total)
}

// A record from the future shows that a clock is wrong. It took no time.
func TestLatency_IsNeverNegative(t *testing.T) {
	now, l := time.Now(), new(latency)
	l.add(&Header{Run: 1, Intended: now.Add(time.Hour)}, now, 2)
	l.add(&Header{Run: 1, Intended: now.Add(-7 * time.Second)}, now, 2)
	require.Equal(t, uint64(1), l.twoClocks.Buckets[0])
	require.Equal(t, 7.0, l.twoClocks.Sum)
	require.Equal(t, 10*time.Second, l.twoClocks.Quantile(1))
	require.Zero(t, l.oneClock)
}

// How far a reader is behind is counted in the partitions that it was assigned.
func TestReader_SaysHowMuchItHasNotRead(t *testing.T) {
	r := &Reader{cfg: ReaderConfig{Topics: []string{"b", "a"}}, partitions: map[partitionOf]*tracked{
		{"a", 0}: {segment: newSegment("r", "a", 0, 0, 70), high: 100},
		{"a", 1}: {segment: newSegment("r", "a", 1, 0, 70), high: -1}, // not known
		{"a", 2}: {segment: newSegment("r", "a", 2, 0, 7), high: 10}}}
	require.Equal(t, []ReadTopic{{Topic: "a", Partitions: 3, Unread: 33}, {Topic: "b"}}, r.Topics())
}

// The past of a broker is an hour, whatever the clock does.
func TestTally_KeepsAnHour(t *testing.T) {
	var y tally
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range 90 {
		at := noon.Add(time.Duration(i) * time.Minute)
		y.acknowledge(at, time.Second)
		y.acknowledge(at.Add(30*time.Second), 3*time.Second)
		y.fail(at.Add(59 * time.Second))
		y.minute(at.Add(-time.Hour)) // a clock that goes back
	}
	require.Len(t, y.past, pastMinutes)
	require.Equal(t, BrokerMinute{Start: noon.Add(89 * time.Minute), State: Unwatched,
		Acknowledged: 2, Failed: 1, Longest: 3 * time.Second}, y.past[59])
	require.Equal(t, noon.Add(30*time.Minute), y.past[0].Start)
	require.Equal(t, uint64(180), y.ack.Count())
	require.Equal(t, uint64(90), y.failed)
}

// The heartbeats of a broker are counted for it, and its past has the worst state of each minute.
func TestHeart_CountsByBroker(t *testing.T) {
	r := newRig(t)
	_, err := CreateHeartbeatTopic(r.soon(), "hearts", kgo.SeedBrokers(r.brokers...))
	require.NoError(t, err)
	h, err := NewHeart(HeartbeatConfig{Topic: "hearts", Interval: leastInterval}, r.producer(), nil,
		kgo.SeedBrokers(r.brokers...))
	require.NoError(t, err)
	defer h.Close()
	require.Eventually(t, func() bool {
		b := h.Brokers()
		return len(b) == 2 && slices.ContainsFunc(b, func(b BrokerReport) bool {
			return b.Acknowledged.Count() > 1 && b.Read.Count() > 1
		})
	}, time.Minute, 10*time.Millisecond)
	for _, b := range h.Brokers() {
		sent := uint64(0)
		for _, p := range b.Partitions {
			sent += p.Sent
		}
		require.Equal(t, sent, b.Sent)
		require.NotEmpty(t, b.Past)
		require.LessOrEqual(t, b.Acknowledged.Count(), b.Sent)
	}
	h.mu.Lock()
	h.brokers[1].state = Dead // and the next look finds it well
	h.brokers[1].tally.minute(time.Now()).State = Dead
	h.mu.Unlock()
	require.Eventually(t, func() bool { return states(h)[1] != Dead }, time.Minute, time.Millisecond)
	require.True(t, slices.ContainsFunc(h.Brokers()[1].Past,
		func(m BrokerMinute) bool { return m.State == Dead }))
}
