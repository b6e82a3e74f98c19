package producer_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/internal/docs"
	"github.com/forebay-go/forebay/kgocompat"
	"github.com/forebay-go/forebay/partitioner"
	"github.com/forebay-go/forebay/producer"
)

// What docs/migrating.md shows of Forebay is copied from the functions below, so it compiles and
// runs. The snippets of other clients are in bench/client, whose module has these clients.
func TestMigrating_ShowsCodeThatRuns(t *testing.T) {
	source, err := os.ReadFile("migrating_test.go")
	require.NoError(t, err)
	snippets, err := docs.Snippets("../docs/migrating.md", "go")
	require.NoError(t, err)
	shown := 0
	for _, snippet := range snippets {
		first, code, _ := strings.Cut(snippet, "\n")
		if !strings.HasPrefix(first, "// Forebay") {
			continue
		}
		require.Contains(t, docs.Unindented(string(source)), docs.Unindented(code))
		shown++
	}
	require.Equal(t, 5, shown)
}

// forMigrants returns an embedded Kafka.
func forMigrants() (brokers []string, end func()) {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "plays"))
	if err != nil {
		panic(err)
	}
	return kafka.ListenAddrs(), kafka.Close
}

func Example_migratingProgram() {
	brokers, end := forMigrants()
	defer end()
	user, event := []byte("alice"), []byte("start")

	delivered := func(r producer.Report) {
		if r.Outcome != producer.Delivered {
			fmt.Printf("record %d to %s: %v: %v\n", r.Tag, r.Topic, r.Reason, r.Err)
		}
	}
	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"events": {Brokers: brokers}},
	}, producer.WithDelivery(delivered))
	if err != nil {
		panic(err) // a setting is wrong; whether Kafka is there makes no difference
	}

	rec := producer.Record{Topic: "plays", Key: user, Value: event, Tag: 7}
	if err := p.Send(rec); errors.Is(err, producer.ErrBufferFull) {
		// Kafka has been away for a long time. Drop the record or keep it elsewhere.
	}

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	summary, err := p.Close(ctx) // delivers what waits, at most until ctx ends

	fmt.Println(summary, err)
	// Output: 1 accepted, 1 delivered <nil>
}

func Example_migratingShim() {
	brokers, end := forMigrants()
	defer end()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	user, event := []byte("alice"), []byte("start")

	cl, err := kgocompat.NewClient(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"events": {Brokers: brokers}},
	}) // was: kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		panic(err)
	}
	rec := &kgo.Record{Topic: "plays", Key: user, Value: event}
	cl.Produce(ctx, rec, func(r *kgo.Record, err error) {
		fmt.Println(r.Topic, r.Offset, errors.Is(err, kgo.ErrMaxBuffered), err)
	})
	err = cl.Flush(ctx)
	cl.Close() // delivers what waits, for ten seconds at most

	fmt.Println(err)
	// Output:
	// plays 0 false <nil>
	// <nil>
}

func Example_migratingFlush() {
	brokers, end := forMigrants()
	defer end()
	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"events": {Brokers: brokers}},
	})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	lines := [][]byte{[]byte("one"), []byte("two")}

	before := p.Stats().Total.Delivered
	for _, line := range lines {
		if err := p.Send(producer.Record{Topic: "plays", Value: line}); err != nil {
			panic(err)
		}
	}
	err = p.Flush(ctx) // every record has an outcome now, or err says what they wait for
	sent := p.Stats().Total.Delivered - before

	fmt.Println(sent, err)
	_, _ = p.Close(ctx)
	// Output: 2 <nil>
}

func Example_migratingSecurity() {
	cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{"events": {
		Brokers: []string{"kafka-1:9093", "kafka-2:9093"},
		TLS:     producer.TLSConfig{Enabled: true, CAFile: "/etc/kafka/ca.pem"},
		SASL: producer.SASLConfig{
			Mechanism:    "scram-sha-512",
			User:         "player",
			PasswordFile: "/run/secrets/kafka", // read again for each connection
		},
	}}}

	_, err := cfg.Complete()
	fmt.Println(err)
	// Output: <nil>
}

// FNVKeys gives keys the partitions of sarama's NewHashPartitioner and kafka-go's Hash.
type FNVKeys struct{ partitioner.Sticky }

func (FNVKeys) ForKey(_ string, key []byte, partitions int32) int32 {
	h := fnv.New32a()
	h.Write(key)
	p := int32(h.Sum32()) % partitions
	return max(p, -p)
}

// The partitions are those that sarama 1.61.1 and kafka-go 0.4.51 gave these keys.
func Example_migratingKeys() {
	cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{"events": {
		Brokers: []string{"127.0.0.1:1"},
	}}}

	p, err := producer.New(cfg, producer.WithPartitioner(FNVKeys{}))

	fmt.Println(err)
	for _, key := range []string{"alice", "bob", "carol"} {
		fmt.Println(key, FNVKeys{}.ForKey("plays", []byte(key), 12))
	}
	_, _ = p.Close(context.Background())
	// Output:
	// <nil>
	// alice 5
	// bob 8
	// carol 2
}
