package kgocompat

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/producertest"
)

func TestProduce_APromiseGetsTheErrorsOfBoth(t *testing.T) {
	for _, row := range []struct {
		step         producertest.Step
		ours, theirs error
		text         string
	}{
		{producertest.Refuse(producer.ErrBufferFull), producer.ErrBufferFull, kgo.ErrMaxBuffered, "buffer full"},
		{producertest.Refuse(producer.ErrRecordTooLarge), producer.ErrRecordTooLarge, kerr.MessageTooLarge, "too large"},
		{producertest.Refuse(producer.ErrClosed), producer.ErrClosed, kgo.ErrClientClosed, "producer closed"},
		{producertest.Refuse(producer.ErrTooManyTopics), producer.ErrTooManyTopics, nil, "too many topics"},
		{producertest.Refuse(producer.ErrNoRoute), producer.ErrNoRoute, nil, "no cluster"},
		{producertest.Refuse(producer.ErrIntercepted), producer.ErrIntercepted, nil, "interceptor"},
		{producertest.Expire(), producer.ErrNotDelivered, kgo.ErrRecordTimeout, "delivery timeout"},
		{producertest.Lose(producer.PossiblyPersisted, producer.ReasonUnanswered), producer.ErrNotDelivered, kgo.ErrRecordTimeout, "possibly persisted"},
		{producertest.Lose(producer.Shed, producer.ReasonClosed), producer.ErrNotDelivered, kgo.ErrClientClosed, "closed"},
		{producertest.Lose(producer.PossiblyPersisted, producer.ReasonUnansweredClose), producer.ErrNotDelivered, kgo.ErrClientClosed, "possibly persisted"},
		{producertest.Lose(producer.Rejected, producer.ReasonTooLarge), producer.ErrNotDelivered, kerr.MessageTooLarge, "too large"},
		{producertest.Lose(producer.Rejected, producer.ReasonInvalid), producer.ErrNotDelivered, kerr.InvalidRecord, "invalid"},
		{producertest.Lose(producer.Shed, producer.ReasonPreemptedByHigh), producer.ErrNotDelivered, kgo.ErrMaxBuffered, "preempted"},
		{producertest.Lose(producer.Shed, producer.ReasonDroppedOldest), producer.ErrNotDelivered, kgo.ErrMaxBuffered, "dropped oldest"},
		{producertest.Lose(producer.Shed, producer.ReasonOverShare), producer.ErrNotDelivered, kgo.ErrMaxBuffered, "share"},
	} {
		t.Run(row.text, func(t *testing.T) {
			var r producertest.Recorder
			r.Script("plays", row.step)
			rec := &kgo.Record{Topic: "plays", Partition: 7, Offset: 8, ProducerID: 9}
			got, err := Over(&r).ProduceSync(t.Context(), rec).First()
			require.Same(t, rec, got)
			require.ErrorIs(t, err, row.ours)
			if row.theirs != nil {
				require.ErrorIs(t, err, row.theirs)
			}
			require.ErrorContains(t, err, row.text)
			require.ErrorContains(t, err, `"plays"`)
			require.EqualValues(t, 7, rec.Partition, "it was chosen by nobody")
			require.EqualValues(t, -1, rec.Offset)
			require.EqualValues(t, -1, rec.ProducerID)
			require.EqualValues(t, -1, rec.ProducerEpoch)
		})
	}
}

// An error of Kafka is not replaced.
func TestOutcomeOf_KeepsTheErrorOfTheBroker(t *testing.T) {
	err := outcomeOf(&producer.Report{Outcome: producer.Rejected, Reason: producer.ReasonInvalid, Err: kerr.InvalidTimestamp})
	require.ErrorIs(t, err, kerr.InvalidTimestamp)
	require.NotErrorIs(t, err, kerr.InvalidRecord)
}

func TestProduce_TellsWhatIsWrongWithItsContext(t *testing.T) {
	var r producertest.Recorder
	_, err := Over(&r).ProduceSync(endedContext(), &kgo.Record{Topic: "plays"}).First()
	require.ErrorIs(t, err, context.Canceled)
	c := Over(&r)
	told := make(chan error, 1)
	c.Produce(endedContext(), &kgo.Record{Topic: "plays"}, func(_ *kgo.Record, err error) { told <- err })
	require.EqualError(t, <-told, `send to "plays": its context had ended before: context canceled`)
	require.Empty(t, r.Records())
}
