//go:build unix

package kafkatest

import (
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// ProduceOne returns a request to write one record to partition 0 of a topic: for whoever is to
// depend on no producer's ways when it asks whether Kafka takes records.
func ProduceOne(name string, id [16]byte, value []byte) *kmsg.ProduceRequest {
	record := kmsg.Record{Value: value}
	// less the length itself, which takes a byte as long as it is 0
	record.Length = int32(len(record.AppendTo(nil))) - 1
	now := time.Now().UnixMilli()
	batch := kmsg.RecordBatch{
		Magic: 2, PartitionLeaderEpoch: -1, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		FirstTimestamp: now, MaxTimestamp: now, NumRecords: 1, Records: record.AppendTo(nil),
	}
	const beforeLength, beforeChecked = 12, 21 // bytes
	batch.Length = int32(len(batch.AppendTo(nil)) - beforeLength)
	batch.CRC = int32(crc32.Checksum(batch.AppendTo(nil)[beforeChecked:],
		crc32.MakeTable(crc32.Castagnoli)))

	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 1000
	topic, partition := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	topic.Topic, topic.TopicID = name, id
	partition.Records = batch.AppendTo(nil)
	topic.Partitions = append(topic.Partitions, partition)
	req.Topics = append(req.Topics, topic)
	return req
}
