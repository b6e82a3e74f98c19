package producer_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

func Example() {
	// instead of a real one
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "playback.start"))
	if err != nil {
		panic(err)
	}
	defer kafka.Close()

	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"events": {Brokers: kafka.ListenAddrs()}},
		Topics:   []routing.Rule{{Topic: "playback.*", Priority: routing.High}},
	})
	if err != nil {
		panic(err) // the configuration is wrong in itself
	}
	for i := range 100 {
		err := p.Send(producer.Record{Topic: "playback.start", Value: fmt.Append(nil, "title ", i)})
		if errors.Is(err, producer.ErrBufferFull) {
			fmt.Println("Kafka has been away for long")
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	summary, err := p.Close(ctx)
	fmt.Println(summary, err)
	// Output: 100 accepted, 100 delivered <nil>
}

func ExampleWithDelivery() {
	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"gone": {Brokers: []string{"127.0.0.1:1"}}},
	}, producer.WithDelivery(func(r producer.Report) {
		if rec, ok := r.Returned(); ok {
			fmt.Printf("record %d: %v, %v: %s\n", r.Tag, r.Outcome, r.Reason, rec.Value)
		} else if r.Outcome != producer.Delivered {
			// it was given up for its memory: the report does not have it
			fmt.Printf("record %d: %v, %v\n", r.Tag, r.Outcome, r.Reason)
		}
	}))
	if err != nil {
		panic(err)
	}
	_ = p.Send(producer.Record{Topic: "events", Value: []byte("hello"), Tag: 7})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	summary, err := p.Close(ctx)
	fmt.Println(summary.Left, errors.Is(err, producer.ErrLeft))
	// Unordered output:
	// record 7: shed, closed: hello
	// 1 true
}
