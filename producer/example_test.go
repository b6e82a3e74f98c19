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
		Topics:   []producer.TopicConfig{{Topic: "playback.*", Priority: routing.High}},
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
	told := make(chan struct{})
	p, err := producer.New(producer.Config{ // nobody listens there
		Clusters: map[string]producer.ClusterConfig{"gone": {Brokers: []string{"127.0.0.1:1"}}},
	}, producer.WithDelivery(func(r producer.Report) {
		if rec, ok := r.Returned(); ok {
			fmt.Printf("record %d: %v, %v: %s\n", r.Tag, r.Outcome, r.Reason, rec.Value)
		} else if r.Outcome != producer.Delivered { // given up for its memory: only the tag is left
			fmt.Printf("record %d: %v, %v\n", r.Tag, r.Outcome, r.Reason)
		}
		close(told) // there is one record only
	}))
	if err != nil {
		panic(err)
	}
	_ = p.Send(producer.Record{Topic: "events", Value: []byte("hello"), Tag: 7})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	summary, err := p.Close(ctx) // waits for the callback too, but not longer than ctx
	<-told
	fmt.Println(summary.Left, errors.Is(err, producer.ErrLeft))
	// Output:
	// record 7: shed, closed: hello
	// 1 true
}

// Send never waits. When Kafka has been away for so long that the memory is full, it says so.
func ExampleProducer_Send() {
	p, err := producer.New(producer.Config{ // nobody listens there
		Clusters: map[string]producer.ClusterConfig{"events": {Brokers: []string{"127.0.0.1:1"}}},
		Buffer:   producer.BufferConfig{MaxBytes: 1 << 20},
	})
	if err != nil {
		panic(err)
	}
	value := make([]byte, 1000)
	for err == nil {
		err = p.Send(producer.Record{Topic: "plays", Value: value})
	}
	fmt.Println("full:", errors.Is(err, producer.ErrBufferFull))
	if refused, ok := errors.AsType[*producer.SendError](err); ok {
		fmt.Println(refused.Topic, refused.Priority, refused.Limit)
	}

	ctx, cancel := context.WithCancel(context.Background())
	cancel() // do not wait for Kafka
	summary, err := p.Close(ctx)
	fmt.Println("left:", summary.Left == summary.Accepted, errors.Is(err, producer.ErrLeft))
	// Output:
	// full: true
	// plays medium 1048576
	// left: true true
}

// Records that belong together get the same key. They have one partition and keep their order.
func ExampleRecord() {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(12, "plays"))
	if err != nil {
		panic(err)
	}
	defer kafka.Close()
	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"events": {Brokers: kafka.ListenAddrs()}},
	}, producer.WithDelivery(func(r producer.Report) {
		fmt.Println(r.Tag, r.Outcome, r.Partition, r.Offset)
	}))
	if err != nil {
		panic(err)
	}
	for i, event := range []string{"start", "pause", "stop"} {
		_ = p.Send(producer.Record{
			Topic:   "plays",
			Key:     []byte("alice"),
			Value:   []byte(event),
			Headers: []producer.Header{{Key: "version", Value: []byte("1")}},
			Tag:     uint64(i), // comes back in the report
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, _ = p.Close(ctx)
	// Output:
	// 0 delivered 9 0
	// 1 delivered 9 1
	// 2 delivered 9 2
}

// Settings change while records flow. Here a topic gets another priority.
func ExampleProducer_Reconfigure() {
	p, err := producer.New(producer.Config{ // nobody listens there
		Clusters: map[string]producer.ClusterConfig{"events": {Brokers: []string{"127.0.0.1:1"}}},
	})
	if err != nil {
		panic(err)
	}
	_ = p.Send(producer.Record{Topic: "plays"})

	cfg := p.Config() // what is in force, to change and to give back
	cfg.Topics = []producer.TopicConfig{{Topic: "plays", Priority: routing.High}}
	if err := p.Reconfigure(cfg); err != nil {
		panic(err) // nothing has changed
	}
	_ = p.Send(producer.Record{Topic: "plays"})

	s := p.Stats()
	fmt.Println(s.Priorities[routing.Medium].Accepted, s.Priorities[routing.High].Accepted)
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // do not wait for Kafka
	_, _ = p.Close(ctx)
	// Output: 1 1
}

func ExampleProducer_SendFunc() {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
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
	err = p.SendFunc(producer.Record{Topic: "orders", Value: []byte("order 17")},
		func(r producer.Report) { fmt.Println(r.Outcome, "at offset", r.Offset) })
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, _ = p.Close(ctx) // returns after the call
	// Output: delivered at offset 0
}

func ExampleWithInterceptor() {
	p, err := producer.New(producer.Config{ // nobody listens there
		Clusters: map[string]producer.ClusterConfig{"gone": {Brokers: []string{"127.0.0.1:1"}}},
	}, producer.WithInterceptor(func(r *producer.Record) error {
		if len(r.Value) == 0 {
			return errors.New("an event needs a value")
		}
		r.Headers = append(r.Headers, producer.Header{Key: "service", Value: []byte("shop")})
		return nil
	}))
	if err != nil {
		panic(err)
	}
	fmt.Println(p.Send(producer.Record{Topic: "orders", Value: []byte("order 17")}))
	fmt.Println(p.Send(producer.Record{Topic: "orders"}))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _ = p.Close(ctx)
	// Output:
	// <nil>
	// send to "orders" (medium): refused by an interceptor: an event needs a value
}
