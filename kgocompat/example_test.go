package kgocompat_test

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/kgocompat"
	"github.com/forebay-go/forebay/producer"
)

func ExampleClient() {
	k, _ := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "plays"))
	defer k.Close()

	cl, err := kgocompat.NewClient(producer.Config{Clusters: map[string]producer.ClusterConfig{
		"events": {Brokers: k.ListenAddrs()},
	}})
	if err != nil {
		panic(err) // a setting is wrong
	}
	defer cl.Close()
	cl.Produce(context.Background(), &kgo.Record{Topic: "plays", Value: []byte("started")},
		func(r *kgo.Record, err error) { fmt.Println(r.Topic, r.Partition, r.Offset, err) })
	if err := cl.Flush(context.Background()); err != nil {
		panic(err)
	}
	// Output: plays 0 0 <nil>
}
