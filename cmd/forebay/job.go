package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// job is one run of produce: its input on the way to its producer.
type job struct {
	p        *producer.Producer
	in       *input
	feed     *feed
	screen   display
	settings *settings
	cluster  string // that the records go to while it is well
}

// run sends the input until it or reading ends, and then gives what was accepted the time to be
// delivered until closing ends. The progress is shown all the while.
func (j *job) run(reading, closing context.Context) result {
	start := time.Now()
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		j.watch(reading.Done(), done)
	}()
	err := j.feed.run(reading, j.in)
	summary, _ := j.p.Close(closing) // the error says what summary says
	res := result{
		summary:     summary,
		doubled:     j.p.Stats().Total.MaybeDuplicated,
		tooLarge:    j.feed.tooLarge.Load(),
		unread:      j.feed.unread.Load(),
		interrupted: err != nil && errors.Is(err, reading.Err()),
		signaled:    reading.Err() != nil,
		elapsed:     time.Since(start),
	}
	if !res.interrupted {
		res.fatal = err
	}
	close(done)
	<-watched
	return res
}

// watch shows the progress until done is closed, and says what an interrupt does.
func (j *job) watch(interrupted, done <-chan struct{}) {
	defer j.screen.end()
	var ticks <-chan time.Time
	if every := j.screen.every(); every > 0 {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		ticks = ticker.C
	}
	var deliveries meter
	deliveries.add(time.Now(), 0)
	for {
		select {
		case now := <-ticks:
			stats := j.p.Stats()
			s := newStatus(now, &stats, j.in, j.settings.topic, j.cluster)
			s.rate, s.idle = deliveries.add(now, s.delivered)
			j.screen.show(s)
		case <-interrupted:
			interrupted = nil
			if n := j.p.Stats().Total.Pending; n > 0 {
				j.screen.say(fmt.Sprintf("interrupted: up to %v for the %s records that wait; "+
					"once more gives them up",
					j.settings.closeTimeout, count(n)))
			}
		case <-done:
			return
		}
	}
}
