package dispatch

import (
	"sync/atomic"
	"time"

	"github.com/forebay-go/forebay/delivery"
)

// counts are what a dispatcher counts. It alone adds to them.
type counts struct {
	requests, requestRecords, requestBytes atomic.Uint64
	attempts, retries                      atomic.Uint64
	throttled, orderAtRisk                 atomic.Uint64
	throttledFor                           atomic.Int64
	delivery                               spans
}

func (c *counts) load() delivery.Traffic {
	return delivery.Traffic{
		Requests:       c.requests.Load(),
		RequestRecords: c.requestRecords.Load(),
		RequestBytes:   c.requestBytes.Load(),
		Attempts:       c.attempts.Load(),
		Retries:        c.retries.Load(),
		Throttled:      c.throttled.Load(),
		ThrottledFor:   time.Duration(c.throttledFor.Load()),
		OrderAtRisk:    c.orderAtRisk.Load(),
		DeliveryTime:   c.delivery.load(),
	}
}
