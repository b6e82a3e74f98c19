//go:build synctests

package producer_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

func TestVirtual_F9_ErrorsOfKafkaEndInOneOutcomeEach(t *testing.T) {
	proof := proof.Of(t, "F9")
	for _, c := range []struct {
		err   *kerr.Error
		count int
		lost  producer.Outcome // 0: all are delivered
	}{
		{err: kerr.RequestTimedOut, count: 3},
		{err: kerr.NotEnoughReplicasAfterAppend, count: 3},
		{err: kerr.NotEnoughReplicas, count: 5},
		{err: kerr.KafkaStorageError, count: 5},
		{err: kerr.NotLeaderForPartition, count: 5},
		{err: kerr.LeaderNotAvailable, count: 5},
		{err: kerr.OutOfOrderSequenceNumber, count: 3},
		{err: kerr.UnknownProducerID, count: 3},
		{err: kerr.InvalidProducerEpoch, count: 3},
		{err: kerr.InvalidProducerIDMapping, count: 3},
		{err: kerr.UnknownTopicOrPartition, count: 5},
		{err: kerr.TopicAuthorizationFailed, count: 5},
		{err: kerr.UnknownServerError, count: 5},
		{err: &kerr.Error{Message: "OF_TOMORROW", Code: 3000}, count: 5},
		{err: kerr.MessageTooLarge, count: 4},
		{err: kerr.MessageTooLarge, count: -1, lost: producer.Rejected},
		{err: kerr.InvalidRecord, count: -1, lost: producer.Rejected},
		{err: kerr.TopicAuthorizationFailed, count: -1, lost: producer.Expired},
		{err: kerr.UnknownServerError, count: -1, lost: producer.PossiblyPersisted},
		{err: kerr.RequestTimedOut, count: -1, lost: producer.PossiblyPersisted},
	} {
		t.Run(fmt.Sprint(c.err.Message, c.count), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := judged(t, proof, setup{change: func(c *producer.Config) {
					// what is never taken is tried for a minute, not for ten
					c.Priorities.Medium.DeliveryTimeout = time.Minute
				}}, func(b *bubble) {
					b.send("events", 10)
					b.flush()
					fault := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "events",
						Err: c.err, Count: c.count})
					b.send("events", 100)
					b.flush()
					b.proof.Bit("produce requests answered with "+c.err.Message,
						int64(fault.Hits()))
					fault.Remove()
					b.send("events", 10)
				})
				lost := map[producer.Outcome]uint64{producer.Rejected: s.Total.Rejected,
					producer.Expired: s.Total.Expired, producer.PossiblyPersisted: s.Total.PossiblyPersisted}
				for outcome, n := range lost {
					switch {
					case c.lost == producer.PossiblyPersisted:
						require.EqualValues(t, 100, s.Total.PossiblyPersisted+s.Total.Expired,
							"what waits behind expires")
						require.Positive(t, s.Total.PossiblyPersisted)
					case outcome == c.lost:
						require.EqualValues(t, 100, n, outcome)
					default:
						require.Zero(t, n, outcome)
					}
				}
			})
		})
	}
}

func TestVirtual_F8_AConnectionCutAfterTheWriteLeavesNoDuplicate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F8"), setup{topics: map[string]int32{"events": 1}},
			func(b *bubble) {
				b.send("events", 10)
				b.flush() // there is a producer ID
				b.k.link.CutAfterWrites(7)
				for range 99 {
					b.send("events", 10)
					time.Sleep(100 * time.Millisecond)
				}
				require.Greater(t, b.k.link.Cuts(), int64(10))
				b.proof.Bit("connections cut right after a write", b.k.link.Cuts())
				b.k.link.CutAfterWrites(0)
			})
		require.Zero(t, s.Total.MaybeDuplicated)
		require.EqualValues(t, 1000, s.Total.Delivered)
	})
}

func TestVirtual_F16_ACallbackThatHangsOrPanicsStopsNobodysDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F16")
		topics := map[string]int32{"events": 1}
		k := newEmbedded(t, 1, topics)
		defer k.Close()
		core, logs := observer.New(zap.InfoLevel)
		release := make(chan struct{})
		calls := 0
		var p *producer.Producer
		p, err := producer.New(k.config(func(c *producer.Config) {
			c.Buffer.MaxBytes = 8 << 20
			c.Reports.MaxBytes = 64 << 10
		}), producer.WithDialer(k.link.Dial), producer.WithLogger(zap.New(core)),
			producer.WithDelivery(func(r producer.Report) {
				calls++
				switch {
				case r.Tag == 1:
					<-release
				case r.Tag%2 == 0:
					panic("a callback's own mistake")
				case r.Tag == 3:
					require.NoError(t, p.Send(producer.Record{Topic: "events", Tag: 1_000_001}))
				}
			}))
		require.NoError(t, err)
		const n = 20_000
		for i := range n {
			require.NoError(t, p.Send(producer.Record{Topic: "events", Tag: uint64(i),
				Value: make([]byte, 100)}))
			if i%1000 == 0 {
				time.Sleep(20 * time.Millisecond)
			}
		}
		require.NoError(t, p.Flush(context.Background()))
		s := p.Stats()
		require.EqualValues(t, n, s.Total.Delivered, "while the callback hangs")
		require.Positive(t, s.ReportsDropped)
		require.LessOrEqual(t, s.HeldBytes, int64(64<<10)+4096)
		close(release)
		synctest.Wait() // for the reports that were kept
		closeWithin(t, p, time.Minute)
		s = p.Stats()
		require.EqualValues(t, n+1, uint64(calls)+s.ReportsDropped)
		require.Greater(t, s.ReportPanics, uint64(100))
		c.Bit("panics of the callback", int64(s.ReportPanics))
		c.Bit("reports dropped while it hung", int64(s.ReportsDropped))
		c.Held("I17", s.ReportPanics)
		c.Held("I3", n+1)
		require.Equal(t, 1, logs.FilterMessageSnippet("panicked").Len(), "said once")
	})
}

func TestVirtual_F9_ACompressionThatKafkaDoesNotTakeIsDroppedAndNoRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lz4 := func(c *producer.Config) { c.Batching.Compression = "lz4" }
		s := judged(t, proof.Of(t, "F9"), setup{change: lz4}, func(b *bubble) {
			fault := b.k.Fault(kfake.Fault{
				Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.UnsupportedCompressionType, Count: -1,
				When: func(r kmsg.Request) bool { return compressed(r.(*kmsg.ProduceRequest)) },
			})
			for range 5 {
				b.send("events", 200)
				time.Sleep(time.Second)
			}
			b.proof.Bit("compressed requests refused", int64(fault.Hits()))
			require.Less(t, fault.Hits(), 10, "remembered")
		})
		require.EqualValues(t, 1000, s.Total.Delivered)
	})
}

// compressed reports whether a batch of r is compressed.
func compressed(r *kmsg.ProduceRequest) bool {
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			if p.Records[22]&7 != 0 {
				return true
			}
		}
	}
	return false
}

func TestVirtual_F10_ATopicInTroubleHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newEmbedded(t, 2, map[string]int32{"well": 3, "forbidden": 3})
		defer k.Close()
		c := proof.Of(t, "F10")
		forbidden := k.Fault(kfake.Fault{Topic: "forbidden", Err: kerr.TopicAuthorizationFailed,
			Count: -1})
		p, err := producer.New(k.config(), producer.WithDialer(k.link.Dial))
		require.NoError(t, err)
		for range 1000 {
			require.NoError(t, p.Send(producer.Record{Topic: "forbidden",
				Value: make([]byte, 100)}))
			require.NoError(t, p.Send(producer.Record{Topic: "absent", Value: make([]byte, 100)}))
			require.NoError(t, p.Send(producer.Record{Topic: "well", Value: make([]byte, 100)}))
			time.Sleep(3 * time.Millisecond)
		}
		time.Sleep(time.Second)
		s := p.Stats()
		require.EqualValues(t, 1000, s.Total.Delivered)
		require.EqualValues(t, 2000, s.Total.Pending)
		require.Less(t, s.Requests, uint64(2000), "trouble is retried slowly")
		require.NoError(t, k.CreateTopic("absent", 1, nil))
		time.Sleep(2 * time.Second)
		require.EqualValues(t, 2000, p.Stats().Total.Delivered)
		time.Sleep(10 * time.Minute)
		require.EqualValues(t, 1000, p.Stats().Total.Expired)
		c.Bit("requests refused for lack of permission", int64(forbidden.Hits()))
		c.Held("I3", 3000)
		closeWithin(t, p, time.Minute)
	})
}

// With the numbers of the attempt that was not answered, the next batch of as many records would be
// taken for it, and acknowledged without being written. Random outages found it.
func TestVirtual_F8_ABatchAfterOneThatWasRejectedUnansweredIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := judged(t, proof.Of(t, "F8", "F11"), setup{topics: map[string]int32{"events": 1}},
			func(b *bubble) {
				appended := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce},
					Err: kerr.NotEnoughReplicasAfterAppend})
				rejected := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce},
					Err: kerr.InvalidRecord})
				b.send("events", 1)
				b.flush()
				require.EqualValues(t, 1, appended.Hits())
				require.EqualValues(t, 1, rejected.Hits())
				b.proof.Bit("batches appended, then rejected", int64(rejected.Hits()))
				b.send("events", 1)
			})
		require.EqualValues(t, 1, s.Total.PossiblyPersisted,
			"what may be in the log was not rejected")
		require.EqualValues(t, 1, s.Total.Delivered)
	})
}
