package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := story(ctx, newScreen(os.Stdout), pace{
		start: 2 * time.Second, outage: 5 * time.Second,
		comeback: 9 * time.Second, end: 13 * time.Second,
	})
	stop()
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// pace says when things happen, counted from the first record.
type pace struct{ start, outage, comeback, end time.Duration }

// patience is how long a step may take beyond its time, on a machine that has other things to do.
const patience = time.Minute

// always is done at once.
func always() bool { return true }

// story is the whole program. It fails if an accepted record is missing in the end, or is there
// twice.
func story(ctx context.Context, out screen, pace pace) error {
	// Where the clusters will be. Nothing listens there yet.
	clusters, err := reserve()
	if err != nil {
		return err
	}
	defer clusters.close()
	comebacks := newComebacks()
	clusters.starting = comebacks.starting

	// A producer dials nothing when it is made, so it does not mind. Each priority has the cluster
	// of its name, and these rules give topics their priority. What has no rule is of medium
	// priority.
	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{
			"high":   {Brokers: clusters.brokers(routing.High)},
			"medium": {Brokers: clusters.brokers(routing.Medium)},
			"low":    {Brokers: clusters.brokers(routing.Low)},
		},
		Topics: []producer.TopicConfig{
			{Topic: "playback.*", Priority: routing.High},
			{Topic: "error.log", Priority: routing.Low},
			{Topic: "request.trace", Priority: routing.Low},
		},
	}, producer.WithDelivery(comebacks.report))
	if err != nil {
		return err
	}
	ctx, giveUp := context.WithCancel(ctx)
	// for the early ways out, without waiting for records; after the Close below it does nothing
	defer func() { _, _ = p.Close(ctx) }()
	defer giveUp()

	// From here on the application sends 4,000 events a second, whatever happens to Kafka: see
	// sender.send.
	load := startLoad(p)
	defer load.stop()
	show := newDisplay(out, p, pace.end)
	show.event("The application sends 4,000 events/s. No Kafka cluster exists yet.")

	if err := show.until(ctx, pace.start, always); err != nil {
		return err
	}
	show.event("All three clusters start. What has waited is delivered.")
	for _, priority := range routing.All {
		if err := clusters.start(ctx, priority); err != nil {
			return err
		}
	}

	if err := show.until(ctx, pace.outage, comebacks.settled); err != nil {
		return err
	}
	show.event("The high cluster goes away. Its events wait, the others flow on.")
	clusters.stop(routing.High)

	if err := show.until(ctx, pace.comeback, always); err != nil {
		return err
	}
	show.event("The high cluster comes back, with the data it had.")
	if err := clusters.start(ctx, routing.High); err != nil {
		return err
	}

	if err := show.until(ctx, pace.end, comebacks.settled); err != nil {
		return err
	}
	show.event("The application stops. Close delivers what still waits.")
	load.stop()
	closing, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := p.Close(closing); err != nil {
		return err
	}

	// The proof: read all of Kafka, and compare.
	show.event("A consumer reads everything back.")
	read, err := clusters.readBack(ctx)
	if err != nil {
		return err
	}
	accepted := load.accepted()
	show.results(p.Stats(), load, comebacks, len(read))
	if err := check(accepted, read); err != nil {
		return err
	}
	show.success(len(accepted))
	return nil
}
