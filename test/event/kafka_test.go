//go:build unix

package event_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/event"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
)

type started struct {
	User  string    `json:"user"`
	Title int       `json:"title"`
	At    time.Time `json:"at"`
	Note  string    `json:"note"`
}

// newProducer returns a producer for a real Kafka, which the test closes with deliver.
func newProducer(t *testing.T, c *kafkatest.Cluster) *producer.Producer {
	t.Helper()
	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"events": {Brokers: c.Seeds()}}})
	require.NoError(t, err)
	t.Cleanup(func() { deliver(t, p) })
	return p
}

// deliver closes p, which must have delivered everything then.
func deliver(t *testing.T, p *producer.Producer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := p.Close(ctx)
	require.NoError(t, err)
	require.Equal(t, s.Accepted, s.Delivered)
	stats := p.Stats()
	require.True(t, stats.Total.Balanced())
}

// What franz-go and Kafka's own consumer read is what was given.
func TestKafka_EventsAreReadAsTheyWereGiven(t *testing.T) {
	t.Parallel()
	c, topic := kafkatest.Shared(t), kafkatest.TopicName(t)
	c.CreateTopic(t, topic, 3)
	p := newProducer(t, c)
	e, err := event.New(p, topic, event.JSON[started](),
		event.KeyBy(func(s started) string { return s.User }), event.HeaderString("source", "test"))
	require.NoError(t, err)
	at := time.Date(2026, 11, 30, 1, 2, 3, 456_789_000, time.UTC)
	const users, each = 20, 50
	for n := range users * each {
		require.NoError(t, e.Send(started{User: "ü" + string(rune('a'+n%users)), Title: n / users,
			At: at, Note: strings.Repeat("<&>", n)}, event.At(time.Now())))
	}
	require.NoError(t, e.SendTombstone([]byte("üa")))
	deliver(t, p)

	next := make(map[string]int)
	tombstones := 0
	for _, r := range c.Read(t, topic) {
		require.Equal(t, "test", string(r.Headers[0].Value))
		if r.Value == nil {
			require.Equal(t, "üa", string(r.Key))
			require.Equal(t, each, next["üa"])
			tombstones++
			continue
		}
		var got started
		require.NoError(t, json.Unmarshal(r.Value, &got))
		n := next[got.User]
		next[got.User]++
		index := int(r.Key[len(r.Key)-1] - 'a')
		require.Equal(t, started{User: string(r.Key), Title: n, At: at,
			Note: strings.Repeat("<&>", n*users+index)}, got, "in order for each key")
	}
	require.Equal(t, 1, tombstones)
	require.Len(t, next, users)
	for user, n := range next {
		require.Equal(t, each, n, user)
	}
	lines := strings.Split(strings.TrimSpace(c.ConsoleConsume(t, topic)), "\n")
	require.Len(t, lines, users*each+1)
	for _, line := range lines {
		var got started
		require.NoError(t, json.Unmarshal([]byte(line), &got), line)
	}
}
