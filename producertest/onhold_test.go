package producertest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/producertest"
)

func TestRecorder_KeepsRecordsUntilTheirHoldIsReleased(t *testing.T) {
	var r producertest.Recorder
	hold, reports := producer.NewHold("schema 7"), make(chan producer.Report, 9)
	rec := producer.Record{Topic: "orders", Value: []byte("0????abc"), Hold: hold, Tag: 1}
	require.NoError(t, r.SendFunc(rec, func(rep producer.Report) { reports <- rep }))
	require.NoError(t, r.Send(producer.Record{Topic: "orders", Value: []byte("other")}))
	require.Equal(t, []producer.Record{rec, {Topic: "orders", Value: []byte("other")}}, r.Records())
	hold.Explain("it is away")
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	require.ErrorContains(t, r.Flush(ctx), "1 records are kept back, the first for schema 7: it is away")
	_, err := r.SendWait(ctx, rec)
	require.ErrorContains(t, err, "it is kept back for schema 7: it is away")
	require.Empty(t, reports)

	hold.Release(1, []byte("id=7"))
	require.NoError(t, r.Flush(t.Context()))
	require.Equal(t, producer.Delivered, (<-reports).Outcome)
	require.NoError(t, r.Send(rec))
	patched := producer.Record{Topic: "orders", Value: []byte("0id=7abc"), Tag: 1}
	require.Equal(t, patched, r.Records()[0])
	require.Equal(t, patched, r.Records()[2])
	require.Equal(t, patched, r.Records()[3], "sent with a released Hold")
	require.Equal(t, "0????abc", string(rec.Value), "the caller's")
}

func TestRecorder_AScriptGoesBeforeAHold(t *testing.T) {
	var r producertest.Recorder
	r.Script("orders", producertest.Lose(producer.Expired, producer.ReasonSchemaUnknown),
		producertest.Refuse(producer.ErrBufferFull), producertest.Hold())
	rec := producer.Record{Topic: "orders", Value: []byte("????"), Hold: producer.NewHold("it")}
	rep, err := r.SendWait(t.Context(), rec)
	require.ErrorIs(t, err, producer.ErrNotDelivered)
	require.Equal(t, producer.ReasonSchemaUnknown, rep.Reason)
	require.Equal(t, &rec, rep.Record)
	require.ErrorIs(t, r.Send(rec), producer.ErrBufferFull)
	require.NoError(t, r.Send(rec))
	rec.Hold.Release(0, []byte("1"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	require.ErrorContains(t, r.Flush(ctx), "a script holds")
	r.Release(producertest.Deliver())
	require.NoError(t, r.Flush(t.Context()))
	require.Equal(t, "1???", string(r.Records()[1].Value))
}

func TestRecorder_CloseAndResetForgetHolds(t *testing.T) {
	var r producertest.Recorder
	hold := producer.NewHold("it")
	require.NoError(t, r.Send(producer.Record{Topic: "orders", Hold: hold}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	for i := range 2 {
		s, err := r.Close(ctx)
		require.Equal(t, i == 0, errors.Is(err, producer.ErrLeft))
		require.EqualValues(t, 1, s.Left)
		require.EqualValues(t, 1, s.Lost[producer.ReasonSchemaUnknown])
	}
	r.Reset()
	require.NoError(t, r.Send(producer.Record{Topic: "orders", Value: []byte("?"), Hold: hold}))
	r.Reset()
	hold.Release(0, []byte("1"))
	require.Empty(t, r.Records())
}
