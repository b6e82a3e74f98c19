package calibrate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
)

// closing is how long the producers of a load may take to deliver the rest.
const closing = 10 * time.Second

// drive is the producers of one load.
type drive struct {
	load      Load
	topic     string
	producers []*producer.Producer
	open      connections
	stop      context.CancelFunc
	sending   sync.WaitGroup
}

// newDrive starts the producers of a load. They send until close.
func newDrive(brokers []string, topic string, load Load) (*drive, error) {
	ctx, stop := context.WithCancel(context.Background())
	d := &drive{load: load, topic: topic, stop: stop}
	linger := load.Linger
	if linger == 0 {
		linger = producer.NoLinger
	}
	for i := range load.Producers {
		p, err := producer.New(producer.Config{
			ClientID: "forebay-calibrate",
			Clusters: map[string]producer.ClusterConfig{"calibrate": {Brokers: brokers}},
			Batching: producer.BatchingConfig{Linger: linger},
		}, producer.WithHooks(&d.open))
		if err != nil {
			return nil, errors.Join(err, d.close())
		}
		d.producers = append(d.producers, p)
		d.sending.Go(func() { d.send(ctx, p, uint64(i)) })
	}
	return d, nil
}

// send sends the share of one producer as a Poisson process until ctx ends. What is due while it
// sleeps is sent when it wakes up.
func (d *drive) send(ctx context.Context, p *producer.Producer, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	mean := float64(time.Second) * float64(d.load.Producers) / d.load.Records
	value := make([]byte, d.load.Bytes)
	for i := range value {
		value[i] = byte(random.Uint32())
	}
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := time.Duration(random.ExpFloat64() * mean)
	for n := 0; ; n++ {
		if wait := due - time.Since(began); wait > 0 {
			timer.Reset(wait)
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
		} else if ctx.Err() != nil {
			return
		}
		rec := producer.Record{Topic: d.topic, Value: value}
		if d.load.Keyed {
			rec.Key = strconv.AppendInt(nil, int64(n), 10)
		}
		_ = p.Send(rec) // what is refused shows in the counts
		due += time.Duration(random.ExpFloat64() * mean)
	}
}

// traffic sums up what the producers have sent.
type traffic struct{ requests, batches, records, bytes, refused uint64 }

func (d *drive) traffic() (sum traffic) {
	for _, p := range d.producers {
		s := p.Stats()
		sum.requests += s.Requests
		sum.batches += s.Attempts
		sum.records += s.RequestRecords
		sum.bytes += s.RequestBytes
		sum.refused += s.Total.Refused
	}
	return sum
}

// close ends the producers. The error says if some records were not delivered.
func (d *drive) close() error {
	d.stop()
	d.sending.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), closing)
	defer cancel()
	var ending sync.WaitGroup
	var lost atomic.Uint64
	for _, p := range d.producers {
		ending.Go(func() {
			_, _ = p.Close(ctx) // the books say what became of the records
			total := p.Stats().Total
			lost.Add(total.Accepted - total.Delivered)
		})
	}
	ending.Wait()
	if n := lost.Load(); n > 0 {
		return fmt.Errorf("%d records were not delivered", n)
	}
	return nil
}

// connections counts the connections that are open. It is a kgo.Hook.
type connections struct{ now atomic.Int64 }

// OnBrokerConnect counts a connection that was opened.
func (c *connections) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn,
	err error) {
	if err == nil {
		c.now.Add(1)
	}
}

// OnBrokerDisconnect counts one that was closed.
func (c *connections) OnBrokerDisconnect(kgo.BrokerMetadata, net.Conn) { c.now.Add(-1) }
