//go:build synctests

package producer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// trouble returns what the producer says of a topic that waits.
func (b *bubble) trouble(topic string) string {
	for _, t := range b.p.Stats().Topics {
		if t.Topic == topic {
			return t.Trouble
		}
	}
	return ""
}

// Every code that metadata can carry, for the topic or for its partitions: from the start, when
// nothing is known of the topic, and later, when it flows. With an error for a partition the
// embedded Kafka names broker 0 as its leader, which may be wrong: it is asked, says so, and is
// asked again a second later.
func TestVirtual_F9_EveryCodeOfMetadataHoldsUpOneTopicAtMostAndHeals(t *testing.T) {
	for name, partitions := range map[string][]int32{"topic": nil, "partitions": {0, 1, 2}} {
		c := proof.Of(t, "F9")
		for _, err := range everyCode() {
			t.Run(fmt.Sprint(name, " ", err.Code, " ", err.Message), func(t *testing.T) {
				fault := kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: "events",
					Partitions: partitions, Err: err, Count: -1}
				var first *kfake.FaultHandle
				synctest.Test(t, func(t *testing.T) {
					s := judged(t, c, setup{topics: inTroubleAndCalm(),
						before: func(b *bubble) { first = b.k.Fault(fault) }}, func(b *bubble) {
						b.stream(5*time.Second, 2, "events", "calm")
						first.Remove()
						time.Sleep(2500 * time.Millisecond)
						require.Zero(t, b.p.Stats().Total.Pending, "it heals")
						require.Empty(t, b.trouble("events"))
						later := b.k.Fault(fault)
						b.stream(7*time.Second, 2, "events", "calm")
						later.Remove()
						b.flush()
						c.Bit("metadata requests answered with an error",
							int64(first.Hits()+later.Hits()))
						require.Less(t, first.Hits()+later.Hits(), 12*50)
						b.requireCalm(50 * time.Millisecond)
						require.Equal(t, producer.Up, b.p.Stats().Clusters["events"].State)
					})
					require.Equal(t, s.Total.Accepted, s.Total.Delivered)
				})
			})
		}
	}
}

// An error of the whole answer is an outage: the broker does not serve.
func TestVirtual_F9_EveryCodeOfAWholeMetadataAnswerIsAnOutageThatEnds(t *testing.T) {
	c := proof.Of(t, "F9")
	for _, err := range everyCode() {
		t.Run(fmt.Sprint(err.Code, " ", err.Message), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := judged(t, c, setup{}, func(b *bubble) {
					b.stream(time.Second, 2, "events")
					fault := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, TopLevel: true,
						Err: err, Count: -1})
					b.stream(15*time.Second, 2, "events")
					status := b.p.Stats().Clusters["events"]
					require.Equal(t, producer.Down, status.State)
					require.NotEmpty(t, status.Reason)
					c.Bit("metadata requests answered with an error", int64(fault.Hits()))
					require.Less(t, fault.Hits(), 15*2*13,
						"ten a second and broker, and a fifth of jitter")
					fault.Remove()
					within := soon
					if strings.Contains(err.Message, "SASL") {
						within += probeMax // who is refused knocks rarely
					}
					time.Sleep(within)
					require.Zero(t, b.p.Stats().Total.Pending, "it resumes")
					c.Held("I10", 1)
				})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
			})
		})
	}
}

// Metadata that names no leader, for any partition, and then does.
func TestVirtual_F9_PartitionsWithoutALeaderWaitForOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var leaderless int64
		ids := make(map[string][16]byte)
		s := judged(t, proof.Of(t, "F9"), setup{topics: inTroubleAndCalm(),
			before: func(b *bubble) {
				for topic, partitions := range b.topics {
					ids[topic] = b.k.TopicInfo(topic).TopicID
					for p := range partitions {
						require.NoError(t, b.k.MoveTopicPartition(topic, p, p%2))
					}
				}
				until := time.Now().Add(10 * time.Second)
				b.k.ControlKey(int16(kmsg.Metadata),
					func(r kmsg.Request) (kmsg.Response, error, bool) {
						b.k.KeepControl()
						if time.Now().After(until) || !names(r.(*kmsg.MetadataRequest), "events") {
							return nil, nil, false
						}
						leaderless++
						return withoutLeader(r.(*kmsg.MetadataRequest), ids, "events"), nil, true
					})
			}}, func(b *bubble) {
			b.stream(5*time.Second, 2, "events", "calm")
			require.EqualValues(t, 100, b.p.Stats().Total.Delivered, "those of the other topic")
			time.Sleep(6500 * time.Millisecond)
			require.Zero(t, b.p.Stats().Total.Pending)
			b.requireCalm(150 * time.Millisecond)
			b.proof.Bit("answers without a leader", leaderless)
			require.Less(t, leaderless, int64(10*50))
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

func names(r *kmsg.MetadataRequest, topic string) bool {
	for _, t := range r.Topics {
		if t.Topic != nil && *t.Topic == topic {
			return true
		}
	}
	return false
}

// withoutLeader answers r for a cluster of two brokers, with three partitions for each topic: those
// of one have no leader.
func withoutLeader(r *kmsg.MetadataRequest, ids map[string][16]byte,
	leaderless string) kmsg.Response {
	resp := r.ResponseKind().(*kmsg.MetadataResponse)
	for node := range int32(2) {
		resp.Brokers = append(resp.Brokers, kmsg.MetadataResponseBroker{NodeID: node,
			Host: "localhost", Port: 19092 + node})
	}
	for _, rt := range r.Topics {
		t := kmsg.NewMetadataResponseTopic()
		t.Topic, t.TopicID = rt.Topic, ids[*rt.Topic]
		for p := range int32(3) {
			part := kmsg.NewMetadataResponseTopicPartition()
			part.Partition, part.Leader, part.LeaderEpoch = p, p%2, 0
			if *rt.Topic == leaderless {
				part.ErrorCode, part.Leader = kerr.LeaderNotAvailable.Code, -1
			}
			t.Partitions = append(t.Partitions, part)
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}

// Agents that each can write to everything, and of which an answer names one as the only broker,
// and as the leader of all: the next one in turn, or any of many.
func TestVirtual_F9_AgentsThatNameOneOfThemselvesAreAllUsed(t *testing.T) {
	turn, chance := func(n, asked int32) int32 { return asked % n }, rand.New(rand.NewPCG(1, 2))
	for name, fleet := range map[string]struct {
		agents int32
		next   func(agents, asked int32) int32
	}{
		"2 in turn": {2, turn}, "3 in turn": {3, turn}, "6 in turn": {6, turn}, "7 in turn": {7,
			turn},
		"any of 500": {500, func(n, _ int32) int32 { return chance.Int32N(n) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int32
				var sane atomic.Bool // for who reads the log
				s := judged(t, proof.Of(t, "F9"),
					setup{brokers: 1, kafka: []kfake.Opt{kfake.MaxVersions(kversion.V3_7_0()),
						kfake.ClusterID("agents")}, before: func(b *bubble) {
						there := b.k.ListenAddrs()[0]
						dial := faultnet.DialFunc(func(ctx context.Context, network,
							_ string) (net.Conn, error) {
							return b.k.network.DialContext(ctx, network, there)
						})
						b.k.detour.Store(&dial)
						b.k.ControlKey(int16(kmsg.Metadata),
							func(r kmsg.Request) (kmsg.Response, error, bool) {
								b.k.KeepControl()
								if sane.Load() {
									return nil, nil, false
								}
								req := r.(*kmsg.MetadataRequest)
								resp := req.ResponseKind().(*kmsg.MetadataResponse)
								resp.ClusterID = kmsg.StringPtr("agents")
								leader := fleet.next(fleet.agents, asked.Add(1))
								resp.Brokers = []kmsg.MetadataResponseBroker{{NodeID: leader,
									Host: fmt.Sprint("agent-", leader), Port: 9092}}
								for _, rt := range req.Topics {
									topic := kmsg.NewMetadataResponseTopic()
									topic.Topic, topic.TopicID = rt.Topic, [16]byte{1}
									for p := range int32(3) {
										part := kmsg.NewMetadataResponseTopicPartition()
										part.Partition, part.Leader = p, leader
										topic.Partitions = append(topic.Partitions, part)
									}
									resp.Topics = append(resp.Topics, topic)
								}
								return resp, nil, true
							})
					}}, func(b *bubble) {
						b.stream(5*time.Minute, 3, "events")
						b.flush()
						b.rest()
						b.proof.Bit("answers that name one agent alone", int64(asked.Load()))
						require.Less(t, b.longest["events"], 50*time.Millisecond)
						require.Equal(t, producer.Up, b.p.Stats().Clusters["events"].State)
						require.EqualValues(t, 1, b.p.Stats().Clusters["events"].Changes)
						require.Less(t, asked.Load(), int32(400), "in five minutes")
						sane.Store(true)
					})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
				require.Zero(t, s.Total.MaybeDuplicated)
			})
		})
	}
}
