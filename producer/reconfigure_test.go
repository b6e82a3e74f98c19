package producer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

func TestReconfigure_BoundsTopicsThatAreThere(t *testing.T) {
	var cfg producer.Config
	p := nowhere(t, func(c *producer.Config) { c.Batching.MaxBytes = 64 << 10; cfg = *c })
	fill := func() (accepted int) {
		for p.Send(producer.Record{Topic: "events", Value: make([]byte, 1000)}) == nil &&
			accepted < 5000 {
			accepted++
		}
		return accepted
	}
	require.Equal(t, 5000, fill())
	cfg.Topics = []producer.TopicConfig{{Topic: "events", Priority: routing.Medium, MaxShare: 0.05}}
	require.NoError(t, p.Reconfigure(cfg))
	require.Less(t, fill(), 100, "5 MB of 64 MiB are held")
	cfg.Topics = nil
	require.NoError(t, p.Reconfigure(cfg))
	require.Equal(t, 5000, fill())
	cfg.Buffer.MaxBytes = 8 << 20
	require.NoError(t, p.Reconfigure(cfg))
	require.Less(t, fill(), 100, "10 MB are held")
	require.EqualValues(t, 8<<20, p.Stats().MaxBytes)
}

func TestProducer_ConfigIsACopyOfWhatIsInForce(t *testing.T) {
	t.Parallel()
	p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{"main": {
		Brokers: []string{"127.0.0.1:1"}, SASL: producer.SASLConfig{Mechanism: "plain", User: "u",
			Password: "of-the-night"},
		TLS: producer.TLSConfig{Enabled: true},
	}}})
	require.NoError(t, err)
	defer func() { _, _ = p.Close(t.Context()) }()
	cfg := p.Config()
	require.Equal(t, 10*time.Millisecond, cfg.Batching.Linger, "defaults are filled in")
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg), "of-the-night")
	cfg.Clusters["main"].Brokers[0] = "elsewhere:1"
	require.Equal(t, "127.0.0.1:1", p.Config().Clusters["main"].Brokers[0])
	cfg = p.Config()
	cfg.Batching.Linger = 20 * time.Millisecond
	require.NoError(t, p.Reconfigure(cfg), "what it returns can be given back")
	require.Equal(t, cfg, p.Config())
	cfg.Batching.Linger, cfg.Priorities.Low.GuaranteedShare = producer.NoLinger, producer.NoGuarantee
	require.NoError(t, p.Reconfigure(cfg))
	require.NoError(t, p.Reconfigure(p.Config()))
	require.Equal(t, cfg, p.Config(), "what stands for none does so again")
}
