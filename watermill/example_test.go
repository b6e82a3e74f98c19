package watermill_test

import (
	"fmt"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/watermill"
)

func ExampleNewPublisher() {
	kafka, _ := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "plays"))
	defer kafka.Close()

	p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{
		"events": {Brokers: kafka.ListenAddrs()},
	}})
	if err != nil {
		panic(err) // a setting is wrong
	}
	var publisher message.Publisher = watermill.NewPublisher(p)
	err = publisher.Publish("plays", message.NewMessage("17", []byte("started")))
	fmt.Println("accepted:", err)
	fmt.Println("delivered:", publisher.Close())
	fmt.Println(p.Stats().Total.Delivered)
	// Output:
	// accepted: <nil>
	// delivered: <nil>
	// 1
}
