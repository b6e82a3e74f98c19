package main

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/forebay-go/forebay/producer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStory_ReadsEveryEventAndLineBackAfterAnOutage(t *testing.T) {
	var out bytes.Buffer
	const span = 300 * time.Millisecond
	require.NoError(t, story(t.Context(), &out, pace{before: span, away: span, after: span}))
	require.Contains(t, out.String(), "The network to Kafka is cut.")
	require.Regexp(t, `Kafka has all \d+ events and all \d+ log lines, and the books balance\.`,
		out.String())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, story(ctx, &out, pace{before: span}), context.Canceled)
}

func TestVerify_SeesWhatIsMissingTwiceOrStrange(t *testing.T) {
	p, err := producer.New(producer.Config{ // nobody listens there
		Clusters: map[string]producer.ClusterConfig{"gone": {Brokers: []string{"127.0.0.1:1"}}}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	defer func() { _, _ = p.Close(ctx) }()
	s, err := newService(p)
	require.NoError(t, err)
	require.NoError(t, s.play(Play{User: "user 0"}))

	var stats producer.Stats
	stats.Total.Accepted, stats.Total.Delivered = 2, 2
	play := &kgo.Record{Topic: playsTopic, Key: []byte("user 0"),
		Value: []byte(`{"number":0,"user":"user 0"}`)}
	line := &kgo.Record{Topic: logsTopic,
		Value: []byte(`{"number":0,"service":"player","msg":"play"}`)}
	require.NoError(t, verify(s, stats, 1, []*kgo.Record{play, line}))
	require.ErrorContains(t, verify(s, stats, 1, []*kgo.Record{play}),
		"the log line of play 0 is in Kafka 0 times")
	require.ErrorContains(t, verify(s, stats, 1, []*kgo.Record{play, line, play}),
		"the event of play 0 is in Kafka 2 times")
	strange := *play
	strange.Key = nil
	require.ErrorContains(t, verify(s, stats, 1, []*kgo.Record{&strange, line}), "never sent")
	stats.Total.Delivered = 1
	require.ErrorContains(t, verify(s, stats, 1, []*kgo.Record{play, line}), "do not balance")
}
