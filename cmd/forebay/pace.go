package main

import (
	"context"
	"math"

	"golang.org/x/time/rate"
)

// mostPerSecond bounds --rate. It is more than one process can send.
const mostPerSecond = 1e9

// newPace returns what keeps records to perSecond, nil for a rate of zero: no bound. At high rates,
// records go in groups of a hundredth of a second: a timer cannot pause for much less than a
// millisecond. Time that is lost while the buffer is full is not made up for.
func newPace(perSecond float64) *rate.Limiter {
	if perSecond == 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond/100)))
}

// await returns when the next record may be sent, or with the error of ctx as soon as that ends.
func await(ctx context.Context, pace *rate.Limiter) error {
	if pace == nil {
		return nil
	}
	if err := pace.Wait(ctx); err != nil {
		<-ctx.Done() // its deadline may come before the record's turn
		return ctx.Err()
	}
	return nil
}

// validRate reports whether n can be a value of --rate.
func validRate(n float64) bool { return !math.IsNaN(n) && n > 0 && n <= mostPerSecond }
