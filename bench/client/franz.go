package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// franz is franz-go, by Produce with a promise, which waits for room, or by TryProduce, which does
// not.
type franz struct {
	tally
	cl   *kgo.Client
	call func(context.Context, *kgo.Record, func(*kgo.Record, error))
	// shared: a closure for each record would be the harness's own cost
	promise func(*kgo.Record, error)
	told    map[string]string

	explicit bool
}

func newFranz(s Settings, l Listener, try bool) (Client, error) {
	codecs := map[string]kgo.CompressionCodec{"none": kgo.NoCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}
	opts := []kgo.Opt{
		kgo.SeedBrokers(s.Brokers...),
		kgo.ProducerLinger(s.Linger),
		kgo.ProducerBatchCompression(codecs[s.Compression]),
		kgo.MaxBufferedRecords(s.boundRecords()),
		kgo.MaxBufferedBytes(int(s.BoundBytes)),
	}
	f := &franz{explicit: s.Explicit}
	f.listen = l
	f.told = map[string]string{
		"ProducerLinger": s.Linger.String(), "ProducerBatchCompression": s.Compression,
		"MaxBufferedRecords": fmt.Sprint(s.boundRecords()), "MaxBufferedBytes": fmt.Sprint(s.BoundBytes),
		"acks": "all (default)", "idempotence": "yes (default)",
	}
	if s.Explicit {
		opts = append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()))
		f.told["RecordPartitioner"] = "ManualPartitioner"
	}
	f.promise = func(r *kgo.Record, err error) {
		switch {
		case err == nil:
			f.note(Delivered, r.Value)
		case errors.Is(err, kgo.ErrMaxBuffered):
			f.note(Refused, r.Value)
		default:
			f.failed(r.Value, err)
		}
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, err
	}
	f.cl, f.call = cl, cl.Produce
	if try {
		f.call = cl.TryProduce
	}
	return f, nil
}

// Send cannot tell at once whether there was room: the promise does.
func (f *franz) Send(topic string, partition int32, value []byte, _ uint64) bool {
	rec := &kgo.Record{Topic: topic, Value: value}
	if f.explicit {
		rec.Partition = partition
	}
	f.call(context.Background(), rec, f.promise)
	return true
}

func (f *franz) Finish(ctx context.Context) error { return f.cl.Flush(ctx) }
func (f *franz) Told() map[string]string          { return f.told }
