package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// job is one run of produce: an input on its way to a producer.
type job struct {
	p       *producer.Producer
	in      *input
	flags   *flags
	screen  display
	room    *room
	failed  *failures
	feed    *feed
	cluster string // where the records go while it is up
}

// report takes the delivery report of a record.
func (j *job) report(rep producer.Report) {
	j.room.report(rep)
	j.failed.report(rep)
}

// to makes the feed that sends the lines along r.
func (j *job) to(r route) {
	j.cluster = r.cluster
	j.feed = &feed{
		send:    j.p.Send,
		pending: func() uint64 { return j.p.Stats().Total.Pending },
		room:    j.room,
		pace:    newPace(j.flags.rate),
		record: producer.Record{Topic: j.flags.topic, Priority: r.priority,
			Headers: j.flags.headers},
		separator: j.flags.separator(),
		largest:   r.largest,
		raw:       j.flags.raw,
		say:       j.screen.say,
	}
}

// run sends the input until it ends or reading does. Accepted records then have until the end of
// closing to be delivered. The progress is shown throughout.
func (j *job) run(reading, closing context.Context) result {
	start := time.Now()
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		j.watch(reading.Done(), done)
	}()
	err := j.feed.run(reading, j.in)
	summary, _ := j.p.Close(closing) // summary has all that the error says
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
			s := newStatus(now, &stats, j.in, j.flags.topic, j.cluster)
			s.rate, s.idle = deliveries.add(now, s.delivered)
			j.screen.show(s)
		case <-interrupted:
			interrupted = nil
			if n := j.p.Stats().Total.Pending; n > 0 {
				j.screen.say(fmt.Sprintf("interrupted: waiting up to %v for %s undelivered "+
					"records; interrupt again to give them up", j.flags.closeTimeout, count(n)))
			}
		case <-done:
			return
		}
	}
}
