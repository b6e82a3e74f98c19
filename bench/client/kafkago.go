package client

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

// kafkaGo is segmentio/kafka-go's Writer in its asynchronous mode, which holds whatever it is
// given: the bound is the harness's own, a count of what is on its way.
type kafkaGo struct {
	tally
	w    *kafka.Writer
	told map[string]string

	room    int64        // records
	waiting atomic.Int64 // records
}

// chosen is a balancer that goes where the application says, which a kafka.Message of a Writer
// cannot.
type chosen struct{}

func (chosen) Balance(m kafka.Message, _ ...int) int { return m.WriterData.(int) }

func newKafkaGo(s Settings, l Listener) (Client, error) {
	codecs := map[string]kafka.Compression{"lz4": kafka.Lz4, "zstd": kafka.Zstd}
	k := &kafkaGo{room: int64(s.boundRecords())}
	k.listen = l
	k.w = &kafka.Writer{
		Addr: kafka.TCP(s.Brokers...), Async: true, Completion: k.complete,
		RequiredAcks: kafka.RequireAll, Compression: codecs[s.Compression], BatchTimeout: max(s.Linger, time.Nanosecond),
	}
	k.told = map[string]string{
		"Async": "true", "RequiredAcks": "RequireAll", "Compression": s.Compression, "BatchTimeout": k.w.BatchTimeout.String(),
		"idempotence": "it has none", "bound": fmt.Sprintf("it has none; the harness holds back "+
			"at %d records", k.room),
	}
	if s.Explicit {
		k.w.Balancer = chosen{}
		k.told["Balancer"] = "the application's"
	}
	return k, nil
}

func (k *kafkaGo) complete(messages []kafka.Message, err error) {
	k.waiting.Add(-int64(len(messages)))
	for i := range messages {
		if err != nil {
			k.failed(messages[i].Value, err)
		} else {
			k.note(Delivered, messages[i].Value)
		}
	}
}

func (k *kafkaGo) Send(topic string, partition int32, value []byte, _ uint64) bool {
	if k.waiting.Add(1) > k.room {
		k.waiting.Add(-1)
		return false
	}
	m := kafka.Message{Topic: topic, Value: value}
	if _, ok := k.w.Balancer.(chosen); ok {
		m.WriterData = int(partition)
	}
	if err := k.w.WriteMessages(context.Background(), m); err != nil {
		k.waiting.Add(-1)
		k.said.CompareAndSwap(nil, &err)
		return false
	}
	return true
}

func (k *kafkaGo) Finish(ctx context.Context) error {
	done := make(chan struct{})
	go func() { // ends with the writer, or with the process
		defer close(done)
		_ = k.w.Close()
	}()
	return wait(ctx, done)
}

func (k *kafkaGo) Told() map[string]string { return k.told }
