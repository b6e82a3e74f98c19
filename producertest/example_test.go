package producertest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/internal/docs"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/producertest"
)

// Shop sends an event for each order.
type Shop struct{ events producer.Sender }

// Order reports whether the event of the order was accepted.
func (s *Shop) Order(id int) bool {
	err := s.events.Send(producer.Record{Topic: "orders", Value: fmt.Appendf(nil, "order %d", id)})
	return !errors.Is(err, producer.ErrBufferFull)
}

func TestShop_SendsAnEvent(t *testing.T) {
	var events producertest.Recorder
	shop := Shop{&events}
	events.Script("orders", producertest.Deliver(), producertest.Refuse(producer.ErrBufferFull))
	require.True(t, shop.Order(17))
	require.False(t, shop.Order(18))
	events.RequireCount(t, "orders", 1)
	events.RequireSent(t, producertest.Want{Topic: "orders", Value: []byte("order 17")})
}

func TestShop_SendsToKafka(t *testing.T) {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	require.NoError(t, err)
	defer kafka.Close()
	events, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"events": {Brokers: kafka.ListenAddrs()}},
	})
	require.NoError(t, err)
	shop := Shop{events}
	require.True(t, shop.Order(17))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = events.Close(ctx)
	require.NoError(t, err)

	reader, err := kgo.NewClient(kgo.SeedBrokers(kafka.ListenAddrs()...),
		kgo.ConsumeTopics("orders"))
	require.NoError(t, err)
	defer reader.Close()
	records := reader.PollFetches(ctx).Records()
	require.Equal(t, "order 17", string(records[0].Value))
}

// The FAQ shows the code above.
func TestFAQ_ShowsTestsThatPass(t *testing.T) {
	source, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	snippets, err := docs.Snippets("../FAQ.md", "go")
	require.NoError(t, err)
	tests := 0
	for _, snippet := range snippets {
		if strings.Contains(snippet, "TestShop") {
			tests++
			require.Contains(t, string(source), snippet)
		}
	}
	require.Equal(t, 2, tests)
}

func ExampleRecorder() {
	var r producertest.Recorder
	_ = r.Send(producer.Record{Topic: "orders", Value: []byte("order 17")})
	for _, rec := range r.Records("orders") {
		fmt.Printf("%s\n", rec.Value)
	}
	// Output: order 17
}
