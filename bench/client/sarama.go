package client

import (
	"context"

	"github.com/IBM/sarama"
)

type saramaClient struct {
	tally
	p       sarama.AsyncProducer
	told    map[string]string
	reports bool
	drained chan struct{} // closed when there are no more outcomes
}

func newSarama(s Settings, l Listener) (Client, error) {
	codecs := map[string]sarama.CompressionCodec{"none": sarama.CompressionNone,
		"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD}
	cfg := sarama.NewConfig()
	cfg.Producer.RequiredAcks = sarama.WaitForAll
	cfg.Producer.Idempotent = true
	cfg.Net.MaxOpenRequests = 1 // sarama demands it of an idempotent producer
	cfg.Producer.Flush.Frequency = s.Linger
	cfg.Producer.Compression = codecs[s.Compression]
	c := &saramaClient{reports: s.Reports || l != nil, drained: make(chan struct{})}
	c.listen = l
	cfg.Producer.Return.Successes = c.reports
	c.told = map[string]string{
		"RequiredAcks": "WaitForAll", "Idempotent": "true",
		"Net.MaxOpenRequests": "1 (sarama demands it for idempotence)",
		"Flush.Frequency":     s.Linger.String(), "Compression": s.Compression,
		"bound": "it has no setting for one: its input waits",
	}
	if c.reports {
		c.told["Return.Successes"] = "true"
	}
	if s.Explicit {
		cfg.Producer.Partitioner = sarama.NewManualPartitioner
		c.told["Partitioner"] = "NewManualPartitioner"
	}
	p, err := sarama.NewAsyncProducer(s.Brokers, cfg)
	if err != nil {
		return nil, err
	}
	c.p = p
	go c.drain()
	return c, nil
}

// drain ends when the producer is closed, which Finish waits for.
func (c *saramaClient) drain() {
	defer close(c.drained)
	successes, errors := c.p.Successes(), c.p.Errors()
	for successes != nil || errors != nil {
		select {
		case m, ok := <-successes:
			if !ok {
				successes = nil
				continue
			}
			c.note(Delivered, m.Value.(sarama.ByteEncoder))
		case e, ok := <-errors:
			if !ok {
				errors = nil
				continue
			}
			c.failed(e.Msg.Value.(sarama.ByteEncoder), e.Err)
		}
	}
}

func (c *saramaClient) Send(topic string, partition int32, value []byte, _ uint64) bool {
	c.p.Input() <- &sarama.ProducerMessage{Topic: topic, Partition: partition,
		Value: sarama.ByteEncoder(value)}
	return true
}

// Finish closes the producer: it has no other way to flush.
func (c *saramaClient) Finish(ctx context.Context) error {
	c.p.AsyncClose()
	return wait(ctx, c.drained)
}

func (c *saramaClient) Told() map[string]string { return c.told }

func (c *saramaClient) Counts() Counts {
	counts := c.tally.Counts()
	counts.Uncounted = !c.reports
	return counts
}

// wait waits for done, or for ctx.
func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
