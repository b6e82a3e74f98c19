//go:build unix

package producer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/proof"
)

// answers is told of each answer to a kind of request.
type answers struct {
	key  kmsg.Key
	told chan<- struct{}
}

func (a answers) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	if key == int16(a.key) && e2e.Err() == nil {
		a.told <- struct{}{}
	}
}

// The broker forgets producers after three seconds, and says so. A batch whose answer was lost is
// there twice when it is sent again later, and is counted.
func TestKafka_F24_ABrokerThatForgetsSoonLeavesNoDuplicateThatIsNotCounted(t *testing.T) {
	proven := proof.Of(t, "F24")
	c := kafkatest.Start(t, kafkatest.Property("producer.id.expiration.ms", "3000"),
		kafkatest.Property("producer.id.expiration.check.interval.ms", "200"))
	c.CreateTopic(t, "events", 1)
	link := newLink()
	asked := make(chan struct{}, 100)
	tr := try(t, to(c), producer.WithDialer(link.Dial),
		producer.WithHooks(answers{kmsg.DescribeConfigs, asked}))
	send := func() {
		tr.send(t, producer.Record{Topic: "events", Key: []byte("k"), Value: make([]byte, 20)})
	}
	send()
	select {
	case <-asked: // once it has answered, it is asked
	case <-time.After(patience):
		t.Fatal("the broker was not asked")
	}
	const times = 3
	for range times {
		send()
		tr.flush(t)
		link.CutAfterWrites(1)
		before := link.Cuts()
		send()
		require.Eventually(t, func() bool { return link.Cuts() > before }, patience,
			time.Millisecond)
		time.Sleep(20 * time.Millisecond)
		link.Cut()
		link.CutAfterWrites(0)
		time.Sleep(5 * time.Second) // the broker's clock cannot be turned
		link.Restore()
		tr.flush(t)
	}
	proven.Bit("answers that were lost", link.Cuts())
	tr.settle(t, c, "events")
	require.LessOrEqual(t, tr.Stats().Total.MaybeDuplicated, uint64(times))
	tr.ledger.Prove(proven)
}
