//go:build unix

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/test/kafkatest"
)

func TestProduce_DeliversEachLineOnceThoughItsBrokerIsKilled(t *testing.T) {
	cluster := kafkatest.Start(t)
	cluster.CreateTopic(t, topic, 3)
	broker := cluster.Broker(0)
	const lines = 200_000
	stdin, writer := io.Pipe()
	// The buffer is small, so that what was written is close to what was delivered, and the broker
	// dies in the middle.
	c := start(t, stdin, produceArgs(broker.Addr(), "--buffer", "1MiB")...)
	half, written := make(chan struct{}), make(chan error, 1)
	go func() {
		defer writer.Close()
		for i := range lines {
			if i == lines/2 {
				close(half)
			}
			if _, err := io.WriteString(writer, lineNumber(i)+"\n"); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	<-half
	broker.Kill(t)
	broker.Start(t)
	require.NoError(t, <-written)
	require.Equal(t, exitOK, c.wait(t))
	require.Contains(t, c.lastLine(), "accepted 200,000, delivered 200,000, not delivered 0, in ")

	got := make([]string, 0, lines)
	cluster.ReadEach(t, topic, func(r *kgo.Record) { got = append(got, string(r.Value)) })
	slices.Sort(got)
	require.Len(t, got, lines)
	for i, value := range got {
		require.Equal(t, lineNumber(i), value)
	}
}

func lineNumber(i int) string { return fmt.Sprintf("%08d %s", i, strings.Repeat("x", 100)) }
