package health

import (
	"fmt"
	"time"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// NotWhileShedding is a policy for WithReady: not ready while records of priority are lost or
// refused because the buffer is full.
func NotWhileShedding(priority routing.Priority) func(producer.Stats) error {
	return func(s producer.Stats) error {
		if s.Lanes[priority].Shedding {
			return fmt.Errorf("records of %v priority are lost because the buffer is full",
				priority)
		}
		return nil
	}
}

// NotBehind is a policy for WithReady: not ready while a record of priority has waited longer
// than limit.
func NotBehind(priority routing.Priority, limit time.Duration) func(producer.Stats) error {
	return func(s producer.Stats) error {
		if s.Lanes[priority].Oldest > limit {
			return fmt.Errorf("a record of %v priority has waited longer than %v", priority, limit)
		}
		return nil
	}
}
