//go:build unix

package producer_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/proof"
)

func TestKafka_F6_UnkeyedRecordsKeepToTheirZoneAndLeaveItWhenItIsAway(t *testing.T) {
	t.Parallel()
	proven := proof.Of(t, "F6")
	c := kafkatest.Start(t, kafkatest.Brokers(3), kafkatest.Racks("a", "b", "c"))
	var led [][]int32
	for p := range int32(6) {
		led = append(led, []int32{1 + p%3, 1 + (p+1)%3, 1 + (p+2)%3})
	}
	c.CreateTopic(t, "events", 6, kafkatest.Assign(led...))
	tr := try(t, to(c, noMoves, func(cfg *producer.Config) { cfg.Rack = "b" }))
	var mu sync.Mutex
	near, all := 0, 0
	tr.alsoReport(func(r producer.Report) {
		mu.Lock()
		defer mu.Unlock()
		if all++; r.Partition%3 == 1 {
			near++
		}
	})
	part := func(d time.Duration) float64 { // of what is delivered in that time
		mu.Lock()
		near, all = 0, 0
		mu.Unlock()
		tr.awaitAccepted(t, d, 100)
		mu.Lock()
		defer mu.Unlock()
		return float64(near) / float64(max(all, 1))
	}
	const mostly = 0.9 // what waits for a second may go anywhere, and the machine may be busy
	stop := tr.stream(t, 2, func(int) producer.Record {
		return producer.Record{Topic: "events", Value: randomBytes(100)}
	})
	tr.awaitDelivered(t, 500)
	require.Eventually(t, func() bool { return part(500*time.Millisecond) > mostly }, patience,
		100*time.Millisecond, "all well")

	home := c.Brokers()[1]
	home.Kill(t)
	proven.Bit("brokers of the zone killed", 1)
	require.Eventually(t, func() bool { return part(500*time.Millisecond) < 0.6 }, patience,
		100*time.Millisecond,
		"its partitions have other leaders, and are two of six")

	home.Start(t)
	adm := c.Admin(t)
	require.Eventually(t, func() bool {
		_, err := adm.ElectLeaders(t.Context(), kadm.ElectPreferredReplica, nil)
		return err == nil && part(500*time.Millisecond) > mostly
	}, patience, 100*time.Millisecond, "it does not come home")
	stop()
	tr.settleOnce(t, c, "events")
	tr.ledger.Prove(proven)
	logFigures(t, proven)
}
