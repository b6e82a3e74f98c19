package main

import (
	"context"
	"os"
	"time"
)

// echo is how long a second signal is taken for the first one: a program such as timeout passes on
// to its child what the whole process group has been sent already.
const echo = 500 * time.Millisecond

// interrupts turns signals into the ends of two contexts: reading ends with the first signal,
// closing with the next one (see echo) or when grace is over. Both end with ctx, and by stop, which
// must be called.
func interrupts(ctx context.Context, signals <-chan os.Signal, grace time.Duration) (reading,
	closing context.Context, stop func()) {
	reading, stopReading := context.WithCancel(ctx)
	closing, stopClosing := context.WithCancel(ctx)
	ended := make(chan struct{}) // closed by the goroutine below
	go func() {
		defer close(ended)
		select {
		case <-signals:
			stopReading()
		case <-closing.Done():
			return
		}
		defer stopClosing()
		first := time.Now()
		timer := time.NewTimer(grace)
		defer timer.Stop()
		for {
			select {
			case <-signals:
				if time.Since(first) >= echo {
					return
				}
			case <-timer.C:
				return
			case <-closing.Done():
				return
			}
		}
	}()
	return reading, closing, func() {
		stopClosing()
		<-ended
		stopReading()
	}
}
