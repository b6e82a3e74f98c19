package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/forebay-go/forebay/examples/internal/stage"
	"github.com/forebay-go/forebay/producer"
)

// every is the time between two plays.
const every = 2 * time.Millisecond

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	// in case something never happens
	ctx, cancel := context.WithTimeout(ctx, 45*time.Second)
	err := story(ctx, os.Stdout, pace{before: 3 * time.Second, away: 6 * time.Second,
		after: 4 * time.Second})
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "events:", err)
		os.Exit(1)
	}
}

// pace says how long Kafka is there, away, and there again.
type pace struct{ before, away, after time.Duration }

// story is the whole program.
func story(ctx context.Context, out io.Writer, pace pace) error {
	kafka, err := stage.Start(6, playsTopic, logsTopic)
	if err != nil {
		return err
	}
	defer kafka.Close()
	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"events": {Brokers: kafka.ListenAddrs()}},
	}, producer.WithDialer(kafka.Link.Dial))
	if err != nil {
		return err
	}
	over, giveUp := context.WithCancel(ctx)
	// for the early ways out; after the Close below it does nothing
	defer func() { _, _ = p.Close(over) }()
	defer giveUp()
	s, err := newService(p)
	if err != nil {
		return err
	}

	show := &display{out: out, p: p, s: s, begun: time.Now()}
	show.say(">", "The service logs a line and sends an event for each play.")
	if err := show.during(ctx, pace.before); err != nil {
		return err
	}
	show.say(">", "The network to Kafka is cut.")
	kafka.Link.Cut()
	if err := show.during(ctx, pace.away); err != nil {
		return err
	}
	show.say(">", "The network is mended. What has waited is delivered.")
	kafka.Link.Restore()
	if err := show.during(ctx, pace.after); err != nil {
		return err
	}
	show.say(">", "The service stops. Close delivers what still waits.")
	if _, err := p.Close(ctx); err != nil {
		return err
	}
	records, err := kafka.Read(ctx)
	if err != nil {
		return fmt.Errorf("read Kafka: %w", err)
	}
	if err := verify(s, p.Stats(), show.played, records); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n  Kafka has all %s events and all %s log lines, and the books balance.\n",
		stage.Thousands(uint64(show.played)), stage.Thousands(s.lines.Stats().Sent))
	return nil
}

// display plays, and prints what happens.
type display struct {
	out    io.Writer
	p      *producer.Producer
	s      *service
	begun  time.Time
	played int
}

func (d *display) say(mark, what string) {
	fmt.Fprintf(d.out, "%6.1f s  %s %s\n", time.Since(d.begun).Seconds(), mark, what)
}

// during plays for so long, and shows every second how the producer is.
func (d *display) during(ctx context.Context, span time.Duration) error {
	play, tick := time.NewTicker(every), time.NewTicker(time.Second)
	defer play.Stop()
	defer tick.Stop()
	end := time.NewTimer(span)
	defer end.Stop()
	for {
		select {
		case at := <-play.C:
			err := d.s.play(Play{Number: d.played, User: fmt.Sprintf("user %d", d.played%50),
				Title: "The Forebay", At: at})
			if err != nil {
				return fmt.Errorf("play %d: %w", d.played, err)
			}
			d.played++
		case <-tick.C:
			stats := d.p.Stats()
			d.say(" ", fmt.Sprintf("Kafka %-9v  accepted %7s  delivered %7s  waiting %6s",
				stats.Clusters["events"].State, stage.Thousands(stats.Total.Accepted),
				stage.Thousands(stats.Total.Delivered), stage.Thousands(stats.Total.Pending)))
		case <-end.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
