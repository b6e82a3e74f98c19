//go:build unix

package registry_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/forebay-go/forebay/event/protobuf"
	"github.com/forebay-go/forebay/event/registry"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
)

const patience = time.Minute

// operator returns a client of a real registry, as a CI job would have it.
func operator(t *testing.T) *registry.Registry {
	t.Helper()
	r, err := registry.New(registry.Config{URLs: []string{kafkatest.SharedRegistry(t).URL()}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close(context.Background())) })
	return r
}

func newProducer(t *testing.T, c *kafkatest.Cluster) *producer.Producer {
	t.Helper()
	p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{
		"kafka": {Brokers: c.Seeds()}}})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, _ = p.Close(ctx) // the tests flush
	})
	return p
}

func flush(t *testing.T, p *producer.Producer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, p.Flush(ctx))
	books := p.Stats().Total
	require.True(t, books.Balanced())
	require.Equal(t, books.Accepted, books.Delivered)
}

// The registry cannot be reached at first, then it does not know the schema, then a CI job registers
// it. All that was sent meanwhile arrives, with the ID that the registry has given.
func TestKafka_EventsWaitForARealRegistry(t *testing.T) {
	operator := operator(t)
	cluster := kafkatest.Shared(t)
	topic := kafkatest.TopicName(t)
	cluster.CreateTopic(t, topic, 3)
	var cut atomic.Bool
	cut.Store(true)
	r, err := registry.New(registry.Config{URLs: []string{kafkatest.SharedRegistry(t).URL()},
		MaxPause: 100 * time.Millisecond},
		registry.WithDialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
			if cut.Load() {
				return nil, errors.New("cut")
			}
			return new(net.Dialer).DialContext(ctx, network, addr)
		}))
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close(context.Background())) }()
	schema := sr.Schema{Schema: `{"type":"record","name":"Waits","fields":[{"name":"x","type":"int"}]}`}
	subject := registry.ValueSubject(topic)
	c, err := registry.NewCodec(r, subject, schema, text{})
	require.NoError(t, err)
	p := newProducer(t, cluster)
	e := events(t, p, topic, c)
	send(t, e, "", texts(0, 100)...)
	require.Eventually(t, func() bool { return r.Stats().Failures > 3 }, patience, time.Millisecond)
	cut.Store(false)
	require.Eventually(t, func() bool { return r.Stats().Unregistered > 3 }, patience,
		time.Millisecond)
	send(t, e, "k", texts(100, 200)...)
	require.Contains(t, c.Hold().String(), "run forebay schema register")
	require.EqualValues(t, 200, p.Stats().Total.Pending)
	_, err = operator.LookUp(t.Context(), subject, schema)
	require.ErrorIs(t, err, registry.ErrNotRegistered, "the codec has registered it")

	id, err := operator.Register(t.Context(), subject, schema)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return c.Hold() == nil }, patience, time.Millisecond)
	flush(t, p)
	var got []string
	for _, rec := range cluster.Read(t, topic) {
		got = append(got, decoded(t, rec.Value, id))
	}
	require.ElementsMatch(t, texts(0, 200), got)
}

// A real registry compares the text of schemas to the letter, unless it is asked to normalize.
func TestKafka_ARealRegistryKnowsASchemaThatIsWrittenDifferently(t *testing.T) {
	operator := operator(t)
	subject := kafkatest.TopicName(t)
	id, err := operator.Register(t.Context(), subject, sr.Schema{
		Schema: `{"type":"record","name":"Order","fields":[{"name":"x","type":"int"}]}`})
	require.NoError(t, err)
	found, err := operator.LookUp(t.Context(), subject, sr.Schema{
		Schema: "{\"name\":\"Order\",\n\"type\":\"record\",\"fields\":[{\"type\":\"int\",\"name\":\"x\"}]}"})
	require.NoError(t, err)
	require.Equal(t, id, found)
}

func TestKafka_ARealRegistryRefusesWhatIsNotCompatible(t *testing.T) {
	operator := operator(t)
	c, err := sr.NewClient(sr.URLs(kafkatest.SharedRegistry(t).URL()))
	require.NoError(t, err)
	subject := kafkatest.TopicName(t)
	_, err = operator.Register(t.Context(), subject, sr.Schema{Schema: recordA})
	require.NoError(t, err)
	for _, result := range c.SetCompatibility(t.Context(),
		sr.SetCompatibility{Level: sr.CompatBackward}, subject) {
		require.NoError(t, result.Err)
	}
	same, err := operator.Incompatible(t.Context(), subject, sr.Schema{Schema: recordA})
	require.NoError(t, err)
	require.Empty(t, same)
	next := sr.Schema{Schema: `{"type":"record","name":"A","fields":[{"name":"y","type":"int"}]}`}
	why, err := operator.Incompatible(t.Context(), subject, next)
	require.NoError(t, err)
	require.NotEmpty(t, why)
	_, err = operator.Register(t.Context(), subject, next)
	require.ErrorIs(t, err, registry.ErrRejected)
	_, err = operator.Register(t.Context(), subject, sr.Schema{Schema: `{"type":"nothing"}`})
	require.ErrorIs(t, err, registry.ErrRejected)
}

// An ID of the lock file that stands for another schema in the registry, and one that is right.
func TestKafka_ARealRegistryContradictsALockFile(t *testing.T) {
	operator := operator(t)
	subject := kafkatest.TopicName(t)
	a := sr.Schema{Schema: `{"type":"record","name":"LockA","fields":[{"name":"x","type":"int"}]}`}
	b := sr.Schema{Schema: `{"type":"record","name":"LockB","fields":[{"name":"x","type":"int"}]}`}
	idA, err := operator.Register(t.Context(), subject+"-a", a)
	require.NoError(t, err)
	idB, err := operator.Register(t.Context(), subject+"-b", b)
	require.NoError(t, err)
	lock := new(registry.Lock)
	for _, wrong := range []struct {
		subject string
		schema  sr.Schema
		id      int
	}{{subject + "-a", a, idA}, {subject + "-b", b, idA}, {subject + "-c", b, idA}} {
		f, err := registry.Fingerprint(wrong.schema)
		require.NoError(t, err)
		require.NoError(t, lock.Set(registry.LockedSchema{Subject: wrong.subject, Fingerprint: f,
			ID: wrong.id}))
	}
	r, err := registry.New(registry.Config{URLs: []string{kafkatest.SharedRegistry(t).URL()}},
		registry.WithLock(lock.Bytes()))
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close(context.Background())) }()
	right, err := registry.NewCodec(r, subject+"-a", a, text{})
	require.NoError(t, err)
	other, err := registry.NewCodec(r, subject+"-b", b, text{})
	require.NoError(t, err)
	none, err := registry.NewCodec(r, subject+"-c", b, text{})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return r.Stats().Contradictions == 2 }, patience,
		time.Millisecond)
	id, source := right.ID()
	require.Equal(t, idA, id)
	require.Equal(t, registry.Locked, source)
	id, source = other.ID()
	require.Equal(t, idB, id)
	require.Equal(t, registry.LookedUp, source)
	require.Contains(t, none.Hold().String(), "has another schema under the ID")
}

const twoMessages = `syntax = "proto3";
message Struct { map<string, Value> fields = 1; }
message Value { double number_value = 2; }
`

// Generated messages say themselves where in their file they are. franz-go finds them there.
func TestKafka_ProtobufMessagesCarryTheirPlace(t *testing.T) {
	operator := operator(t)
	cluster := kafkatest.Shared(t)
	topic := kafkatest.TopicName(t)
	cluster.CreateTopic(t, topic, 1)
	subject := registry.ValueSubject(topic)
	schema := sr.Schema{Schema: twoMessages, Type: sr.TypeProtobuf}
	id, err := operator.Register(t.Context(), subject, schema)
	require.NoError(t, err)
	values, err := registry.NewCodec(operator, subject, schema, protobuf.New[*structpb.Value]())
	require.NoError(t, err)
	nested, err := registry.NewCodec(operator, subject, schema,
		protobuf.New[*descriptorpb.DescriptorProto_ExtensionRange]())
	require.NoError(t, err)
	require.Eventually(t, func() bool { return values.Hold() == nil }, patience, time.Millisecond)

	p := newProducer(t, cluster)
	sendMessage(t, p, topic, values, structpb.NewNumberValue(4.5))
	start := int32(3)
	sendMessage(t, p, topic, nested, &descriptorpb.DescriptorProto_ExtensionRange{Start: &start})
	flush(t, p)

	var serde sr.Serde
	decode := sr.DecodeFn(func(b []byte, v any) error { return proto.Unmarshal(b, v.(proto.Message)) })
	serde.Register(id, &structpb.Value{}, decode, sr.Index(1))
	serde.Register(id, &descriptorpb.DescriptorProto_ExtensionRange{}, decode, sr.Index(2, 0))
	log := cluster.Read(t, topic)
	require.Len(t, log, 2)
	var value structpb.Value
	require.NoError(t, serde.Decode(log[0].Value, &value))
	require.Equal(t, 4.5, value.GetNumberValue())
	var inner descriptorpb.DescriptorProto_ExtensionRange
	require.NoError(t, serde.Decode(log[1].Value, &inner))
	require.EqualValues(t, 3, inner.GetStart())
}

func sendMessage[T any](t *testing.T, p producer.Sender, topic string, c *registry.Codec[T], v T) {
	t.Helper()
	value, err := c.AppendKnown(nil, v)
	require.NoError(t, err)
	require.NoError(t, p.Send(producer.Record{Topic: topic, Value: value}))
}
