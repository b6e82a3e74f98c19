package rig

import (
	"context"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/test/kafkatest"
)

// Reference is somebody who depends on no client's retries: a connection and a request of its own
// for each try, every ten milliseconds. What it is answered is when Kafka takes records again.
type Reference struct {
	broker string
	topic  string
	id     kadm.TopicID
}

// NewReference returns one that writes to partition 0 of a topic.
func (k *Kafka) NewReference(t *TB, topic string) *Reference {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	topics, err := k.adm.ListTopics(ctx, topic)
	t.Check(err)
	return &Reference{k.Broker(0).Addr(), topic, topics[topic].ID}
}

// Acknowledged tries until a record is acknowledged, or ctx ends, and returns when that was.
func (r *Reference) Acknowledged(ctx context.Context) (time.Time, error) {
	for {
		err := r.try(ctx)
		if err == nil {
			return time.Now(), nil
		}
		select {
		case <-ctx.Done():
			return time.Time{}, err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (r *Reference) try(ctx context.Context) error {
	// The kernel takes connections for a broker that is coming up, which then answers none of them.
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(r.broker), kgo.Dialer(new(net.Dialer).DialContext),
		kgo.DisableClientMetrics(), kgo.RequestRetries(0))
	if err != nil {
		return err
	}
	defer cl.Close()
	resp, err := cl.SeedBrokers()[0].Request(ctx,
		kafkatest.ProduceOne(r.topic, r.id, []byte("reference")))
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode)
}
