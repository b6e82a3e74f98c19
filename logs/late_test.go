package logs_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/logs"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/producertest"
)

func TestLate_SendsFromUseOn(t *testing.T) {
	var late logs.Late
	var r producertest.Recorder
	rec := producer.Record{Topic: "logs"}
	require.ErrorIs(t, late.Send(rec), logs.ErrNoSender)
	require.NoError(t, late.Flush(t.Context()))
	late.Use(&r)
	require.NoError(t, late.Send(rec))
	require.Len(t, r.Records(), 1)

	r.Script("logs", producertest.Hold())
	require.NoError(t, late.Send(rec))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, late.Flush(ctx), context.Canceled, "the record is held")
	late.Use(nil)
	require.ErrorIs(t, late.Send(rec), logs.ErrNoSender)
}
