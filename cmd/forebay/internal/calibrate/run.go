package calibrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
)

// Options say what is measured.
type Options struct {
	Brokers []string      // some of the cluster's, as host:port
	PIDs    []int         // the process of every broker; empty: their time is not measured
	Window  time.Duration // how long each load is measured
	Loads   []Load        // empty: Loads of this package
	Machine string        // for the file
	Kafka   string        // for the file

	Progress io.Writer // gets a line for each load
}

// partitionsPerBroker is how many the topic has.
const partitionsPerBroker = 12

// run is one calibration.
type run struct {
	Options
	topics     []string // by what topicOf says
	size       int      // brokers
	partitions int
}

// replicasOf returns the replicas of the topic that a load goes to.
func (r *run) replicasOf(load Load) int {
	if load.Replicated {
		return min(3, r.size)
	}
	return 1
}

// topicOf returns the topic that a load goes to: the last one has replicas.
func (r *run) topicOf(load Load) string {
	if load.Replicated {
		return r.topics[len(r.topics)-1]
	}
	return r.topics[0]
}

// Run measures all loads and fits the coefficients. It creates a topic and deletes it.
func Run(ctx context.Context, o Options) (c fleet.Coefficients, err error) {
	r := &run{Options: o}
	if len(r.Loads) == 0 {
		r.Loads = Loads
	}
	admin, err := connect(o.Brokers)
	if err != nil {
		return c, err
	}
	defer admin.client.Close()
	if r.size, err = admin.size(ctx); err != nil {
		return c, err
	}
	if len(o.PIDs) > 0 && len(o.PIDs) != r.size {
		return c, fmt.Errorf("%d processes for %d brokers: name the process of every broker",
			len(o.PIDs), r.size)
	}
	r.partitions = partitionsPerBroker * r.size
	defer func() { err = errors.Join(err, admin.remove(r.topics)) }()
	for _, load := range []Load{{}, {Replicated: true}} {
		topic, err := admin.create(ctx, r.partitions, r.replicasOf(load))
		if err != nil {
			return c, err
		}
		r.topics = append(r.topics, topic)
	}
	if r.size == 1 {
		r.Loads = slices.DeleteFunc(slices.Clone(r.Loads),
			func(l Load) bool { return l.Replicated })
	}
	points, err := r.all(ctx)
	if err != nil {
		return c, err
	}
	return r.fit(points)
}

// all measures every load.
func (r *run) all(ctx context.Context) (points []fleet.Point, err error) {
	fmt.Fprintf(r.Progress, "warming up for %v\n", 2*r.Window)
	if _, err := r.measure(ctx, warmUp, 2*r.Window); err != nil {
		return nil, err
	}
	for i, load := range r.Loads {
		p, err := r.measure(ctx, load, r.Window)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(r.Progress, "%d/%d  %d producers, linger %v, %.0f records/s of %d bytes, "+
			"%d replicas: %.0f requests/s, %.1f MB/s, %.0f connections, %.3f cores\n", i+1,
			len(r.Loads), load.Producers, load.Linger, p.Records, load.Bytes, p.Replicas,
			p.Requests, p.Megabytes, p.Connections, p.Cores)
		points = append(points, p)
	}
	return points, nil
}

// fit makes coefficients of what was measured, and adds to each point what the model says.
func (r *run) fit(points []fleet.Point) (fleet.Coefficients, error) {
	c, err := fleet.Fit(r.size, points)
	if err != nil {
		return c, err
	}
	c.Measured = time.Now().UTC().Truncate(time.Second)
	c.Partitions = r.partitions
	c.Machine, c.Kafka = r.Machine, r.Kafka
	for i := range c.Points {
		c.Points[i].Predicted, err = fleet.Predict(&c.Points[i], r.size, r.partitions, c.Late)
		if err != nil {
			return c, err
		}
	}
	return c, nil
}
