package delivery_test

import (
	"fmt"
	"time"

	"github.com/forebay-go/forebay/delivery"
)

// A report of a producer to another system: what was lost, by reason. Books are in producer.Stats,
// for each priority and each cluster.
func ExampleBooks() {
	var books delivery.Books // most often a copy of producer.Stats().Total
	books.Accepted = 100
	books.Resolve(90, delivery.Delivered, delivery.None)
	books.Resolve(7, delivery.Shed, delivery.PreemptedByHigh)
	books.Pending = 3

	fmt.Println("balanced:", books.Balanced())
	for reason := range delivery.Reasons {
		if n := books.Lost(reason); n > 0 {
			fmt.Println("lost:", n, reason)
		}
	}
	// Output:
	// balanced: true
	// lost: 7 preempted by high
}

// Delivery times are counted in buckets, so a quantile is the upper bound of its bucket.
func ExampleHistogram() {
	var times delivery.Histogram // most often DeliveryTime of a Traffic in producer.Stats
	times.Buckets[delivery.Bucket(3*time.Millisecond)] = 99
	times.Buckets[delivery.Bucket(2*time.Second)] = 1
	fmt.Println(times.Count(), times.Quantile(0.5), times.Quantile(1))
	// Output: 100 5ms 2.5s
}
