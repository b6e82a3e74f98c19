//go:build synctests

package producer_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/internal/proof"
)

// unnumbered reports whether a batch of a produce request has no producer ID.
func unnumbered(r kmsg.Request) bool {
	for _, t := range r.(*kmsg.ProduceRequest).Topics {
		for _, p := range t.Partitions {
			if int64(binary.BigEndian.Uint64(p.Records[43:])) < 0 {
				return true
			}
		}
	}
	return false
}

// Every code that the request for a producer ID can be answered with. What passes by itself is waited for; else batches go
// without numbers until there is an ID.
func TestVirtual_F9_EveryCodeOfInitProducerIDHealsAndLosesNothing(t *testing.T) {
	passes := []*kerr.Error{
		kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.ConcurrentTransactions,
		kerr.RequestTimedOut, kerr.BrokerNotAvailable, kerr.NotController, kerr.KafkaStorageError, kerr.NetworkException,
		kerr.ThrottlingQuotaExceeded,
	}
	c := proof.Of(t, "F9")
	for _, err := range everyCode() {
		t.Run(fmt.Sprint(err.Code, " ", err.Message), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var fault *kfake.FaultHandle
				s := judged(t, c, setup{before: func(b *bubble) {
					fault = b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: err, Count: -1})
				}}, func(b *bubble) {
					without := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, When: unnumbered, Observe: true, Count: -1})
					b.stream(10*time.Second, 3, "events")
					delivered := b.p.Stats().Total.Delivered
					if !slices.Contains(passes, err) {
						require.Greater(t, delivered, uint64(280), "without numbers")
					} else {
						require.Zero(t, delivered)
						require.Zero(t, without.Hits())
					}
					c.Bit("requests for a producer ID answered with an error", int64(fault.Hits()))
					require.Less(t, fault.Hits(), 250, "the client itself tries again after 20 ms where a coordinator is loading")
					fault.Remove()
					time.Sleep(2250 * time.Millisecond)
					require.Zero(t, b.p.Stats().Total.Pending, "it heals")
					c.Held("I10", 1)
				})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
				require.Zero(t, s.Total.MaybeDuplicated)
			})
		})
	}
}

func TestVirtual_F9_WithoutTheRightToAProducerIDRetriesAreCountedUntilItIsGranted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var denied *kfake.FaultHandle
		judged(t, proof.Of(t, "F9"), setup{before: func(b *bubble) {
			denied = b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.ClusterAuthorizationFailed, Count: -1})
		}}, func(b *bubble) {
			without := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, When: unnumbered, Observe: true, Count: -1})
			appended := kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut, Count: 10}

			b.stream(10*time.Second, 3, "events")
			twice := b.k.Fault(appended)
			b.stream(5*time.Minute, 1, "events")
			require.EqualValues(t, 10, twice.Hits())
			counted := b.p.Stats().Total.MaybeDuplicated
			require.Positive(t, counted)
			require.Positive(t, without.Hits())
			require.Equal(t, 1, b.logs.FilterMessageSnippet("no producer ID").Len(), "said once")
			b.proof.Bit("requests for a producer ID refused", int64(denied.Hits()))
			b.proof.Bit("batches appended without a number, and answered with an error", int64(twice.Hits()))
			b.proof.Figure("counted as maybe duplicated", "%d", counted)
			require.Less(t, denied.Hits(), 40, "in five minutes")

			denied.Remove()
			b.stream(time.Minute, 3, "events")
			require.Equal(t, 1, b.logs.FilterMessageSnippet("producer ID granted").Len())
			before := without.Hits()
			once := b.k.Fault(appended)
			b.stream(10*time.Second, 3, "events")
			b.flush()
			require.EqualValues(t, 10, once.Hits())
			require.Equal(t, before, without.Hits(), "all are numbered again")
			require.Equal(t, counted, b.p.Stats().Total.MaybeDuplicated)
		})
	})
}
