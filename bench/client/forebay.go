package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/forebay-go/forebay/producer"
)

type forebay struct {
	tally
	p        *producer.Producer
	told     map[string]string
	explicit bool
	reports  bool
}

func newForebay(s Settings, l Listener) (Client, error) {
	cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{"bench": {Brokers: s.Brokers}}}
	cfg.Batching.Linger = s.Linger
	if s.Linger == 0 {
		cfg.Batching.Linger = producer.NoLinger
	}
	cfg.Batching.Compression = s.Compression
	cfg.Buffer.MaxBytes = s.BoundBytes
	f := &forebay{explicit: s.Explicit, reports: s.Reports || l != nil}
	f.listen = l
	f.told = map[string]string{
		"Batching.Linger": cfg.Batching.Linger.String(), "Batching.Compression": s.Compression,
		"Buffer.MaxBytes": fmt.Sprint(s.BoundBytes), "acks": "all (default)",
		"idempotence": "yes (its own sequences, always)",
	}
	var options []producer.Option
	if f.reports {
		options = append(options, producer.WithDelivery(f.report))
		f.told["WithDelivery"] = "a callback for each record"
	}
	p, err := producer.New(cfg, options...)
	if err != nil {
		return nil, err
	}
	f.p = p
	return f, nil
}

func (f *forebay) report(r producer.Report) {
	o := Delivered
	if r.Outcome != producer.Delivered {
		o = Failed
		err := fmt.Errorf("%v: %v: %w", r.Outcome, r.Reason, errors.Join(r.Err))
		f.said.CompareAndSwap(nil, &err)
	}
	f.counts[o].Add(1)
	if f.listen != nil {
		f.listen(r.Tag, o)
	}
}

func (f *forebay) Send(topic string, partition int32, value []byte, seq uint64) bool {
	var to producer.Partition // none
	if f.explicit {
		to = producer.ToPartition(partition)
	}
	return f.p.Send(producer.Record{Topic: topic, Value: value, Tag: seq, Partition: to}) == nil
}

func (f *forebay) Finish(ctx context.Context) error {
	if err := f.p.Flush(ctx); err != nil {
		return err
	}
	_, err := f.p.Close(ctx) // the reports too
	return err
}

func (f *forebay) Told() map[string]string { return f.told }

// Counts asks the producer's own books, which cost nothing, where nobody wants reports.
func (f *forebay) Counts() Counts {
	if f.reports {
		return f.tally.Counts()
	}
	total := f.p.Stats().Total
	return Counts{Delivered: int64(total.Delivered),
		Failed: int64(total.Accepted - total.Delivered - total.Pending)}
}
