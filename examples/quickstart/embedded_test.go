package main

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/routing"
)

func newEmbedded(t *testing.T) *embedded {
	t.Helper()
	e, err := reserve()
	require.NoError(t, err)
	t.Cleanup(e.close)
	return e
}

func TestEmbedded_DoesNotListenBeforeItStarts(t *testing.T) {
	e := newEmbedded(t)

	for _, priority := range routing.All {
		require.Len(t, e.brokers(priority), brokersPerCluster)
		for _, addr := range e.brokers(priority) {
			_, err := net.Dial("tcp", addr)
			require.Error(t, err)
		}
	}
}

func TestEmbedded_HasItsRecordsAgainWhenItComesBack(t *testing.T) {
	e := newEmbedded(t)
	for _, priority := range routing.All {
		require.NoError(t, e.start(t.Context(), priority))
	}
	before := e.brokers(routing.High)
	id := identity{routing.High, 1}
	client, err := kgo.NewClient(kgo.SeedBrokers(before...))
	require.NoError(t, err)
	defer client.Close()
	rec := &kgo.Record{Topic: "playback.start", Value: id.appendTo(nil)}
	require.NoError(t, client.ProduceSync(t.Context(), rec).FirstErr())

	e.stop(routing.High)
	require.NoError(t, e.start(t.Context(), routing.High))

	require.Equal(t, before, e.brokers(routing.High))
	read, err := e.readBack(t.Context())
	require.NoError(t, err)
	require.Equal(t, []received{{identity: id, cluster: routing.High, topic: "playback.start"}},
		read)
}

func TestEmbedded_WaitsForAPortThatSomebodyTook(t *testing.T) {
	e := newEmbedded(t)
	taken, err := net.Listen("tcp", e.brokers(routing.Low)[1])
	require.NoError(t, err)
	defer taken.Close()
	attempts := 0
	e.starting = func(priority routing.Priority) {
		require.Equal(t, routing.Low, priority)
		if attempts++; attempts == 2 {
			taken.Close()
		}
	}

	require.NoError(t, e.start(t.Context(), routing.Low))

	require.GreaterOrEqual(t, attempts, 2)
}
