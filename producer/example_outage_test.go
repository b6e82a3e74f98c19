package producer_test

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/forebay-go/forebay/producer"
)

// An outage that ends in delivery. Kafka refuses every connection when the program starts. Send
// accepts records all the same, and they are delivered when Kafka is back.
//
// The dialer is what fails here, so a test of your own can do the same with any broker. For an
// outage of an hour that takes no time, see TestVirtual_ExampleOutageOfAnHour in
// example_outage_virtual_test.go.
func Example_outage() {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "plays"))
	if err != nil {
		panic(err)
	}
	defer kafka.Close()

	var away atomic.Bool
	away.Store(true)
	refused := make(chan struct{}, 1)
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		if away.Load() {
			select {
			case refused <- struct{}{}:
			default:
			}
			return nil, syscall.ECONNREFUSED // as the kernel does where nobody listens
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"events": {Brokers: kafka.ListenAddrs()}},
	}, producer.WithDialer(dial))
	if err != nil {
		panic(err)
	}

	for i := range 1000 {
		if err := p.Send(producer.Record{Topic: "plays", Value: fmt.Append(nil, i)}); err != nil {
			panic(err)
		}
	}
	<-refused // the outage has begun to bite
	s := p.Stats()
	fmt.Printf("Kafka is away: %d pending, %v\n", s.Total.Pending, s.Clusters["events"].State)

	away.Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = p.Flush(ctx) // waits for delivery; a program that goes on sending does not need it
	s = p.Stats()
	state := s.Clusters["events"].State
	fmt.Printf("Kafka is back: %d pending, %v, %v\n", s.Total.Pending, state, err)

	summary, err := p.Close(ctx)
	fmt.Println(summary, err)
	// Output:
	// Kafka is away: 1000 pending, connecting
	// Kafka is back: 0 pending, up, <nil>
	// 1000 accepted, 1000 delivered <nil>
}
