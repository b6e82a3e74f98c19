//go:build unix

package event_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/cloudevents/sdk-go/protocol/kafka_sarama/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/event"
	"github.com/forebay-go/forebay/test/kafkatest"
)

// read returns what the official SDK makes of a record.
func read(t *testing.T, r *kgo.Record) cloudevents.Event {
	t.Helper()
	m := &sarama.ConsumerMessage{Key: r.Key, Value: r.Value, Topic: r.Topic,
		Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp}
	for _, h := range r.Headers {
		m.Headers = append(m.Headers, &sarama.RecordHeader{Key: []byte(h.Key), Value: h.Value})
	}
	message := kafka_sarama.NewMessageFromConsumerMessage(m)
	require.Equal(t, binding.EncodingBinary, message.ReadEncoding())
	e, err := binding.ToEvent(t.Context(), message)
	require.NoError(t, err)
	require.NoError(t, e.Validate())
	return *e
}

// The official SDK reads our events, and writes the same headers and the same value for them.
func TestKafka_TheCloudEventsSDKReadsOurEvents(t *testing.T) {
	t.Parallel()
	c, topic := kafkatest.Shared(t), kafkatest.TopicName(t)
	// else retention may delete records that are so old
	c.CreateTopic(t, topic, 1, kafkatest.TopicConfig("retention.ms", "-1"))
	p := newProducer(t, c)
	e, err := event.New(p, topic, event.JSON[started](),
		event.KeyBy(func(s started) string { return s.User }),
		event.HeaderString("ce_tenant", "7"), event.CloudEvents(event.Attributes{
			Source: "https://example.com/playback?a=b", Type: "com.example.playback.started",
			DataSchema: "https://example.com/schemas/started/1"}))
	require.NoError(t, err)
	times := []time.Time{{}, time.Date(2026, 11, 30, 1, 2, 3, 0, time.UTC),
		time.Date(1999, 12, 31, 23, 59, 59, 120_000_000, time.FixedZone("", -7*3600)),
		time.Now().Add(-time.Hour)}
	begin := time.Now()
	for i, at := range times {
		require.NoError(t, e.Send(started{User: "u7", Title: i}, event.At(at),
			event.Subject("Björk & <co>")))
	}
	require.NoError(t, e.Send(started{User: "u7", Title: 4}, event.ID("my own")))
	require.NoError(t, e.SendTombstone([]byte("u7")))
	deliver(t, p)

	records := c.Read(t, topic)
	require.Len(t, records, len(times)+2)
	ids := make(map[string]bool)
	for i, r := range records {
		got := read(t, r)
		require.Equal(t, "1.0", got.SpecVersion())
		require.Equal(t, "https://example.com/playback?a=b", got.Source())
		require.Equal(t, "com.example.playback.started", got.Type())
		require.Equal(t, "7", got.Extensions()["tenant"])
		require.Equal(t, r.Timestamp.UnixMilli(), got.Time().UnixMilli(), "Kafka has the same time")
		ids[got.ID()] = true
		if i == len(records)-1 {
			require.Nil(t, r.Value)
			require.Empty(t, got.Data())
			require.Empty(t, got.DataContentType())
			continue
		}
		require.Equal(t, "application/json", got.DataContentType())
		require.Equal(t, "https://example.com/schemas/started/1", got.DataSchema())
		var data started
		require.NoError(t, got.DataAs(&data))
		require.Equal(t, started{User: "u7", Title: i}, data)
		if i < len(times) {
			require.Equal(t, "Björk & <co>", got.Subject())
			if !times[i].IsZero() {
				require.True(t, times[i].Equal(got.Time()))
			} else {
				require.WithinRange(t, got.Time(), begin, time.Now())
			}
		} else {
			require.Equal(t, "my own", got.ID())
		}
		requireWrittenAlike(t, r, got)
	}
	require.Len(t, ids, len(records))
}

// requireWrittenAlike has the SDK write an event that it has read, and compares the records.
func requireWrittenAlike(t *testing.T, r *kgo.Record, e cloudevents.Event) {
	t.Helper()
	for _, name := range []string{"kafkaoffset", "kafkapartition", "kafkatopic"} {
		e.SetExtension(name, nil) // the SDK has added these while it read
	}
	var m sarama.ProducerMessage
	require.NoError(t, kafka_sarama.WriteProducerMessage(t.Context(), binding.ToMessage(&e), &m))
	var theirs []kgo.RecordHeader
	for _, h := range m.Headers {
		theirs = append(theirs, kgo.RecordHeader{Key: string(h.Key), Value: h.Value})
	}
	byKey := func(a, b kgo.RecordHeader) int { return cmp.Compare(a.Key, b.Key) }
	slices.SortFunc(theirs, byKey)
	ours := slices.Clone(r.Headers)
	slices.SortFunc(ours, byKey)
	require.Equal(t, theirs, ours)
	value, err := m.Value.Encode()
	require.NoError(t, err)
	require.Equal(t, value, r.Value)
}
