//go:build synctests

package producer_test

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
)

// counting is a connection whose incoming bytes are counted.
type counting struct {
	net.Conn
	in *atomic.Int64
}

func (c counting) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.in.Add(int64(n))
	return n, err
}

// What a producer that has nothing to send asks a cluster for must not grow with its topics, nor
// with one that is not there; and what changes is found all the same.
func TestVirtual_MetadataCostsLittleHoweverManyTopicsThereAre(t *testing.T) {
	for _, load := range []struct {
		topics        int
		idle, missing int64         // bytes a second at most
		grown         time.Duration // until new partitions are used
		moved         time.Duration // until records are delivered after leaders have moved
	}{
		{topics: 1, idle: 500, missing: 1_000, grown: 10 * time.Second,
			moved: 500 * time.Millisecond},
		{topics: 100, idle: 11_000, missing: 11_500, grown: 15 * time.Second,
			moved: 500 * time.Millisecond},
		{topics: 1000, idle: 11_000, missing: 11_500, grown: 150 * time.Second,
			moved: 500 * time.Millisecond},
	} {
		t.Run(fmt.Sprint(load.topics), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				topics := make(map[string]int32)
				var names []string
				for i := range load.topics {
					names = append(names, fmt.Sprintf("team-%d.service.events.v1", i))
					topics[names[i]] = 12
				}
				k := newEmbedded(t, 3, topics)
				defer k.Close()
				var in atomic.Int64
				dial := faultnet.DialFunc(func(ctx context.Context, network, addr string) (net.Conn,
					error) {
					conn, err := k.network.DialContext(ctx, network, addr)
					return counting{conn, &in}, err
				})
				k.detour.Store(&dial)
				p, err := producer.New(k.config(), producer.WithDialer(k.link.Dial))
				require.NoError(t, err)
				defer closeWithin(t, p, 0)
				flush := func() time.Duration {
					begin := time.Now()
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
					defer cancel()
					require.NoError(t, p.Flush(ctx))
					return time.Since(begin)
				}
				for _, name := range names {
					require.NoError(t, p.Send(producer.Record{Topic: name, Value: []byte("x")}))
				}
				require.Less(t, flush(), 500*time.Millisecond)
				measure := func(what string, most int64) {
					time.Sleep(15 * time.Second)
					before := in.Load()
					time.Sleep(2 * time.Minute)
					rate := (in.Load() - before) / 120
					t.Logf("%d topics, %s: %d B/s", load.topics, what, rate)
					require.LessOrEqual(t, rate, most)
				}
				measure("idle", load.idle)

				adm := kadm.NewClient(k.operator(t))
				defer adm.Close()
				last := names[len(names)-1]
				added, err := adm.CreatePartitions(t.Context(), 6, last)
				require.NoError(t, err)
				require.NoError(t, added.Error())
				begin := time.Now()
				for p.Stats().Total.Pending > 0 || k.PartitionInfo(last, 17).HighWatermark == 0 {
					require.NoError(t, p.Send(producer.Record{Topic: last, Value: []byte("x")}))
					time.Sleep(100 * time.Millisecond)
					require.Less(t, time.Since(begin), load.grown)
				}
				t.Logf("%d topics, new partitions were used after %v", load.topics,
					time.Since(begin))

				for _, name := range names[:min(10, len(names))] {
					for part := range int32(12) {
						require.NoError(t, k.MoveTopicPartition(name, part,
							(k.LeaderFor(name, part)+1)%3))
					}
					require.NoError(t, p.Send(producer.Record{Topic: name, Value: []byte("x")}))
				}
				took := flush()
				require.Less(t, took, load.moved)
				t.Logf("%d topics, leaders that moved were followed after %v", load.topics, took)

				require.NoError(t, p.Send(producer.Record{Topic: "team-1.service.evnets.v1",
					Value: []byte("x")}))
				measure("one missing", load.missing)
				require.NoError(t, k.CreateTopic("team-1.service.evnets.v1", 3, nil))
				require.Less(t, flush(), 1500*time.Millisecond)
				measure("idle again", load.idle)
			})
		})
	}
}

// Brokers that refuse every batch are asked who leads as often as that may help, whatever the
// number of partitions.
func TestVirtual_MetadataCostsLittleWhileBrokersRefuseWhatTheyGet(t *testing.T) {
	for _, code := range []*kerr.Error{kerr.NotEnoughReplicas, kerr.NotLeaderForPartition,
		kerr.TopicAuthorizationFailed, kerr.RequestTimedOut} {
		t.Run(code.Message, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newEmbedded(t, 3, map[string]int32{"events": 100})
				defer k.Close()
				p, err := producer.New(k.config(), producer.WithDialer(k.link.Dial))
				require.NoError(t, err)
				defer closeWithin(t, p, 0)
				refusing := k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: code,
					Count: -1})
				asked := 0
				k.ControlKey(int16(kmsg.Metadata), func(kmsg.Request) (kmsg.Response, error, bool) {
					k.KeepControl()
					asked++
					return nil, nil, false
				})
				for i := range 1000 {
					require.NoError(t, p.Send(producer.Record{Topic: "events",
						Key: fmt.Append(nil, i), Value: []byte("x")}))
				}
				time.Sleep(10 * time.Second)
				before := asked
				time.Sleep(time.Minute)
				require.LessOrEqual(t, asked-before, 100)
				for part := range int32(100) {
					require.NoError(t, k.MoveTopicPartition("events", part,
						(k.LeaderFor("events", part)+1)%3))
				}
				refusing.Remove()
				time.Sleep(2 * time.Second)
				require.Zero(t, p.Stats().Total.Pending, "leaders are followed all the same")
			})
		})
	}
}
