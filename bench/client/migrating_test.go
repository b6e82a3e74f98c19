package client

import (
	"context"
	"log"
	"os"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/internal/docs"
)

// What docs/migrating.md shows of other clients is copied from the functions below, so it compiles.
func TestMigrating_ShowsOtherClientsAsTheyAre(t *testing.T) {
	source, err := os.ReadFile("migrating_test.go")
	require.NoError(t, err)
	snippets, err := docs.Snippets("../../docs/migrating.md", "go")
	require.NoError(t, err)
	var clients []string
	for _, snippet := range snippets {
		first, code, _ := strings.Cut(snippet, "\n")
		if strings.HasPrefix(first, "// Forebay") {
			continue // package producer has a test for these
		}
		require.Contains(t, docs.Unindented(string(source)), docs.Unindented(code))
		clients = append(clients, strings.TrimPrefix(first, "// "))
	}
	require.Equal(t, []string{"franz-go", "sarama", "kafka-go"}, clients)
	for _, fromOther := range []any{fromFranz, fromSarama, fromKafkaGo} {
		require.NotNil(t, fromOther)
	}
}

func fromFranz(ctx context.Context, brokers []string, user, event []byte) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return err
	}
	rec := &kgo.Record{Topic: "plays", Key: user, Value: event}
	cl.TryProduce(ctx, rec, func(r *kgo.Record, err error) {
		if err != nil {
			log.Printf("%s: %v", r.Topic, err)
		}
	})
	if err := cl.Flush(ctx); err != nil {
		return err
	}
	cl.Close()
	return nil
}

func fromSarama(brokers []string, user, event []byte) error {
	cfg := sarama.NewConfig()
	cfg.Producer.RequiredAcks = sarama.WaitForAll
	ap, err := sarama.NewAsyncProducer(brokers, cfg) // fails when no broker answers
	if err != nil {
		return err
	}
	go func() {
		for e := range ap.Errors() { // must be read, or the producer stops
			log.Printf("%s: %v", e.Msg.Topic, e.Err)
		}
	}()
	ap.Input() <- &sarama.ProducerMessage{ // blocks when its channel is full
		Topic: "plays",
		Key:   sarama.ByteEncoder(user),
		Value: sarama.ByteEncoder(event),
	}
	return ap.Close()
}

func fromKafkaGo(ctx context.Context, brokers []string, user, event []byte) error {
	w := &kafka.Writer{
		Addr:         kafka.TCP(brokers...),
		RequiredAcks: kafka.RequireAll, // the default of a Writer is no acknowledgement at all
		Async:        true,
		Completion: func(messages []kafka.Message, err error) {
			if err != nil {
				log.Printf("%d messages: %v", len(messages), err)
			}
		},
	}
	// Even with Async it asks a broker for the partitions of a topic, and fails when none answers.
	err := w.WriteMessages(ctx, kafka.Message{Topic: "plays", Key: user, Value: event})
	if err != nil {
		return err
	}
	return w.Close()
}
