//go:build synctests

package producer_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/hostile"
	"github.com/forebay-go/forebay/test/proof"
)

// overtaken returns how many records stand behind newer ones of their key; values are numbers.
func overtaken(t require.TestingT, log []*kgo.Record) (n uint64) {
	last := make(map[string]int)
	for _, r := range log {
		number, err := strconv.Atoi(string(r.Value))
		require.NoError(t, err)
		if number < last[string(r.Key)] {
			n++
		}
		last[string(r.Key)] = max(number, last[string(r.Key)])
	}
	return n
}

// The rule of a topic changes while some of its records wait.
func TestVirtual_F14_WhatWaitsWhenItsTopicGetsAnotherPriorityIsCountedIfItIsOvertaken(t *testing.T) {
	for _, flushed := range []bool{false, true} {
		t.Run(fmt.Sprint("flushed ", flushed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newEmbedded(t, 1, map[string]int32{"events": 3})
				defer k.Close()
				core, logs := observer.New(zap.WarnLevel)
				cfg := k.config()
				p, err := producer.New(cfg, producer.WithDialer(k.link.Dial),
					producer.WithLogger(zap.New(core)))
				require.NoError(t, err)
				defer closeWithin(t, p, 0)
				n := 0
				send := func() {
					for range 10 {
						require.NoError(t, p.Send(producer.Record{Topic: "events", Key: []byte("k"),
							Value: fmt.Append(nil, n)}))
						n++
					}
				}
				send()
				require.NoError(t, p.Flush(context.Background()))
				if !flushed {
					// so that they wait
					k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas,
						Count: 3})
				}
				send()
				if flushed {
					require.NoError(t, p.Flush(context.Background()))
				}
				time.Sleep(30 * time.Millisecond)
				cfg.Topics = []producer.TopicConfig{{Topic: "events", Priority: routing.High}}
				require.NoError(t, p.Reconfigure(cfg))
				send()
				time.Sleep(time.Minute)
				s := p.Stats()
				require.EqualValues(t, 30, s.Total.Delivered)
				behind := overtaken(t, k.read(t, "events"))
				warned := logs.FilterMessageSnippet("several priorities").Len()
				if flushed {
					require.Zero(t, behind)
					require.Zero(t, s.OrderAtRisk)
					require.Zero(t, warned)
					return
				}
				require.EqualValues(t, 10, behind, "high goes first")
				require.EqualValues(t, 10, s.OrderAtRisk)
				require.Equal(t, 1, warned, "said once")
				proof.Of(t,
					"F14").Bit("records that were overtaken by a new priority of their "+
					"topic", int64(behind))
			})
		})
	}
}

// Whatever priorities records of a key have, through cuts and pauses: no more stand behind newer
// ones than are counted.
func TestVirtual_F14_RecordsThatAreOvertakenByAnotherPriorityAreCounted(t *testing.T) {
	behind := uint64(0)
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			overtaken, counted := sentWithPriorities(rt, routing.All[:])
			require.LessOrEqual(rt, overtaken, counted)
			behind += overtaken
		})
	})
	require.Positive(t, behind)
}

func TestVirtual_F14_RecordsOfOnePriorityAreNeverOvertaken(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			overtaken, counted := sentWithPriorities(rt, []routing.Priority{routing.Medium})
			require.Zero(rt, overtaken)
			require.Zero(rt, counted)
		})
	})
}

// sentWithPriorities sends records of three keys, each with one of the priorities, through cuts
// and pauses, and returns how many stand behind newer ones and how many are counted as at risk.
// The first records have to wait, with the lowest of the priorities, while those of the highest
// follow.
func sentWithPriorities(t *rapid.T, priorities []routing.Priority) (behind, counted uint64) {
	k := newEmbedded(t, 2, map[string]int32{"events": 2})
	defer k.Close()
	p, err := producer.New(k.config(), producer.WithDialer(k.link.Dial))
	require.NoError(t, err)
	defer closeWithin(t, p, 0)
	sent := 0
	send := func(priority routing.Priority) {
		require.NoError(t, p.Send(producer.Record{Topic: "events", Key: fmt.Append(nil, sent%3),
			Value: fmt.Append(nil, sent), Priority: priority}))
		sent++
	}
	k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: 3})
	for range 3 {
		send(priorities[len(priorities)-1])
	}
	time.Sleep(30 * time.Millisecond)
	for range 3 {
		send(priorities[0])
	}
	for range rapid.IntRange(0, 150).Draw(t, "records") {
		send(rapid.SampledFrom(priorities).Draw(t, "priority"))
		switch rapid.SampledFrom([]string{"", "", "", "pause", "pause", "cut", "restore",
			"restore"}).Draw(t, "then") {
		case "pause":
			time.Sleep(time.Duration(rapid.IntRange(1, 3000).Draw(t, "ms")) * time.Millisecond)
		case "cut":
			k.link.Cut()
		case "restore":
			k.link.Restore()
		}
	}
	k.link.Restore()
	time.Sleep(time.Minute)
	s := p.Stats()
	require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	return overtaken(t, k.read(t, "events")), s.OrderAtRisk
}

// Where each priority has a cluster of its own, no record is behind another.
func TestVirtual_F14_PrioritiesWithClustersOfTheirOwnOvertakeNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newEmbedded(t, 1, map[string]int32{"events": 1})
		other := newEmbedded(t, 1, map[string]int32{"events": 1}, kfake.Ports(19192))
		defer k.Close()
		defer other.Close()
		cfg := k.config()
		cfg.Clusters["other"] = other.config().Clusters["events"]
		cfg.Priorities.Low.Cluster, cfg.Priorities.Medium.Cluster, cfg.Priorities.High.Cluster = "events", "events", "other"
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			if strings.HasSuffix(addr, ":19192") {
				return other.link.Dial(ctx, network, addr)
			}
			return k.link.Dial(ctx, network, addr)
		}
		p, err := producer.New(cfg, producer.WithDialer(dial))
		require.NoError(t, err)
		defer closeWithin(t, p, 0)
		for n := range 100 {
			priority := routing.Low
			if n%2 == 0 {
				priority = routing.High
			}
			require.NoError(t, p.Send(producer.Record{Topic: "events", Key: []byte("k"),
				Value: fmt.Append(nil, n), Priority: priority}))
		}
		time.Sleep(time.Minute)
		s := p.Stats()
		require.EqualValues(t, 100, s.Total.Delivered)
		require.Zero(t, s.OrderAtRisk)
	})
}

// Settings of a cluster change while a batch of theirs is unanswered, and change again when newer
// records have gone by the new ones: then nobody writes there any more, and what is left of the
// first is delivered late.
func TestVirtual_F14_WhatTwoChangesOfSettingsLeaveBehindIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := map[string]*embedded{"main": newEmbedded(t, 1, map[string]int32{"events": 1}),
			"spare": newEmbedded(t, 1, map[string]int32{"events": 1}, kfake.Ports(19192))}
		defer k["main"].Close()
		defer k["spare"].Close()
		m := hostile.New(k["main"].link.Dial, 1)
		var first atomic.Uint64 // the producer ID of the first batch, plus 1
		m.Script(func(q *kmsg.ProduceRequest) *hostile.Mutation {
			id := binary.BigEndian.Uint64(q.Topics[0].Partitions[0].Records[43:]) + 1
			if first.CompareAndSwap(0, id) || first.Load() == id {
				return hostile.Unseen()
			}
			return nil
		})
		cfg := k["main"].config()
		cfg.Clusters = map[string]producer.ClusterConfig{"main": {Brokers: k["main"].ListenAddrs()},
			"spare": {Brokers: k["spare"].ListenAddrs()}}
		all := func(cluster string) {
			cfg.Priorities.Low.Cluster, cfg.Priorities.Medium.Cluster, cfg.Priorities.High.Cluster = cluster, cluster, cluster
		}
		all("main")
		p, err := producer.New(cfg, producer.WithDialer(func(ctx context.Context, network,
			addr string) (net.Conn, error) {
			if slices.Contains(k["spare"].ListenAddrs(), addr) {
				return k["spare"].link.Dial(ctx, network, addr)
			}
			return m.Dial(ctx, network, addr)
		}))
		require.NoError(t, err)
		defer closeWithin(t, p, 0)
		send := func(n int) {
			require.NoError(t, p.Send(producer.Record{Topic: "events", Key: []byte("k"),
				Value: fmt.Append(nil, n)}))
		}
		send(0)
		time.Sleep(3 * time.Second)
		renew(&cfg, "main")
		require.NoError(t, p.Reconfigure(cfg))
		time.Sleep(3 * time.Second)
		send(1)
		time.Sleep(10 * time.Second)
		require.EqualValues(t, 1, p.Stats().Total.Delivered, "by the new settings")
		all("spare")
		require.NoError(t, p.Reconfigure(cfg))
		time.Sleep(10 * time.Second)
		m.Sane()
		time.Sleep(time.Minute)
		s := p.Stats()
		require.EqualValues(t, 2, s.Total.Delivered)
		require.EqualValues(t, 1, overtaken(t, k["main"].read(t, "events")))
		require.EqualValues(t, 1, s.OrderAtRisk)
	})
}
