package watermill

import (
	"fmt"
	"maps"
	"slices"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/forebay-go/forebay/producer"
)

// UUIDHeader is the header that carries the UUID of a message, as in watermill-kafka.
const UUIDHeader = "_watermill_message_uuid"

// Marshaler makes the record of a message. It may choose another topic, a key, a partition, a
// priority or a time. It is called by the goroutine that calls Publish, maybe by several at a time,
// and must not change the message.
type Marshaler func(topic string, msg *message.Message) (producer.Record, error)

// Marshal is the default Marshaler. Its records are those of watermill-kafka's DefaultMarshaler, so
// the subscriber of watermill-kafka reads them: the payload is the value, the UUID is in
// UUIDHeader, and each metadata is a header, in the order of their names. It returns an error if
// the metadata has UUIDHeader itself.
func Marshal(topic string, msg *message.Message) (producer.Record, error) {
	if msg.Metadata.Get(UUIDHeader) != "" {
		return producer.Record{}, fmt.Errorf("metadata %q is reserved for the UUID of the "+
			"message: use another name", UUIDHeader)
	}
	headers := make([]producer.Header, 0, 1+len(msg.Metadata))
	headers = append(headers, producer.Header{Key: UUIDHeader, Value: []byte(msg.UUID)})
	for _, name := range slices.Sorted(maps.Keys(msg.Metadata)) {
		headers = append(headers, producer.Header{Key: name, Value: []byte(msg.Metadata[name])})
	}
	return producer.Record{Topic: topic, Value: msg.Payload, Headers: headers}, nil
}

// PartitionKey returns the key of a message, or an error, with which Publish fails. An empty string
// means no key. A GeneratePartitionKey of watermill-kafka can be converted to it.
type PartitionKey func(topic string, msg *message.Message) (string, error)

// KeyFromMetadata returns the metadata with a name as the key. A message without it has no key.
func KeyFromMetadata(name string) PartitionKey {
	return func(_ string, msg *message.Message) (string, error) {
		return msg.Metadata.Get(name), nil
	}
}

// put gives rec its key.
func (fn PartitionKey) put(rec producer.Record, topic string, msg *message.Message) (
	producer.Record, error) {
	key, err := fn(topic, msg)
	switch {
	case err != nil:
		return rec, fmt.Errorf("no partition key: %w", err)
	case key != "":
		rec.Key = []byte(key)
	}
	return rec, nil
}
