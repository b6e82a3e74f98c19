//go:build synctests

package producer_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
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
	"github.com/forebay-go/forebay/test/proof"
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

// Every code that the request for a producer ID can be answered with. What passes by itself is
// waited for; else batches go without numbers until there is an ID.
func TestVirtual_F9_EveryCodeOfInitProducerIDHealsAndLosesNothing(t *testing.T) {
	passes := []*kerr.Error{
		kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator,
		kerr.ConcurrentTransactions,
		kerr.RequestTimedOut, kerr.BrokerNotAvailable, kerr.NotController, kerr.KafkaStorageError,
		kerr.NetworkException,
		kerr.ThrottlingQuotaExceeded,
	}
	c := proof.Of(t, "F9")
	for _, err := range everyCode() {
		t.Run(fmt.Sprint(err.Code, " ", err.Message), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var fault *kfake.FaultHandle
				s := judged(t, c, setup{before: func(b *bubble) {
					fault = b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: err,
						Count: -1})
				}}, func(b *bubble) {
					without := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce},
						When: unnumbered, Observe: true, Count: -1})
					b.stream(10*time.Second, 3, "events")
					delivered := b.p.Stats().Total.Delivered
					if !slices.Contains(passes, err) {
						require.Greater(t, delivered, uint64(280), "without numbers")
					} else {
						require.Zero(t, delivered)
						require.Zero(t, without.Hits())
					}
					c.Bit("requests for a producer ID answered with an error", int64(fault.Hits()))
					require.Less(t, fault.Hits(), 250,
						"the client itself tries again after 20 ms where a coordinator is loading")
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
			denied = b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID},
				Err: kerr.ClusterAuthorizationFailed, Count: -1})
		}}, func(b *bubble) {
			without := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, When: unnumbered,
				Observe: true, Count: -1})
			appended := kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut,
				Count: 10}

			b.stream(10*time.Second, 3, "events")
			twice := b.k.Fault(appended)
			b.stream(5*time.Minute, 1, "events")
			require.EqualValues(t, 10, twice.Hits())
			counted := b.p.Stats().Total.MaybeDuplicated
			require.Positive(t, counted)
			require.Positive(t, without.Hits())
			require.Equal(t, 1, b.logs.FilterMessageSnippet("no producer ID").Len(), "said once")
			b.proof.Bit("requests for a producer ID refused", int64(denied.Hits()))
			b.proof.Bit("batches appended without a number, and answered with an error",
				int64(twice.Hits()))
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

// deaf is a connection on which requests for a producer ID get lost.
type deaf struct{ net.Conn }

func (d deaf) Write(b []byte) (int, error) {
	if faultnet.IsRequest(b, int16(kmsg.InitProducerID)) {
		return len(b), nil
	}
	return d.Conn.Write(b)
}

// A network that cuts connections looks for a moment like brokers without producer IDs. Batches
// wait for one, and leave nothing twice.
func TestVirtual_F8_LostAnswersAboutProducerIDsAreNoReasonToDoWithoutOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lost = 6
		var asked atomic.Int64
		s := judged(t, proof.Of(t, "F8"), setup{brokers: 2, before: func(b *bubble) {
			b.k.link.CutAfter(func(written []byte) bool {
				return faultnet.IsRequest(written, int16(kmsg.InitProducerID)) &&
					asked.Add(1) <= lost
			})
		}}, func(b *bubble) {
			b.stream(10*time.Second, 3, "events")
			b.proof.Bit("answers about a producer ID that were lost in a row", b.k.link.Cuts())
			require.EqualValues(t, lost, b.k.link.Cuts())
			require.Empty(t, b.logs.FilterMessageSnippet("no producer ID").All())
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
		require.Zero(t, s.Total.MaybeDuplicated)
	})
}

// Nor are they a reason when there was an outage in between.
func TestVirtual_F8_LostAnswersAboutProducerIDsDoNotAddUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		s := judged(t, proof.Of(t, "F8"), setup{brokers: 2, before: func(b *bubble) {
			b.k.link.CutAfter(func(written []byte) bool {
				return faultnet.IsRequest(written, int16(kmsg.InitProducerID)) &&
					asked.Add(1) <= 4
			})
		}}, func(b *bubble) {
			b.send("events", 3)
			for asked.Load() < 2 {
				time.Sleep(time.Millisecond)
			}
			cuts := b.k.link.Cuts()
			b.k.link.Cut()
			b.stream(time.Minute, 3, "events")
			require.EqualValues(t, 2, asked.Load())
			b.k.link.Restore()
			b.stream(10*time.Second, 3, "events")
			b.proof.Bit("answers about a producer ID that were lost", cuts+2)
			require.Greater(t, asked.Load(), int64(4))
			require.Empty(t, b.logs.FilterMessageSnippet("no producer ID").All())
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
		require.Zero(t, s.Total.MaybeDuplicated)
	})
}

// Brokers that are not Kafka's may not know the request for a producer ID, and find several ways to
// say so.
func TestVirtual_F9_BrokersWithoutProducerIDsGetBatchesWithoutNumbers(t *testing.T) {
	old := kversion.Stable()
	old.SetMaxKeyVersion(int16(kmsg.InitProducerID), -1)
	answer := func(fn func(req kmsg.Request) (kmsg.Response, error)) func(*bubble) {
		return func(b *bubble) {
			b.k.ControlKey(int16(kmsg.InitProducerID),
				func(req kmsg.Request) (kmsg.Response, error, bool) {
					b.k.KeepControl()
					resp, err := fn(req)
					return resp, err, true
				})
		}
	}
	for _, broker := range []struct {
		name    string
		kafka   []kfake.Opt
		before  func(*bubble)
		says    string
		longest time.Duration // for the first record
	}{
		{name: "does not offer it", kafka: []kfake.Opt{kfake.MaxVersions(old)},
			says: "does not offer InitProducerID", longest: 100 * time.Millisecond},
		{name: "answers UNSUPPORTED_VERSION", before: func(b *bubble) {
			b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID},
				Err: kerr.UnsupportedVersion, Count: -1})
		}, says: "UNSUPPORTED_VERSION", longest: 100 * time.Millisecond},
		{name: "hangs up on it", before: answer(func(kmsg.Request) (kmsg.Response, error) {
			return nil, errors.New("hang up")
		}), says: "but not the one for a producer ID", longest: 8 * time.Second},
		{name: "grants no ID, and no error", before: answer(func(req kmsg.Request) (kmsg.Response,
			error) {
			resp := req.ResponseKind().(*kmsg.InitProducerIDResponse)
			resp.ProducerID, resp.ProducerEpoch = -1, -1
			return resp, nil
		}), says: "producer ID -1", longest: 8 * time.Second},
		{name: "leaves it open", before: func(b *bubble) {
			dial := faultnet.DialFunc(func(ctx context.Context, network, addr string) (net.Conn,
				error) {
				conn, err := b.k.network.DialContext(ctx, network, addr)
				return deaf{conn}, err
			})
			b.k.detour.Store(&dial)
		}, says: "but not the one for a producer ID", longest: 45 * time.Second},
	} {
		t.Run(broker.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := judged(t, proof.Of(t, "F9"), setup{kafka: broker.kafka, before: broker.before},
					func(b *bubble) {
						b.stream(2*time.Minute, 3, "events")
						b.rest()
						b.proof.Bit("records that went without a producer ID",
							int64(b.p.Stats().Total.Delivered))
						require.Less(t, b.longest["events"], broker.longest)
						require.Less(t, b.p.Stats().Total.Pending, uint64(10))
						require.Contains(t, b.p.Stats().Clusters["events"].Unnumbered, broker.says)
						lines := b.logs.FilterMessageSnippet("no producer ID").All()
						require.Len(t, lines, 1, "said once")
						require.Contains(t, fmt.Sprint(lines[0].ContextMap()["error"]), broker.says)
					})
				require.Equal(t, s.Total.Accepted, s.Total.Delivered)
				require.Zero(t, s.Total.MaybeDuplicated)
			})
		})
	}
}
