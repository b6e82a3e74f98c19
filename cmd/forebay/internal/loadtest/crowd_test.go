package loadtest

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// newKafka starts an embedded broker with a topic, and returns a plan for its readers.
func newKafka(t *testing.T) (*kfake.Cluster, readPlan) {
	t.Helper()
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "plays"))
	require.NoError(t, err)
	t.Cleanup(kafka.Close)
	opts := []kgo.Opt{kgo.SeedBrokers(kafka.ListenAddrs()...)}
	client, err := kgo.NewClient(opts...)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return kafka, readPlan{topic: "plays", opts: opts, admin: kadm.NewClient(client),
		meter: newMeter("east")}
}

// kgo waits for the answers of a broker before it closes, whatever context it has: for each reader more than
// ten seconds if the broker is frozen.
func TestCrowd_ReadersLeaveABrokerThatIsFrozen(t *testing.T) {
	kafka, plan := newKafka(t)
	fetches, frozen := make(chan struct{}, 1), make(chan struct{}, 1)
	kafka.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		kafka.KeepControl()
		if req.(*kmsg.FetchRequest).SessionID == 0 {
			return nil, nil, false
		}
		select {
		case fetches <- struct{}{}:
			kafka.ControlKey(int16(kmsg.ApiVersions), func(kmsg.Request) (kmsg.Response, error, bool) {
				kafka.KeepControl()
				select {
				case frozen <- struct{}{}:
				default:
				}
				return nil, nil, true
			})
		default:
		}
		return nil, errors.New("frozen"), true // the connection ends; the next one gets no answer
	})
	plan.maxWait = 10 * time.Millisecond
	c, err := gather(t.Context(), 2, plan)
	require.NoError(t, err)
	select {
	case <-frozen:
	case <-time.After(time.Minute):
		require.Fail(t, "no reader connects again")
	}
	began := time.Now()
	c.close()
	require.Less(t, time.Since(began), 8*time.Second)
}
