package calibrate

import (
	"context"
	"fmt"
	"time"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
)

// settling is how long a load runs before it is measured.
const settling = time.Second

// measure runs a load and returns what was counted for so long.
func (r *run) measure(ctx context.Context, load Load, window time.Duration) (p fleet.Point,
	err error) {
	d, err := newDrive(r.Brokers, r.topicOf(load), load)
	if err != nil {
		return p, err
	}
	defer func() {
		if closed := d.close(); err == nil {
			err = closed
		}
	}()
	if err := r.settle(ctx, d); err != nil {
		return p, err
	}
	before, began := d.traffic(), time.Now()
	cpu, err := processorTimes(r.PIDs)
	if err != nil {
		return p, err
	}
	if err := sleep(ctx, window); err != nil {
		return p, err
	}
	after, took := d.traffic(), time.Since(began).Seconds()
	later, err := processorTimes(r.PIDs)
	if err != nil {
		return p, err
	}
	if after.refused > 0 {
		return p, fmt.Errorf("the cluster does not take %.0f records/s of %d bytes: calibrate on "+
			"a cluster that is faster or less busy", load.Records, load.Bytes)
	}
	return fleet.Point{Seconds: took, Linger: load.Linger.Seconds(), Producers: load.Producers,
		Keyed: load.Keyed, RecordBytes: load.Bytes, Replicas: r.replicasOf(load),
		Connections: float64(d.open.now.Load()),
		Records:     float64(after.records-before.records) / took,
		Requests:    float64(after.requests-before.requests) / took,
		Batches:     float64(after.batches-before.batches) / took,
		Megabytes:   float64(after.bytes-before.bytes) / took / 1e6,
		Cores:       (later - cpu).Seconds() / took}, nil
}

// settle waits until every producer has been answered, and then a moment.
func (r *run) settle(ctx context.Context, d *drive) error {
	limit := time.Now().Add(30 * time.Second)
	for _, p := range d.producers {
		for p.Stats().Requests == 0 {
			if time.Now().After(limit) {
				return fmt.Errorf("no record was delivered within 30 s: are %v the brokers?",
					r.Brokers)
			}
			if err := sleep(ctx, 10*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return sleep(ctx, settling)
}

// sleep waits, or returns the error of ctx if that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
