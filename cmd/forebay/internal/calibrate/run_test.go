//go:build unix

package calibrate

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
	"github.com/forebay-go/forebay/test/kafkatest"
)

// The model has what Forebay does with real brokers. Records are so few that a slow machine keeps
// up, and the linger is so long that its timers do not matter.
func TestKafka_RequestsAreAsPredicted(t *testing.T) {
	cluster := kafkatest.SharedTrio(t)
	const linger = 200 * time.Millisecond
	for _, load := range []Load{
		{Producers: 6, Records: 60, Bytes: 100, Linger: linger},
		{Producers: 3, Records: 300, Bytes: 1000, Linger: linger},
		{Producers: 4, Records: 100, Bytes: 100, Linger: linger, Keyed: true},
	} {
		t.Run(fmt.Sprintf("%+v", load), func(t *testing.T) {
			topic := kafkatest.TopicName(t)
			cluster.CreateTopic(t, topic, 36, kafkatest.Replication(1))
			t.Parallel()
			r := &run{Options: Options{Brokers: cluster.Seeds()}, topics: []string{topic}, size: 3,
				partitions: 36}
			p, err := r.measure(t.Context(), load, 12*time.Second)
			require.NoError(t, err)
			require.InEpsilon(t, load.Records, p.Records, 0.2, "the load itself")
			predicted, err := fleet.Predict(&p, 3, 36, 0)
			require.NoError(t, err)
			t.Logf("%.1f requests/s, predicted %.1f", p.Requests, predicted)
			require.InEpsilon(t, p.Requests, predicted, 0.15)
		})
	}
}

func TestKafka_RunFitsWhatItMeasures(t *testing.T) {
	cluster := kafkatest.SharedTrio(t)
	var pids []int
	for _, broker := range cluster.Brokers() {
		pids = append(pids, broker.PID())
	}
	var progress bytes.Buffer
	c, err := Run(t.Context(), Options{Brokers: cluster.Seeds(),
		PIDs: pids, Window: time.Second, Machine: "this", Kafka: "4.1",
		Loads: []Load{
			{Producers: 1, Records: 100, Bytes: 100, Linger: 50 * time.Millisecond},
			{Producers: 2, Records: 1000, Bytes: 1000, Linger: 50 * time.Millisecond},
			{Producers: 4, Records: 400, Bytes: 100, Linger: 20 * time.Millisecond},
			{Producers: 8, Records: 400, Bytes: 100, Linger: 50 * time.Millisecond},
			{Producers: 1, Records: 400, Bytes: 10_000, Linger: 50 * time.Millisecond, Keyed: true},
			{Producers: 2, Records: 400, Bytes: 100, Linger: 50 * time.Millisecond, Replicated: true},
			{Producers: 4, Records: 400, Bytes: 100, Linger: 20 * time.Millisecond, Replicated: true},
		}, Progress: &progress})
	require.NoError(t, err)
	require.Len(t, c.Points, 7)
	for _, p := range c.Points {
		require.NotZero(t, p.Requests)
		require.NotZero(t, p.Predicted)
		require.NotZero(t, p.Batches)
		require.GreaterOrEqual(t, p.Connections, 2*float64(p.Producers))
		require.NotZero(t, p.Cores)
	}
	require.Greater(t, c.Points[4].Batches, 2*c.Points[4].Requests, "of several partitions")
	require.False(t, c.NoProcessor)
	require.Equal(t, 3, c.Points[5].Replicas)
	require.NotZero(t, c.Points[5].Fetches)
	require.Equal(t, 3, c.Brokers)
	require.Equal(t, 36, c.Partitions)
	require.NotZero(t, c.Base+c.PerRequest+c.PerBatch+c.PerFetch+c.PerMegabyte+c.PerConnection)
	require.Equal(t, "this", c.Machine)
	require.Contains(t, progress.String(), "7/7  4 producers, linger 20ms, ")

	admin, err := connect(cluster.Seeds())
	require.NoError(t, err)
	defer admin.client.Close()
	topics, err := admin.adm.ListTopics(t.Context())
	require.NoError(t, err)
	for _, name := range topics.Names() {
		require.NotContains(t, name, "forebay-calibrate", "the topic is deleted")
	}
}

func TestRun_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	_, err := Run(canceled(t), Options{Brokers: []string{"127.0.0.1:1"}, Window: time.Hour,
		Progress: new(bytes.Buffer)})
	require.ErrorContains(t, err, "list the brokers: ")
}
