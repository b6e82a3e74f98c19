//go:build unix

package kafkatest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(M{M: m}) }

// produce sends the values with acks from all replicas, to the partitions kgo picks.
func produce(t testing.TB, c *Cluster, topic string, values ...string) {
	t.Helper()
	var records []*kgo.Record
	for _, v := range values {
		records = append(records, &kgo.Record{Topic: topic, Value: []byte(v)})
	}
	produceRecords(t, c, records...)
}

func produceRecords(t testing.TB, c *Cluster, records ...*kgo.Record) {
	t.Helper()
	cl, err := c.liveClient(kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	require.NoError(t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, cl.ProduceSync(ctx, records...).FirstErr())
}

func values(records []*kgo.Record) []string {
	var got []string
	for _, r := range records {
		got = append(got, string(r.Value))
	}
	return got
}
