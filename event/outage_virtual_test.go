//go:build synctests

package event_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/event"
	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
)

// Whatever outages come, events that were accepted all arrive as they were given, those of a key in
// order, and those that could not be encoded leave no trace.
func TestVirtual_EventsOutliveOutages(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			network := new(kfake.VirtualNetwork)
			kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(19092),
				kfake.ListenFn(network.Listen), kfake.SeedTopics(3, "plays"))
			require.NoError(rt, err)
			defer kafka.Close()
			link, away := faultnet.New(network.DialContext), false
			toggle := func() {
				if away = !away; away {
					link.Cut()
				} else {
					link.Restore()
				}
			}
			if rapid.Bool().Draw(rt, "away at first") {
				toggle()
			}
			p, err := producer.New(producer.Config{
				Clusters: map[string]producer.ClusterConfig{"events": {Brokers: kafka.ListenAddrs()}},
				Priorities: producer.PrioritiesConfig{
					Medium: producer.PriorityConfig{DeliveryTimeout: 24 * time.Hour}},
			}, producer.WithDialer(link.Dial))
			require.NoError(rt, err)
			defer closeNow(p)
			e, err := event.New(p, "plays", event.JSON[play](),
				event.KeyBy(func(v play) string { return v.Text[:1] }))
			require.NoError(rt, err)

			sent, failed := make(map[string][]string), uint64(0)
			for n := range rapid.IntRange(1, 60).Draw(rt, "events") {
				v := play{Text: fmt.Sprintf("%d %d", rapid.IntRange(0, 3).Draw(rt, "key"), n)}
				switch rapid.IntRange(0, 5).Draw(rt, "step") {
				case 0:
					toggle()
				case 1:
					time.Sleep(time.Duration(rapid.IntRange(1, 1000).Draw(rt, "s")) * time.Second)
				case 2:
					v.action = func() ([]byte, error) { panic("wrong") }
				}
				if err := e.Send(v); v.action != nil {
					require.ErrorIs(rt, err, event.ErrEncode)
					failed++
					continue
				}
				sent[v.Text[:1]] = append(sent[v.Text[:1]], v.Text)
			}
			link.Restore()
			require.NoError(rt, p.Flush(context.Background()))
			s := p.Stats()
			require.True(rt, s.Total.Balanced())
			require.Equal(rt, s.Total.Accepted, s.Total.Delivered)
			require.Equal(rt, event.Stats{NotEncoded: failed, Panics: failed}, e.Stats())
			require.Equal(rt, sent, readAll(rt, kafka, network, int(s.Total.Accepted)))
		})
	})
}

func closeNow(p *producer.Producer) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, _ = p.Close(ctx)
}

// readAll returns the events of each key as a reader gets them.
func readAll(rt *rapid.T, k *kfake.Cluster, network *kfake.VirtualNetwork,
	n int) map[string][]string {
	cl, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.ConsumeTopics("plays"),
		kgo.Dialer(network.DialContext))
	require.NoError(rt, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	got := make(map[string][]string)
	for read := 0; read < n; {
		fetches := cl.PollFetches(ctx)
		require.NoError(rt, fetches.Err())
		for r := range fetches.RecordsAll() {
			read++
			var text string
			require.NoError(rt, json.Unmarshal(r.Value, &text))
			require.Equal(rt, text[:1], string(r.Key))
			got[text[:1]] = append(got[text[:1]], text)
		}
	}
	return got
}
