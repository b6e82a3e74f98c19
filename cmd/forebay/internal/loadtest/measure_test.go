package loadtest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
)

// onFake has do measure a fake, in virtual time.
func onFake(t *testing.T, c *Config, do func(t *testing.T, b *bench, kafka *fakeKafka)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, c.Complete())
		clock := newMeter("east")
		kafka := newFakeKafka(clock, 20_000)
		defer kafka.close()
		do(t, newFakeBench(c, kafka, clock), kafka)
	})
}

// measured takes one measurement of a fake, in virtual time.
func measured(t *testing.T, c *Config, change func(*fakeKafka, *meter)) (m *Measurement, err error) {
	t.Helper()
	onFake(t, c, func(t *testing.T, b *bench, kafka *fakeKafka) {
		change(kafka, b.meter)
		m, err = b.measure(t.Context(), t.Context(), c.RecordsPerSecond[0], nil, named{})
	})
	return m, err
}

func TestMeasure_CountsWhatWasDueAfterTheWarmUp(t *testing.T) {
	m, err := measured(t, testConfig(), func(*fakeKafka, *meter) {})
	require.NoError(t, err)
	require.EqualValues(t, 10_000, m.Sent)
	require.EqualValues(t, 10_000, m.Delivered)
	require.EqualValues(t, 10_000, m.Ack.Count)
	require.InDelta(t, 1000, m.SentRate, 1)
	require.InDelta(t, 1000, m.DeliveredRate, 1)
	require.InDelta(t, 0.1, m.MegabytesRate, 0.001)
	require.InDelta(t, 10, m.Seconds, 0.001)
	require.Less(t, m.Ack.Max, Millis(2))
	require.Empty(t, m.Problems)
	require.Empty(t, m.Verdict)
	require.Nil(t, m.BrokerCPU, "what is not at hand is not 0")
}

func TestMeasure_AStallInTheWarmUpIsLeftOut(t *testing.T) {
	m, err := measured(t, testConfig(), func(f *fakeKafka, _ *meter) {
		f.stallFrom, f.stallUpto = 500*time.Millisecond, 1500*time.Millisecond
	})
	require.NoError(t, err)
	require.Less(t, m.Ack.Max, Millis(2))
}

// A client that waits for each answer before it sends the next record would have one record of one
// second among 9,000: its 99th percentile would not show the stall.
func TestMeasure_AStallCountsForEveryRecordThatWasDueInIt(t *testing.T) {
	m, err := measured(t, testConfig(), func(f *fakeKafka, _ *meter) {
		f.stallFrom, f.stallUpto = 5*time.Second, 6*time.Second
	})
	require.NoError(t, err)
	require.EqualValues(t, 10_000, m.Delivered)
	require.InDelta(t, 900, float64(m.Ack.P99), 20)
	require.InDelta(t, 1000, float64(m.Ack.Max), 20)
	require.Less(t, m.Ack.P50, Millis(2))
	require.Less(t, m.SenderLate.Max, Millis(2), "the sender does not wait for Kafka")
}

// stallingSender is a Send that takes a second once, as where the machine has no time for it.
type stallingSender struct {
	producer.Sender
	meter *meter
	at    time.Duration
	done  bool
}

func (s *stallingSender) Send(rec producer.Record) error {
	if !s.done && s.meter.since() >= s.at {
		s.done = true
		time.Sleep(time.Second)
	}
	return s.Sender.Send(rec)
}

func TestMeasure_AStallOfTheSenderCountsFromTheIntendedTime(t *testing.T) {
	c := testConfig()
	c.Objective = &Objective{P99: 50 * time.Millisecond}
	onFake(t, c, func(t *testing.T, b *bench, kafka *fakeKafka) {
		b.sender.to = &stallingSender{Sender: kafka, meter: b.meter, at: 5 * time.Second}
		m, err := b.measure(t.Context(), t.Context(), 1000, nil, named{})
		require.NoError(t, err)
		require.EqualValues(t, 10_000, m.Delivered)
		require.InDelta(t, 900, float64(m.Ack.P99), 20)
		require.InDelta(t, 900, float64(m.SenderLate.P99), 20)
		require.Equal(t, Inconclusive, m.Verdict, "this says nothing about Kafka")
		require.Contains(t, m.Problems[0], "p99 is above the objective only because the sender")
	})
}

// slowSender is a Send that takes long.
type slowSender struct {
	producer.Sender
	takes time.Duration
}

func (s *slowSender) Send(rec producer.Record) error {
	time.Sleep(s.takes)
	return s.Sender.Send(rec)
}

func TestMeasure_ASenderThatCannotKeepUpIsInconclusive(t *testing.T) {
	onFake(t, testConfig(), func(t *testing.T, b *bench, kafka *fakeKafka) {
		b.sender.to = &slowSender{kafka, 2 * time.Millisecond}
		began := time.Now()
		m, err := b.measure(t.Context(), t.Context(), 1000, nil, named{})
		require.NoError(t, err)
		require.Equal(t, Inconclusive, m.Verdict)
		require.Equal(t, "the sender is too slow on this machine: it reached 400 of 1000 records/s",
			m.Problems[0], "half of its rate, less what it still owed at the end of the warm-up")
		require.Positive(t, m.NotSent)
		require.EqualValues(t, 10_000, m.Sent+m.NotSent)
		require.Less(t, time.Since(began), 14*time.Second, "it gives up what it owes")
	})
}

func TestMeasure_CountsWhatIsNotDelivered(t *testing.T) {
	c := testConfig()
	c.Objective = &Objective{Loss: 0.001}
	m, err := measured(t, c, func(f *fakeKafka, _ *meter) { f.lose = 100 })
	require.NoError(t, err)
	require.EqualValues(t, 100, m.Failed)
	require.EqualValues(t, 9900, m.Delivered)
	require.Equal(t, map[string]uint64{"delivery timeout": 100}, m.Reasons)
	require.Equal(t, Missed, m.Verdict)
	require.Equal(t, []string{"loss 0.01 > 0.001"}, m.MissedBy)
}

func TestMeasure_ARateAboveTheCapacityIsRefusedAndLate(t *testing.T) {
	c := testConfig()
	c.RecordsPerSecond = []float64{4000}
	c.Objective = &Objective{P99: 50 * time.Millisecond}
	m, err := measured(t, c, func(f *fakeKafka, _ *meter) { f.capacity = 2000 })
	require.NoError(t, err)
	require.InDelta(t, 20_000, float64(m.Refused), 100)
	require.EqualValues(t, m.Refused, m.Reasons["buffer full"])
	require.EqualValues(t, 40_000, m.Delivered+m.Refused)
	require.InDelta(t, 2000, m.DeliveredRate, 10)
	require.InDelta(t, 2000, float64(m.Ack.P50), 100)
	require.Equal(t, Missed, m.Verdict)
	require.Len(t, m.MissedBy, 2)
}

func TestMeasure_EndsWhereKafkaAcknowledgesNothingAnyMore(t *testing.T) {
	c := testConfig()
	m, err := measured(t, c, func(f *fakeKafka, _ *meter) {
		f.most, f.stallFrom, f.stallUpto = time.Hour, 4*time.Second, 5*time.Minute
	})
	require.ErrorIs(t, err, errAway)
	require.ErrorContains(t, err, "8000 records wait, and none had an outcome for 30s")
	require.EqualValues(t, 2000, m.Delivered)
	require.EqualValues(t, 8000, m.Open)
	require.InDelta(t, 0.8, m.Loss(), 0.001)
}

func TestMeasure_AnInterruptKeepsWhatWasMeasured(t *testing.T) {
	onFake(t, testConfig(), func(t *testing.T, b *bench, _ *fakeKafka) {
		sending, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		defer cancel()
		m, err := b.measure(sending, t.Context(), 1000, nil, named{})
		require.NoError(t, err)
		require.True(t, m.Interrupted)
		require.InDelta(t, 4, m.Seconds, 0.01)
		require.InDelta(t, 4000, float64(m.Sent), 10)
		require.Equal(t, m.Sent, m.Delivered)
		require.Empty(t, m.Problems)

		sending, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		m, err = b.measure(sending, t.Context(), 1000, nil, named{})
		require.NoError(t, err)
		require.Nil(t, m, "there is nothing to keep of a warm-up")
	})
}

func TestMeasure_DroppedReportsAreSaid(t *testing.T) {
	onFake(t, testConfig(), func(t *testing.T, b *bench, _ *fakeKafka) {
		calls := uint64(0)
		b.dropped = func() uint64 { calls++; return calls }
		m, err := b.measure(t.Context(), t.Context(), 1000, nil, named{})
		require.NoError(t, err)
		require.Equal(t, Inconclusive, m.Verdict)
		require.Contains(t, m.Problems[0], "set reports.max_bytes higher")
	})
}

func TestMeasure_RecordsThatGoToAnotherClusterSayNothingAboutThisOne(t *testing.T) {
	m, err := measured(t, testConfig(), func(f *fakeKafka, _ *meter) { f.cluster = "west" })
	require.NoError(t, err)
	require.Equal(t, Inconclusive, m.Verdict)
	require.Contains(t, m.Problems[0], "10000 records went to another cluster: set audit.cluster")
}
