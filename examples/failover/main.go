package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/examples/internal/stage"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	// if something that is to happen does not
	ctx, cancel := context.WithTimeout(ctx, 48*time.Second)
	err := story(ctx, os.Stdout, pace{
		before: 3 * time.Second, away: 5 * time.Second, after: 3 * time.Second,
		fallbackAfter: 2 * time.Second, returnAfter: 3 * time.Second, switchEvery: 5 * time.Second,
	})
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "failover:", err)
		os.Exit(1)
	}
}

// pace says how long things take: how long both clusters are well at first, how long main stays
// away when spare has taken over, how long there is to look after each of the other events; and the
// thresholds of the producer.
type pace struct {
	before, away, after                     time.Duration
	fallbackAfter, returnAfter, switchEvery time.Duration
}

// outage is how long the producer took.
type outage struct{ fallback, comeback time.Duration }

// story is the whole program.
func story(ctx context.Context, out io.Writer, pace pace) error {
	clusters := make(map[string]*stage.Cluster)
	config := producer.Config{Clusters: make(map[string]producer.ClusterConfig)}
	// keys have other partitions there: all works out
	for name, partitions := range map[string]int32{"main": 6, "spare": 4} {
		c, err := stage.Start(partitions, unkeyedTopic, keyedTopic)
		if err != nil {
			return err
		}
		defer c.Close()
		clusters[name] = c
		config.Clusters[name] = producer.ClusterConfig{Brokers: c.ListenAddrs()}
	}

	// This is all that a fallback takes. The thresholds are short here, so that there is something
	// to see in half a minute.
	config.Priorities.High = producer.PriorityConfig{
		Cluster: "main", Fallbacks: []routing.Fallback{{Cluster: "spare"}},
		FallbackAfter: pace.fallbackAfter, ReturnAfter: pace.returnAfter,
		SwitchEvery: pace.switchEvery,
	}
	// else records would be of medium priority, which has no cluster
	config.Topics = []producer.TopicConfig{{Topic: "*", Priority: routing.High}}
	w := newWatcher()
	p, err := producer.New(config, producer.WithDelivery(w.report), producer.WithEvents(w.event),
		producer.WithDialer(stage.Dialer(clusters)))
	if err != nil {
		return err
	}
	over, giveUp := context.WithCancel(ctx)
	// for the early ways out, without waiting for records; after the Close below it does nothing
	defer func() { _, _ = p.Close(over) }()
	defer giveUp()

	load := startLoad(p)
	defer load.stop()
	show := newDisplay(out, p, w)
	show.say(">",
		fmt.Sprintf("The application sends %d records/s of high priority, half of them with a key.",
			perSecond))
	if err := show.during(ctx, pace.before); err != nil {
		return err
	}
	times, err := breakAndMend(ctx, clusters["main"], show, pace)
	if err != nil {
		return err
	}
	if err := swap(ctx, config, show, pace); err != nil {
		return err
	}

	show.say(">", "The application stops. Close delivers what still waits.")
	load.stop()
	if _, err := p.Close(ctx); err != nil {
		return err
	}
	show.results(load, times)
	return verify(ctx, out, p, load, w, clusters)
}

// breakAndMend takes the main cluster away until the producer has gone to the spare one, and brings
// it back until the producer has, too.
func breakAndMend(ctx context.Context, main *stage.Cluster, show *display, pace pace) (times outage,
	err error) {
	show.say(">", "The network to main is cut.")
	cut := time.Now()
	main.Link.Cut()
	err = show.until(ctx, func() bool { return !show.w.delivered("spare").IsZero() })
	if err != nil {
		return times, fmt.Errorf("nothing falls back: %w", err)
	}
	times.fallback = show.w.delivered("spare").Sub(cut)
	if err := show.during(ctx, pace.away); err != nil {
		return times, err
	}

	show.say(">",
		"The network to main is mended. What was written to it before, and not answered, is "+
			"settled at once.")
	mended := time.Now()
	main.Link.Restore()
	err = show.until(ctx, func() bool {
		at, ok := show.w.chosen("main", mended)
		times.comeback = at.Sub(mended)
		return ok
	})
	if err != nil {
		return times, fmt.Errorf("nothing returns: %w", err)
	}
	return times, show.during(ctx, pace.after)
}

// swap changes the order of the clusters while the producer works.
func swap(ctx context.Context, config producer.Config, show *display, pace pace) error {
	show.say(">",
		"Reconfigure makes spare the first and main its fallback. No Send waits for that.")
	config.Priorities.High.Cluster = "spare"
	config.Priorities.High.Fallbacks = []routing.Fallback{{Cluster: "main"}}
	changed := time.Now()
	if err := show.p.Reconfigure(config); err != nil {
		return err
	}
	err := show.until(ctx, func() bool {
		_, ok := show.w.chosen("spare", changed)
		return ok
	})
	if err != nil {
		return fmt.Errorf("the new order has no effect: %w", err)
	}
	return show.during(ctx, pace.after)
}

// verify reads both logs, and compares.
func verify(ctx context.Context, out io.Writer, p *producer.Producer, load *load, w *watcher,
	clusters map[string]*stage.Cluster) error {
	logs := make(map[string][]*kgo.Record)
	read := 0
	for name, c := range clusters {
		log, err := c.Read(ctx)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		logs[name], read = log, read+len(log)
	}
	stats := p.Stats()
	if err := errors.Join(check(load.accepted, w.fates, logs),
		audit(&stats, load.accepted, w.fates)); err != nil {
		return err
	}
	fmt.Fprintf(out,
		"\n  Both logs have %d records: what was delivered is there, keys are in order in each, "+
			"and the books balance.\n", read)
	return nil
}
