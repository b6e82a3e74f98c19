package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

func TestIdentity_IsReadFromTheValueOfItsRecord(t *testing.T) {
	for _, id := range []identity{{routing.High, 1}, {routing.Medium, 0},
		{routing.Low, 18446744073709551615}} {
		got, err := parseIdentity(id.appendTo(nil))
		require.NoError(t, err)
		require.Equal(t, id, got)
	}
	for _, value := range []string{"", "high", "high ", "high -1", "highest 1", "high 1 2",
		"unset 1"} {
		_, err := parseIdentity([]byte(value))
		require.Error(t, err, value)
	}
}

func TestSender_KeepsApartWhatWasAcceptedAndRefused(t *testing.T) {
	e := newEmbedded(t) // and nothing runs
	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"low": {Brokers: e.brokers(routing.Low)}},
		Buffer:   producer.BufferConfig{MaxBytes: 1 << 20},
	})
	require.NoError(t, err)
	none, cancel := context.WithCancel(t.Context())
	cancel()
	defer p.Close(none)
	l := &load{senders: []*sender{{p: p, priority: routing.Low}}, cancel: cancel}
	s := l.senders[0]

	sent := 0
	for ; s.refused < 100 && sent < 1_000_000; sent++ {
		s.send(identity{routing.Low, uint64(sent)})
		s.passEmpty()
	}

	refused, err := l.refused()
	require.Equal(t, 100, refused, "the buffer is small")
	require.ErrorIs(t, err, producer.ErrBufferFull)
	require.Equal(t, sent, len(l.accepted())+refused)
	stats := p.Stats()
	require.Equal(t, uint64(len(l.accepted())), stats.Total.Accepted)
	require.Equal(t, uint64(refused), stats.Total.Refused)
	require.Len(t, l.calls(), sent)
	require.IsNonDecreasing(t, l.calls())
	require.Positive(t, l.longestEmpty())
	require.GreaterOrEqual(t, s.inEmpty, s.inSend, "the empty passes are a fair comparison")
}
