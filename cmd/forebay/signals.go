package main

import (
	"context"
	"os"
	"time"
)

// echo is how long a second signal counts as the first one. A program such as timeout forwards a
// signal to its child, which got it already with the process group.
const echo = 500 * time.Millisecond

// interrupts returns two contexts that signals end: reading ends with the first signal, closing
// with the next one (see echo) or after grace. Both also end with ctx, and when stop is called,
// which the caller must do.
func interrupts(ctx context.Context, signals <-chan os.Signal, grace time.Duration) (reading,
	closing context.Context, stop func()) {
	reading, stopReading := context.WithCancel(ctx)
	closing, stopClosing := context.WithCancel(ctx)
	ended := make(chan struct{}) // closed by the goroutine below
	go func() {
		defer close(ended)
		var first time.Time // before anybody can know of the signal, and send the second one
		select {
		case <-signals:
			first = time.Now()
			stopReading()
		case <-closing.Done():
			return
		}
		defer stopClosing()
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
