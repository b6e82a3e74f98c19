package producer_test

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/forebay-go/forebay/preflight"
	"github.com/forebay-go/forebay/producer"
)

// A deploy check ends with an error if records would not be delivered.
func ExampleConfig_Preflight() {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "plays"))
	if err != nil {
		panic(err)
	}
	defer kafka.Close()
	cfg := producer.Config{
		Clusters: map[string]producer.ClusterConfig{"events": {Brokers: kafka.ListenAddrs()}},
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	report, err := cfg.Preflight(ctx, []string{"plays", "players"})
	if err != nil {
		panic(err) // the configuration is wrong in itself
	}
	fmt.Println(report.Level() == preflight.Problem)
	for _, topic := range report.Clusters[0].Topics {
		fmt.Println(topic.Name, topic.Priority, topic.Partitions)
	}
	fmt.Println(report.Err())
	// Output:
	// true
	// plays medium 3
	// players medium 0
	// forebay: preflight:
	// cluster events: players: does not exist: records for it wait: create it, as with "forebay topics apply"
}

// A service that runs asks about the topics that it has sent to.
func ExampleProducer_Preflight() {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "plays"))
	if err != nil {
		panic(err)
	}
	defer kafka.Close()
	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"events": {Brokers: kafka.ListenAddrs()}},
	})
	if err != nil {
		panic(err)
	}
	_ = p.Send(producer.Record{Topic: "plays"})
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	report := p.Preflight(ctx)
	fmt.Println(report.Err())
	for _, finding := range report.Clusters[0].Topics[0].Findings {
		fmt.Println(finding.Level, finding.Text)
	}
	_, _ = p.Close(ctx)
	// Output:
	// <nil>
	// ok exists, 3 partitions
	// ok writing is permitted
	// ok 1 replica
	// ok max.message.bytes is 1,048,588
}
