//go:build synctests

package producer_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// everyCode returns all errors that the client library knows, and some that nobody knows yet. With
// the race detector, which makes them slow, it is one in ten.
func everyCode() []*kerr.Error {
	found := []*kerr.Error{kerr.UnknownServerError}
	for code := int16(1); code < 1000; code++ {
		if err := kerr.TypedErrorForCode(code); err != kerr.UnknownServerError {
			found = append(found, err)
		}
	}
	last := found[len(found)-1].Code
	for _, code := range []int16{last + 1, last + 100, 3000, 32767, -2, -32768} {
		found = append(found, &kerr.Error{Message: fmt.Sprint("OF_TOMORROW_", code), Code: code})
	}
	if raceEnabled {
		few := found[:0]
		for i := 0; i < len(found); i += 10 {
			few = append(few, found[i])
		}
		return few
	}
	return found
}

// inTroubleAndCalm are two topics, of which a fault concerns the first.
func inTroubleAndCalm() map[string]int32 { return map[string]int32{"events": 3, "calm": 3} }

// requireCalm requires that a topic which no fault concerned waited for nothing but its linger and
// the way.
func (b *bubble) requireCalm(bound time.Duration) {
	b.t.Helper()
	b.rest()
	require.Positive(b.t, b.longest["calm"])
	require.LessOrEqual(b.t, b.longest["calm"], bound)
	b.proof.Figure("longest wait in a topic beside it", "%v", b.longest["calm"])
}

func TestVirtual_F9_EveryCodeOfAProduceAnswerLeavesOneOutcomeEachAndTheProducerGoingOn(t *testing.T) {
	codes := everyCode()
	require.True(t, raceEnabled || len(codes) > 130)
	c := proof.Of(t, "F9")
	c.Figure("codes", "%d", len(codes))
	for _, err := range codes {
		t.Run(fmt.Sprint(err.Code, " ", err.Message), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := judged(t, c, setup{topics: inTroubleAndCalm()}, func(b *bubble) {
					b.stream(time.Second, 3, "events", "calm")
					fault := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: "events",
						Err: err, Count: -1})
					b.stream(10*time.Second, 3, "events", "calm")
					fault.Remove()
					healed := time.Now()
					b.stream(2*time.Second, 3, "events", "calm")
					b.flush()
					b.requireCalm(50 * time.Millisecond)
					c.Bit("produce requests answered with an error", int64(fault.Hits()))
					require.LessOrEqual(t, fault.Hits(), 2*300, "for 300 records")
					require.True(t, b.last["events"].After(healed), "it goes on")
				})
				require.Zero(t, s.Total.Expired+s.Total.Shed+s.Total.PossiblyPersisted)
				switch cluster.ActionOf(err.Code) {
				case cluster.Reject, cluster.Split, cluster.Resend:
					require.Positive(t, s.Total.Rejected)
					require.LessOrEqual(t, s.Total.Rejected, uint64(300),
						"only what the fault concerned")
				default:
					require.Equal(t, s.Total.Accepted, s.Total.Delivered)
				}
			})
		})
	}
}

// Storms: every produce request to a topic is answered with an error, for minutes.
func TestVirtual_F9_AStormOfErrorsIsNoHotLoopAndHoldsUpNobodyElse(t *testing.T) {
	const (
		storm      = 5 * time.Minute
		partitions = 12
	)
	for _, err := range []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.KafkaStorageError,
		kerr.OutOfOrderSequenceNumber,
		kerr.UnknownProducerID, kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping,
		kerr.NotEnoughReplicas, kerr.RequestTimedOut,
	} {
		t.Run(err.Message, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				topics := map[string]int32{"events": partitions, "calm": 3}
				s := judged(t, proof.Of(t, "F9"),
					setup{topics: topics, change: func(c *producer.Config) {
						c.Priorities.Medium.DeliveryTimeout = time.Hour
					}}, func(b *bubble) {
						b.k.link.Delay(2 * time.Millisecond)
						b.stream(time.Second, 3, "events", "calm")
						metadata := b.observe(kmsg.Metadata)
						fault := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce},
							Topic: "events",
							Err:   err, Count: -1})
						b.stream(storm, 3, "events", "calm")
						b.proof.Bit("produce requests answered with "+err.Message,
							int64(fault.Hits()))
						b.proof.Figure("requests a second and partition", "%.2f",
							float64(fault.Hits())/storm.Seconds()/partitions)
						b.proof.Figure("metadata requests a second", "%.1f",
							float64(metadata.Hits())/storm.Seconds())
						// Ten tries in the first two seconds, then one a second, with a fifth of
						// jitter.
						require.LessOrEqual(t, fault.Hits(),
							partitions*(10+int(1.25*storm.Seconds())))
						require.LessOrEqual(t, metadata.Hits(), 50*int(storm.Seconds()))
						require.Greater(t, fault.Hits(), 250, "it tries")
						fault.Remove()
						metadata.Remove()
						healed := time.Now()
						b.flush()
						b.proof.Figure("all delivered after the storm", "%v",
							time.Since(healed).Round(time.Millisecond))
						require.Less(t, time.Since(healed), 3*time.Second)
						b.requireCalm(50 * time.Millisecond)
					})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
			})
		})
	}
}
