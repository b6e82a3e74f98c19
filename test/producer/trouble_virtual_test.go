//go:build synctests

package producer_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// told are the lines of a message, each with what it says.
func (b *bubble) told(message string) (lines []map[string]any) {
	synctest.Wait()
	for _, line := range b.logs.FilterMessage(message).All() {
		lines = append(lines, line.ContextMap())
	}
	return lines
}

// causesOf are those of the troubles that Stats shows.
func causesOf(s producer.Stats) (causes []producer.Cause) {
	for _, t := range s.Troubles {
		causes = append(causes, t.Cause)
	}
	return causes
}

// waiting is one thing that records wait for although their cluster answers.
type waiting struct {
	cause  producer.Cause
	reason string // is in what is told
	remedy string
	all    bool  // it is not about one topic
	shared bool  // other topics in the same requests wait too
	err    error // that the reports wrap
	begin  func(b *bubble) (end func())
	record producer.Record
}

func refusing(err *kerr.Error, keys ...kmsg.Key) func(b *bubble) func() {
	return func(b *bubble) func() {
		return b.k.Fault(kfake.Fault{Keys: keys, Topic: "events", Err: err, Count: -1}).Remove
	}
}

func everyWaiting() map[string]waiting {
	return map[string]waiting{
		"a topic that is not there": {
			cause:  producer.CauseTopicMissing,
			reason: "it does not exist (UNKNOWN_TOPIC_OR_PARTITION)",
			remedy: "forebay topics apply", err: kerr.UnknownTopicOrPartition,
			begin:  func(b *bubble) func() { return func() { b.create("plays", 3) } },
			record: producer.Record{Topic: "plays"},
		},
		"no right to write": {
			cause:  producer.CauseTopicForbidden,
			reason: "we may not write to it (TOPIC_AUTHORIZATION_FAILED)",
			remedy: "Write and Describe", err: kerr.TopicAuthorizationFailed,
			begin: refusing(kerr.TopicAuthorizationFailed, kmsg.Produce),
		},
		"no right to see": {
			cause:  producer.CauseTopicForbidden,
			reason: "we may not write to it (TOPIC_AUTHORIZATION_FAILED)",
			remedy: "Write and Describe", err: kerr.TopicAuthorizationFailed,
			begin: refusing(kerr.TopicAuthorizationFailed, kmsg.Produce, kmsg.Metadata),
		},
		"too few replicas": {
			cause: producer.CauseTooFewReplicas, reason: "has too few copies in " +
				"sync", remedy: "min.insync.replicas", err: kerr.NotEnoughReplicas,
			begin: refusing(kerr.NotEnoughReplicas, kmsg.Produce),
		},
		"too few replicas, without a key": {
			cause: producer.CauseTooFewReplicas, reason: "has too few copies in " +
				"sync", remedy: "min.insync.replicas", err: kerr.NotEnoughReplicas,
			begin:  refusing(kerr.NotEnoughReplicas, kmsg.Produce),
			record: producer.Record{Topic: "events"},
		},
		"replicas that do not confirm": {
			cause: producer.CauseNotConfirmed, reason: "is not confirmed by the other copies in " +
				"time (REQUEST_TIMED_OUT)", remedy: "the disks", err: kerr.RequestTimedOut,
			begin: refusing(kerr.RequestTimedOut, kmsg.Produce),
		},
		"a disk that is full": {
			cause: producer.CauseBrokerError, reason: "which answers with KAFKA_STORAGE_ERROR",
			remedy: "the log of that broker", err: kerr.KafkaStorageError,
			begin: refusing(kerr.KafkaStorageError, kmsg.Produce),
		},
		"a code that nobody knows": {
			cause: producer.CauseBrokerError, reason: "which answers with UNKNOWN_SERVER_ERROR",
			remedy: "the log of that broker", err: kerr.UnknownServerError,
			begin: refusing(kerr.UnknownServerError, kmsg.Produce),
		},
		"a leader that says that it is none": {
			cause:  producer.CauseNoLeader,
			reason: "but that broker denies it (NOT_LEADER_FOR_PARTITION)",
			remedy: "another leader", err: kerr.NotLeaderForPartition,
			begin: refusing(kerr.NotLeaderForPartition, kmsg.Produce),
		},
		"no leader": {
			cause: producer.CauseNoLeader, reason: "has no leader", remedy: "another leader",
			begin: func(b *bubble) func() {
				var gone atomic.Bool
				gone.Store(true)
				ids := map[string][16]byte{"events": b.k.TopicInfo("events").TopicID,
					"calm": b.k.TopicInfo("calm").TopicID}
				for p := range int32(3) {
					// as withoutLeader says
					require.NoError(b.t, b.k.MoveTopicPartition("calm", p, p%2))
				}
				b.k.ControlKey(int16(kmsg.Metadata),
					func(r kmsg.Request) (kmsg.Response, error, bool) {
						b.k.KeepControl()
						if !gone.Load() || !names(r.(*kmsg.MetadataRequest), "events") {
							return nil, nil, false
						}
						return withoutLeader(r.(*kmsg.MetadataRequest), ids, "events"), nil, true
					})
				return func() { gone.Store(false) }
			},
		},
		"a partition that does not exist": {
			cause:  producer.CausePartitionMissing,
			reason: "partition 9 does not exist: the topic has 3", remedy: "add partitions",
			begin: func(b *bubble) func() {
				return func() {
					b.grown["events"] = true
					adm := kadm.NewClient(b.k.operator(b.t))
					defer adm.Close()
					_, err := adm.CreatePartitions(b.t.Context(), 7, "events")
					require.NoError(b.t, err)
				}
			},
			record: producer.Record{Topic: "events", Partition: producer.ToPartition(9)},
		},
		"a broker that hangs up on what is sent": {
			cause: producer.CauseNoAnswer, shared: true,
			reason: "which does not answer what is sent to it", remedy: "the load",
			begin: func(b *bubble) func() {
				var gone atomic.Bool
				b.k.ControlKey(int16(kmsg.Produce),
					func(r kmsg.Request) (kmsg.Response, error, bool) {
						b.k.KeepControl()
						for _, t := range r.(*kmsg.ProduceRequest).Topics {
							if t.Topic == "events" && !gone.Load() {
								return nil, errors.New("hang up"), true
							}
						}
						return nil, nil, false
					})
				return func() { gone.Store(true) }
			},
		},
		"no producer ID": {
			cause: producer.CauseNoProducerID, all: true, reason: "it grants no producer ID: " +
				"COORDINATOR_NOT_AVAILABLE", remedy: "__transaction_state",
			err: kerr.CoordinatorNotAvailable,
			begin: func(b *bubble) func() {
				return b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID},
					Err: kerr.CoordinatorNotAvailable, Count: -1}).Remove
			},
		},
	}
}

// What keeps records waiting for more than some seconds is told once, in a line, an event, Stats,
// and the error of who does not wait for it; and that it is over.
func TestVirtual_F10_WhatKeepsRecordsWaitingIsToldOnce(t *testing.T) {
	for name, x := range everyWaiting() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				topic := x.topic()
				var events []producer.Event
				c := proof.Of(t, "F10")
				s := judged(t, c, setup{topics: inTroubleAndCalm(),
					options: []producer.Option{producer.WithEvents(func(e producer.Event) { events = append(events, e) })}}, func(b *bubble) {
					said := func(kind producer.EventKind) (found []producer.Event) {
						synctest.Wait()
						for _, e := range events {
							if e.Kind == kind {
								found = append(found, e)
							}
						}
						return found
					}
					end := x.start(b)
					time.Sleep(4 * time.Second)
					require.Empty(t, b.told("records wait"), "it may pass by itself")
					for range 45 {
						time.Sleep(time.Second)
						if !x.all && !x.shared {
							b.send("calm", 1)
						}
					}
					lines := b.told("records wait")
					require.Len(t, lines, 1, "once")
					require.Equal(t, []any{string(x.cause), topic, "medium"},
						[]any{lines[0]["cause"], lines[0]["topic"], lines[0]["priority"]})
					require.Contains(t, lines[0]["reason"], x.reason)
					require.Contains(t, lines[0]["remedy"], x.remedy)
					told := said(producer.EventTrouble)
					require.Len(t, told, 1)
					require.Equal(t, topic, told[0].Topic)
					require.Contains(t, told[0].Reason, x.reason)
					require.Contains(t, told[0].Reason, x.remedy)
					stats := b.p.Stats()
					require.Equal(t, []producer.Cause{x.cause}, causesOf(stats))
					require.Contains(t, stats.Troubles[0].Reason, x.reason)
					require.WithinDuration(t, time.Now().Add(-49*time.Second),
						stats.Troubles[0].Since, 2*time.Second)
					if !x.all {
						require.EqualValues(t, 1, stats.Troubles[0].Records)
						require.Contains(t, b.trouble(topic), x.reason)
						require.Contains(t, b.trouble(topic), x.remedy)
						require.Empty(t, b.trouble("calm"))
					}
					var current []string
					for e := range b.p.Current() {
						if e.Kind == producer.EventTrouble {
							current = append(current, e.Topic)
						}
					}
					require.Equal(t, []string{topic}, current)
					ctx, cancel := context.WithTimeout(context.Background(), time.Second)
					defer cancel()
					err := b.p.Flush(ctx)
					require.ErrorIs(t, err, context.DeadlineExceeded)
					require.ErrorContains(t, err, x.reason)
					c.Bit("seconds that records waited", 50)
					end()
					b.flush()
					time.Sleep(2 * time.Second)
					over := b.told("records wait no longer")
					require.Len(t, over, 1)
					require.Equal(t, []any{string(x.cause), topic},
						[]any{over[0]["cause"], over[0]["topic"]})
					require.Len(t, said(producer.EventTroubleOver), 1)
					require.Empty(t, b.p.Stats().Troubles)
				})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
			})
		})
	}
}

// Who closes, or waits in vain, learns the same from the error and the report.
func TestVirtual_F17_CloseAndReportsSayWhatRecordsWaitedFor(t *testing.T) {
	for name, x := range everyWaiting() {
		for ending, timeout := range map[string]time.Duration{"close": time.Hour,
			"delivery timeout": 3 * time.Second} {
			t.Run(name+", "+ending, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var lost []producer.Report
					c := proof.Of(t, "F17", "F10")
					change := func(c *producer.Config) { c.Priorities.Medium.DeliveryTimeout = timeout }
					judged(t, c, setup{topics: inTroubleAndCalm(), change: change},
						func(b *bubble) {
							b.also = func(r producer.Report) {
								if r.Outcome != producer.Delivered {
									lost = append(lost, r)
								}
							}
							end := x.start(b)
							defer end()
							time.Sleep(5 * time.Second)
							if ending == "close" {
								ctx, cancel := context.WithTimeout(context.Background(),
									time.Second)
								defer cancel()
								sum, err := b.p.Close(ctx)
								require.ErrorIs(t, err, producer.ErrLeft)
								require.ErrorIs(t, err, context.DeadlineExceeded)
								require.EqualValues(t, 1, sum.Left)
								require.ErrorContains(t, err, x.reason)
								if !x.all {
									require.ErrorContains(t, err,
										"records were left: 1 (topic "+x.topic()+": ")
								}
							}
							synctest.Wait()
							require.Len(t, lost, 1)
							require.ErrorContains(t, lost[0].Err, x.reason)
							require.ErrorContains(t, lost[0].Err, x.remedy)
							if x.err != nil {
								require.ErrorIs(t, lost[0].Err, x.err)
							}
							c.Bit("records that waited in vain", 1)
						})
				})
			})
		}
	}
}

// topic is what is told of x.
func (x *waiting) topic() string {
	switch {
	case x.all:
		return ""
	case x.record.Topic == "":
		return "events"
	}
	return x.record.Topic
}

// start begins it, and sends a record that waits for it.
func (x *waiting) start(b *bubble) (end func()) {
	if !x.all {
		b.send("calm", 1)
		b.flush()
	}
	end = x.begin(b)
	rec := x.record
	if rec.Topic == "" {
		rec = producer.Record{Topic: "events", Key: []byte("k")}
	}
	require.NoError(b.t, b.ledger.Send(b.p, rec))
	return end
}

// Names that come from data may be any number: what waits is told for some of them, and of the
// others how many.
func TestVirtual_F26_TroublesOfEndlessTopicsAreTold_InABoundedNumberOfLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 500
		c := proof.Of(t, "F26", "F10")
		judged(t, c, setup{topics: onlyCalm(), change: func(c *producer.Config) {
			c.Buffer.MaxTopics = 2 * most
			c.Priorities.Medium.DeliveryTimeout = 30 * time.Minute
		}}, func(b *bubble) {
			b.send("calm", 1)
			for i := range most {
				require.NoError(t, b.ledger.Send(b.p,
					producer.Record{Topic: fmt.Sprint("endless-", i)}))
			}
			time.Sleep(3 * time.Minute)
			lines, sums := b.told("records wait"), b.told("records of more topics wait")
			require.Len(t, lines, 10)
			require.Len(t, sums, 1)
			require.Equal(t, map[string]any{"topics": int64(most - 10),
				"causes": fmt.Sprintf("topic_missing: %d", most-10)}, sums[0])
			require.Len(t, b.p.Stats().Troubles, most, "and Stats has all of them")
			c.Bit("topics that are not there", most)
			c.Figure("log lines of five hundred topics that are not there", "%d",
				len(lines)+len(sums))
		})
	})
}

// What a cluster that is away says is said by its state alone.
func TestVirtual_F5_TopicsOfAClusterThatIsAwayAreNoTroubleOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F5")
		var lost []producer.Report
		judged(t, c, setup{}, func(b *bubble) {
			b.also = func(r producer.Report) {
				if r.Outcome != producer.Delivered {
					lost = append(lost, r)
				}
			}
			b.stream(time.Second, 2, "events")
			b.flush()
			b.k.link.Cut()
			time.Sleep(10 * time.Second)
			b.send("events", 2)
			time.Sleep(50 * time.Second)
			require.Empty(t, b.p.Stats().Troubles)
			require.Empty(t, b.told("records wait"))
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			_, err := b.p.Close(ctx)
			require.ErrorContains(t, err, "(cluster events is down: ")
			require.ErrorContains(t, err, "refused")
			require.Len(t, lost, 2)
			for _, r := range lost {
				require.ErrorContains(t, r.Err, "cluster events is down: ")
			}
			c.Bit("clusters cut off", 1)
		})
	})
}

// A broker that asks to be left alone takes what is sent, only slowly: that is no failure of any
// attempt, and records wait for it all the same.
func TestVirtual_F10_AQuotaThatHoldsRecordsBackIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F10")
		k := newEmbedded(t, 1, map[string]int32{"events": 1})
		defer k.Close()
		throttled := int64(0)
		k.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
			k.KeepControl()
			throttled++
			return taken(r.(*kmsg.ProduceRequest), 20*time.Second), nil, true
		})
		core, logs := observer.New(zap.InfoLevel)
		p, err := producer.New(k.config(func(*producer.Config) {}),
			producer.WithDialer(k.link.Dial), producer.WithLogger(zap.New(core)))
		require.NoError(t, err)
		defer closeWithin(t, p, 0)
		for range 120 {
			require.NoError(t, p.Send(producer.Record{Topic: "events"}))
			time.Sleep(500 * time.Millisecond)
		}
		s := p.Stats()
		require.Equal(t, []producer.Cause{producer.CauseThrottled}, causesOf(s))
		require.Equal(t, "broker 0 throttles this program for 20s at a time: a quota is exceeded",
			s.Troubles[0].Reason)
		require.Contains(t, s.Troubles[0].Remedy, "quota")
		require.Len(t, logs.FilterMessage("records wait").All(), 1)
		requireTold(t, logs)
		c.Bit("answers that asked to be left alone", throttled)
	})
}

// taken is an answer that says that everything was taken, and asks to be left alone.
func taken(r *kmsg.ProduceRequest, throttle time.Duration) kmsg.Response {
	resp := r.ResponseKind().(*kmsg.ProduceResponse)
	resp.ThrottleMillis = int32(throttle.Milliseconds())
	for _, rt := range r.Topics {
		t := kmsg.NewProduceResponseTopic()
		t.Topic = rt.Topic
		for _, rp := range rt.Partitions {
			p := kmsg.NewProduceResponseTopicPartition()
			p.Partition = rp.Partition
			t.Partitions = append(t.Partitions, p)
		}
		resp.Topics = append(resp.Topics, t)
	}
	return resp
}
