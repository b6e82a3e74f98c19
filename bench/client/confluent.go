//go:build cgo

package client

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"
)

// confluent is librdkafka by Confluent's Go client, which reports each record: it cannot be told
// not to.
type confluent struct {
	tally
	p        *kafka.Producer
	told     map[string]string
	explicit bool
	taken    atomic.Int64 // records
}

func newConfluent(s Settings, l Listener) (Client, error) {
	cfg := kafka.ConfigMap{
		"bootstrap.servers":            strings.Join(s.Brokers, ","),
		"acks":                         "all",
		"enable.idempotence":           true,
		"linger.ms":                    strconv.FormatFloat(float64(s.Linger)/float64(time.Millisecond), 'g', -1, 64),
		"compression.codec":            s.Compression,
		"queue.buffering.max.kbytes":   int(s.BoundBytes >> 10),
		"queue.buffering.max.messages": s.boundRecords(),
		"go.logs.channel.enable":       true, // or it writes to our standard error
	}
	c := &confluent{explicit: s.Explicit, told: map[string]string{}}
	c.listen = l
	for key, value := range cfg {
		if key != "bootstrap.servers" && key != "go.logs.channel.enable" {
			c.told[key] = fmt.Sprint(value)
		}
	}
	_, version := kafka.LibraryVersion()
	c.told["librdkafka"] = version
	p, err := kafka.NewProducer(&cfg)
	if err != nil {
		return nil, err
	}
	c.p = p
	go c.drain()
	go func() { // ends with the process
		for range p.Logs() {
		}
	}()
	return c, nil
}

// drain ends with the process.
func (c *confluent) drain() {
	for e := range c.p.Events() {
		m, ok := e.(*kafka.Message)
		if !ok {
			continue
		}
		if err := m.TopicPartition.Error; err != nil {
			c.failed(m.Value, err)
		} else {
			c.note(Delivered, m.Value)
		}
	}
}

func (c *confluent) Send(topic string, partition int32, value []byte, _ uint64) bool {
	to := kafka.PartitionAny
	if c.explicit {
		to = partition
	}
	if c.p.Produce(&kafka.Message{TopicPartition: kafka.TopicPartition{Topic: &topic,
		Partition: to}, Value: value}, nil) != nil {
		return false
	}
	c.taken.Add(1)
	return true
}

// Finish looks every millisecond, where Flush would look ten times a second.
func (c *confluent) Finish(ctx context.Context) error {
	for ; c.counts[Delivered].Load()+c.counts[Failed].Load() < c.taken.Load(); time.Sleep(time.Millisecond) {
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (c *confluent) Told() map[string]string { return c.told }
