package loadtest

import (
	"sync"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// fakeKafka acknowledges records one after the other, as fast as its capacity allows. It is for
// virtual time.
type fakeKafka struct {
	meter    *meter
	capacity float64       // records per second
	most     time.Duration // records that would wait longer are refused

	mu    sync.Mutex // guards what follows
	free  time.Duration
	queue chan acknowledgement // sent by Send; never closed
	quit  chan struct{}        // closed by close
	// stall, if there is one, is when Kafka acknowledges nothing
	stallFrom, stallUpto time.Duration
	lose                 int // one of so many records is not delivered; 0: none
	cluster              string
	n                    int
}

type acknowledgement struct {
	at  time.Duration
	rep producer.Report
}

func newFakeKafka(m *meter, capacity float64) *fakeKafka {
	f := &fakeKafka{meter: m, capacity: capacity, most: 2 * time.Second, cluster: m.cluster,
		queue: make(chan acknowledgement, 1<<20), quit: make(chan struct{})}
	go f.run()
	return f
}

func (f *fakeKafka) run() {
	for {
		select {
		case <-f.quit:
			return
		case a := <-f.queue:
			select {
			case <-f.quit:
				return
			case <-time.After(a.at - f.meter.since()):
				f.meter.report(a.rep)
			}
		}
	}
}

func (f *fakeKafka) close() { close(f.quit) }

// Send accepts a record unless too many wait.
func (f *fakeKafka) Send(rec producer.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.meter.since()
	f.free = max(f.free, now) + time.Duration(float64(time.Second)/f.capacity)
	if f.free >= f.stallFrom && f.free < f.stallUpto {
		f.free = f.stallUpto
	}
	if f.free-now > f.most {
		f.free -= time.Duration(float64(time.Second) / f.capacity)
		return &producer.SendError{Topic: rec.Topic, Err: producer.ErrBufferFull}
	}
	rep := producer.Report{Tag: rec.Tag, Outcome: producer.Delivered, Cluster: f.cluster}
	if f.n++; f.lose > 0 && f.n%f.lose == 0 {
		rep.Outcome, rep.Reason = producer.Expired, producer.ReasonDeliveryTimeout
	}
	f.queue <- acknowledgement{f.free, rep}
	return nil
}

// newFakeBench makes a bench whose producer is a fake.
func newFakeBench(c *Config, to producer.Sender, m *meter) *bench {
	return &bench{config: c, meter: m, sender: newSender(to, m, c),
		cpu:     func() (time.Duration, bool) { return 0, false },
		dropped: func() uint64 { return 0 }, waiting: func() string { return "" },
		say: func(*Measurement) {}}
}

// testConfig returns settings for measurements of ten seconds.
func testConfig() *Config {
	return &Config{Topic: "plays", RecordsPerSecond: []float64{1000}, WarmUp: 2 * time.Second,
		Duration: 10 * time.Second}
}
