//go:build unix

package producer_test

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/proof"
)

// Real Kafka hangs up on requests above socket.request.max.bytes, as Azure Event Hubs does above
// 1,046,528 bytes.
func TestKafka_F7_ABrokerThatHangsUpOnLargeRequestsGetsEverythingInSmallerOnes(t *testing.T) {
	for _, limit := range []struct {
		name, bytes string
		most        uint64 // attempts that are repeated
	}{
		{"above a batch", "1046528", 60},
		{"below a batch", "500000", 120},
	} {
		t.Run(limit.name, func(t *testing.T) {
			proven := proof.Of(t, "F7")
			c := kafkatest.Start(t, kafkatest.Property("socket.request.max.bytes", limit.bytes))
			c.CreateTopic(t, "events", 12)
			link := newLink()
			link.Cut() // until there is more than a request takes, however slowly it comes
			tr := try(t, to(c), producer.WithDialer(link.Dial))
			const n = 50_000
			for i := range n {
				if i == n/5 {
					link.Restore()
				}
				value := make([]byte, 1000)
				_, _ = rand.Read(value)
				for errors.Is(tr.ledger.Send(tr.Producer,
					producer.Record{Topic: "events", Value: value}), producer.ErrBufferFull) {
					time.Sleep(time.Millisecond)
				}
			}
			tr.flush(t)
			s := tr.Stats()
			require.EqualValues(t, n, s.Total.Delivered)
			require.Less(t, s.Retries, limit.most)
			proven.Bit("attempts that were repeated", int64(s.Retries))
			tr.settle(t, c, "events")
			tr.ledger.Prove(proven)
		})
	}
}
