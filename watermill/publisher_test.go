package watermill

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/producertest"
	"github.com/forebay-go/forebay/routing"
)

func TestMarshal_IsThatOfWatermillKafka(t *testing.T) {
	msg := message.NewMessage("17", []byte("started"))
	msg.Metadata.Set("user", "7")
	msg.Metadata.Set("app", "")
	rec, err := Marshal("plays", msg)
	require.NoError(t, err)
	require.Equal(t, producer.Record{Topic: "plays", Value: []byte("started"), Headers: []producer.Header{
		{Key: "_watermill_message_uuid", Value: []byte("17")},
		{Key: "app", Value: []byte{}},
		{Key: "user", Value: []byte("7")},
	}}, rec)

	rec, err = Marshal("plays", new(message.Message))
	require.NoError(t, err)
	require.Nil(t, rec.Value)
	require.Equal(t, []producer.Header{{Key: UUIDHeader, Value: []byte{}}}, rec.Headers)

	msg.Metadata.Set(UUIDHeader, "18")
	_, err = Marshal("plays", msg)
	require.ErrorContains(t, err, `metadata "_watermill_message_uuid" is reserved`)
}

func TestPublish_AcceptsMessagesUntilOneFails(t *testing.T) {
	var r producertest.Recorder
	r.Script("plays", producertest.Deliver(), producertest.Refuse(producer.ErrBufferFull), producertest.Deliver())
	p := NewPublisher(&r, nil, WithMarshaler(nil), WithPartitionKey(nil))
	require.NoError(t, p.Publish("plays"))
	err := p.Publish("plays", message.NewMessage("1", nil), message.NewMessage("2", nil), message.NewMessage("3", nil))
	require.ErrorIs(t, err, producer.ErrBufferFull)
	require.ErrorContains(t, err, `publish message "2": send to "plays"`)
	require.Len(t, r.Records(), 1)
	require.ErrorContains(t, p.Publish("plays", message.NewMessage("4", nil), nil), `publish to "plays": message 1 is nil`)
	require.ErrorIs(t, p.Publish("a b", message.NewMessage("5", nil)), producer.ErrInvalidRecord)
	require.Panics(t, func() { NewPublisher(nil) })
}

func TestPublish_DoesNotWaitForAnOutcome(t *testing.T) {
	var r producertest.Recorder
	r.Script("plays", producertest.Hold())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	msg := message.NewMessage("1", nil)
	msg.SetContext(ctx) // as of a message that was read and is acknowledged
	require.NoError(t, NewPublisher(&r).Publish("plays", msg))
	require.Len(t, r.Records(), 1)
}

func TestPublish_WaitsForOutcomesIfItIsToldTo(t *testing.T) {
	var r producertest.Recorder
	p := NewPublisher(&r, WithWait())
	require.NoError(t, p.Publish("plays", message.NewMessage("1", nil), message.NewMessage("2", nil)))

	r.Script("plays", producertest.Expire(), producertest.Hold())
	err := p.Publish("plays", message.NewMessage("3", nil), message.NewMessage("4", nil))
	require.ErrorIs(t, err, producer.ErrNotDelivered)
	require.ErrorContains(t, err, `publish message "3"`)
	require.Len(t, r.Records(), 3, "the one after it was not sent")

	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	msg := message.NewMessage("5", nil)
	msg.SetContext(ctx)
	require.ErrorIs(t, p.Publish("plays", msg), context.DeadlineExceeded)
	go func() {
		for len(r.Records()) < 5 {
			time.Sleep(time.Millisecond)
		}
		r.Release(producertest.Deliver())
	}()
	require.NoError(t, p.Publish("plays", message.NewMessage("6", nil)))
}

func TestPublish_GivesMessagesTheirKeys(t *testing.T) {
	var r producertest.Recorder
	p := NewPublisher(&r, WithPartitionKey(KeyFromMetadata("user")))
	msg := message.NewMessage("1", nil)
	require.NoError(t, p.Publish("plays", msg))
	msg.Metadata.Set("user", "7")
	require.NoError(t, p.Publish("plays", msg))
	require.Nil(t, r.Records()[0].Key)
	require.Equal(t, []byte("7"), r.Records()[1].Key)

	wrong := errors.New("which user?")
	p = NewPublisher(&r, WithPartitionKey(func(string, *message.Message) (string, error) { return "", wrong }))
	err := p.Publish("plays", msg)
	require.ErrorIs(t, err, wrong)
	require.ErrorContains(t, err, `publish message "1": no partition key: which user?`)
	require.Len(t, r.Records(), 2)
}

func TestPublish_SendsWhatItsMarshalerMakes(t *testing.T) {
	var r producertest.Recorder
	p := NewPublisher(&r, WithMarshaler(func(topic string, msg *message.Message) (producer.Record, error) {
		if msg.UUID == "" {
			return producer.Record{}, errors.New("no UUID")
		}
		return producer.Record{Topic: topic + ".v2", Priority: routing.High}, nil
	}), WithPartitionKey(KeyFromMetadata("user")))
	msg := message.NewMessage("1", nil)
	msg.Metadata.Set("user", "7")
	require.NoError(t, p.Publish("plays", msg))
	require.Equal(t, []producer.Record{{Topic: "plays.v2", Priority: routing.High, Key: []byte("7")}}, r.Records())
	require.ErrorContains(t, p.Publish("plays", message.NewMessage("", nil)), "no UUID")
}

func TestClose_DeliversWhatWaitsAndClosesTheProducer(t *testing.T) {
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprint(shared), func(t *testing.T) {
			var r producertest.Recorder
			r.Script("plays", producertest.Hold())
			opts := []Option{WithCloseTimeout(time.Minute), WithCloseTimeout(-1)}
			if shared {
				opts = append(opts, WithSharedProducer())
			}
			p := NewPublisher(&r, opts...)
			require.NoError(t, p.Publish("plays", message.NewMessage("1", nil)))
			time.AfterFunc(time.Millisecond, func() { r.Release(producertest.Deliver()) })
			require.NoError(t, p.Close())
			require.NoError(t, p.Close())
			require.ErrorIs(t, p.Publish("plays", message.NewMessage("2", nil)), producer.ErrClosed)
			err := r.Send(producer.Record{Topic: "others"})
			if shared {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, producer.ErrClosed)
			}
		})
	}
}

func TestClose_SaysThatRecordsWereLeft(t *testing.T) {
	var r producertest.Recorder
	r.Script("plays", producertest.Hold())
	p := NewPublisher(&r, WithCloseTimeout(0))
	require.NoError(t, p.Publish("plays", message.NewMessage("1", nil)))
	require.ErrorIs(t, p.Close(), producer.ErrLeft)
	require.NoError(t, p.Close())
}

// A delivery callback that calls Close has closed nothing, and may close later.
func TestClose_MayBeTriedAgainAfterACallback(t *testing.T) {
	var r producertest.Recorder
	p := NewPublisher(&r)
	called := make(chan error, 1)
	r.Delivery = func(producer.Report) { called <- p.Close() }
	require.NoError(t, p.Publish("plays", message.NewMessage("1", nil)))
	require.ErrorIs(t, <-called, producer.ErrInCallback)
	require.NoError(t, p.Close())
	require.ErrorIs(t, r.Send(producer.Record{Topic: "plays"}), producer.ErrClosed)
}

func TestPublish_ConcurrentSafe(t *testing.T) {
	var r producertest.Recorder
	p := NewPublisher(&r, WithPartitionKey(KeyFromMetadata("user")))
	msg := message.NewMessage("1", []byte("a"))
	msg.Metadata.Set("user", "7")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				require.NoError(t, p.Publish("plays", msg))
			}
		})
	}
	all.Wait()
	require.NoError(t, p.Close())
	require.Len(t, r.Records(), 800)
}
