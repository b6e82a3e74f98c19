package main

import "time"

// progressEvery is the time between two lines of progress.
const progressEvery = 10 * time.Second

// each calls do once in a while until stop is called, which waits for the call that runs.
func each(interval time.Duration, do func()) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				do()
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
