//go:build synctests

package registry_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/forebay-go/forebay/event/registry"
	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
)

// fault is what a registry does in place of an answer; nil has it answer.
type fault func(*http.Request) (*http.Response, error)

// bubble is an embedded Kafka, an embedded registry, and a producer and codecs that use them, in
// virtual time.
type bubble struct {
	t       *testing.T
	kafka   *kfake.Cluster
	network *kfake.VirtualNetwork
	link    *faultnet.Link
	reg     *srfake.Registry
	fault   atomic.Pointer[fault]
	p       *producer.Producer
	r       *registry.Registry
}

const topic = "plays"

func newBubble(t *testing.T, cfg registry.Config, opts ...registry.Option) *bubble {
	b := &bubble{t: t, network: new(kfake.VirtualNetwork), reg: srfake.NewRegistry()}
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(19092),
		kfake.ListenFn(b.network.Listen))
	require.NoError(t, err)
	b.kafka = kafka
	require.NoError(t, kafka.CreateTopic(topic, 2, nil))
	b.link = faultnet.New(b.network.DialContext)
	b.p, err = producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{
		"kafka": {Brokers: kafka.ListenAddrs()}}}, producer.WithDialer(b.link.Dial))
	require.NoError(t, err)
	cfg.URLs = []string{"http://registry.test"}
	b.r, err = registry.New(cfg, append(opts, registry.WithHTTPClient(&http.Client{Transport: b}))...)
	require.NoError(t, err)
	return b
}

// RoundTrip asks the registry, without a network.
func (b *bubble) RoundTrip(req *http.Request) (*http.Response, error) {
	if f := b.fault.Load(); f != nil {
		return (*f)(req)
	}
	return b.answer(req)
}

// answer is what the registry answers when it is not at fault.
func (b *bubble) answer(req *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	b.reg.Handler().ServeHTTP(answer, req)
	return answer.Result(), nil
}

// end closes everything. What waits is given up.
func (b *bubble) end() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, _ = b.p.Close(ctx) // the tests look at the books
	require.NoError(b.t, b.r.Close(ctx))
	b.kafka.Close()
}

// balanced checks the books, and returns them.
func (b *bubble) balanced() producer.Books {
	books := b.p.Stats().Total
	require.True(b.t, books.Balanced(), "%+v", books)
	return books
}

// log returns the values in the topic, each partition in its order.
func (b *bubble) log() (values [][]byte) {
	from, total := make(map[int32]kgo.Offset), 0
	for _, p := range b.kafka.PartitionInfos(topic) {
		if n := int(p.HighWatermark - p.LogStartOffset); n > 0 {
			from[p.Partition] = kgo.NewOffset().AtStart()
			total += n
		}
	}
	if total == 0 {
		return nil
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.ListenAddrs()...),
		kgo.Dialer(b.network.DialContext), kgo.DisableClientMetrics(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))
	require.NoError(b.t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for len(values) < total && ctx.Err() == nil {
		for _, rec := range cl.PollFetches(ctx).Records() {
			values = append(values, rec.Value)
		}
	}
	require.Len(b.t, values, total)
	return values
}

// texts returns the texts in the topic, which franz-go decodes, and which must all have one ID.
func (b *bubble) texts(id int) (all []string) {
	b.t.Helper()
	for _, value := range b.log() {
		all = append(all, decoded(b.t, value, id))
	}
	return all
}
