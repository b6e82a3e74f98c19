//go:build synctests

package producer_test

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// Through outages and batches that have to be divided, each function is called once, with where
// Kafka has its record.
func TestVirtual_F5_EachRecordHasItsOwnCall(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			k := newEmbedded(rt, 2, map[string]int32{"events": 3})
			defer k.Close()
			p, err := producer.New(k.config(func(c *producer.Config) {
				c.Batching.Compression = rapid.SampledFrom([]string{"none", "lz4"}).Draw(rt,
					"compression")
			}), producer.WithDialer(k.link.Dial))
			require.NoError(rt, err)
			defer closeWithin(rt, p, 0)
			k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.MessageTooLarge,
				Count: rapid.IntRange(0, 3).Draw(rt, "too large")})
			reports, sent := map[int]producer.Report{}, 0
			for range rapid.IntRange(1, 20).Draw(rt, "steps") {
				for range rapid.IntRange(1, 20).Draw(rt, "records") {
					n := sent
					sent++
					rec := producer.Record{Topic: "events", Value: fmt.Append(nil, n)}
					if n%2 == 0 {
						rec.Key = fmt.Append(nil, n%5)
					}
					if n%3 == 0 {
						require.NoError(rt, p.Send(rec))
						continue
					}
					require.NoError(rt, p.SendFunc(rec, func(r producer.Report) {
						require.NotContains(rt, reports, n)
						reports[n] = r
					}))
				}
				switch rapid.SampledFrom([]string{"pause", "cut", "restore"}).Draw(rt, "then") {
				case "pause":
					time.Sleep(time.Duration(rapid.IntRange(1, 3000).Draw(rt,
						"ms")) * time.Millisecond)
				case "cut":
					k.link.Cut()
				case "restore":
					k.link.Restore()
				}
			}
			k.link.Restore()
			require.NoError(rt, p.Flush(context.Background()))
			synctest.Wait()
			require.Len(rt, reports, sent-(sent+2)/3)
			for _, r := range k.read(rt, "events") {
				n, err := strconv.Atoi(string(r.Value))
				require.NoError(rt, err)
				if rep, called := reports[n]; called && !rep.MaybeDuplicated && rep.Offset >= 0 {
					require.Equal(rt, r.Partition, rep.Partition)
					require.Equal(rt, r.Offset, rep.Offset)
					require.Equal(rt, producer.Delivered, rep.Outcome)
				}
			}
		})
	})
}

func TestVirtual_F5_SendWaitReturnsWhenTheClusterIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F5")
		k := newEmbedded(t, 1, map[string]int32{"events": 1})
		defer k.Close()
		p, err := producer.New(k.config(), producer.WithDialer(k.link.Dial))
		require.NoError(t, err)
		defer closeWithin(t, p, time.Second)
		rep, err := p.SendWait(context.Background(), producer.Record{Topic: "events"})
		require.NoError(t, err)
		require.Zero(t, rep.Offset)
		k.link.Cut()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, err = p.SendWait(ctx, producer.Record{Topic: "events"})
		require.ErrorContains(t, err, "context deadline exceeded (cluster events is down: ")
		c.Bit("records whose call waited for longer than it may", 1)
		go func() {
			time.Sleep(10 * time.Second)
			k.link.Restore()
		}()
		rep, err = p.SendWait(context.Background(), producer.Record{Topic: "events"})
		require.NoError(t, err)
		require.EqualValues(t, 2, rep.Offset, "the other record has gone before")
		require.Greater(t, rep.Waited, 10*time.Second)
	})
}

func TestVirtual_F10_SendWaitNamesTheTroubleOfItsTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F10")
		k := newEmbedded(t, 1, map[string]int32{"events": 1})
		defer k.Close()
		p, err := producer.New(k.config(), producer.WithDialer(k.link.Dial))
		require.NoError(t, err)
		defer closeWithin(t, p, time.Second)
		require.NoError(t, p.Send(producer.Record{Topic: "another"}))
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, err = p.SendWait(ctx, producer.Record{Topic: "missing"})
		require.ErrorContains(t, err, "context deadline exceeded (topic missing")
		require.NotContains(t, err.Error(), "another")
		c.Bit("records whose topic is missing", 2)
	})
}

// Whatever callbacks and the memory do, each accepted record of SendFunc has one call or one report
// that was dropped, each SendWait returns, and all memory comes back.
func TestVirtual_F16_EachFunctionIsCalledOnceOrItsReportIsCountedAsDropped(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			k := newEmbedded(rt, 2, map[string]int32{"events": 3})
			defer k.Close()
			p, err := producer.New(k.config(func(c *producer.Config) {
				c.Buffer.MaxBytes = 1 << 20
				c.Priorities.Medium.WhenFull = rapid.SampledFrom([]string{"refuse",
					"drop_oldest"}).Draw(rt, "when full")
				c.Priorities.Medium.DeliveryTimeout = 20 * time.Second
				c.Reports.MaxBytes = 1 << rapid.IntRange(8, 20).Draw(rt, "bytes of reports")
			}), producer.WithDialer(k.link.Dial))
			require.NoError(rt, err)
			defer closeWithin(rt, p, 0)
			called, accepted := map[int]int{}, map[int]bool{}
			var waits sync.WaitGroup
			var mu sync.Mutex // guards called and accepted
			send := func(n int, then func()) {
				err := p.SendFunc(producer.Record{Topic: "events", Value: make([]byte, 10+n%2000)},
					func(producer.Report) {
						mu.Lock()
						called[n]++
						mu.Unlock()
						then()
					})
				mu.Lock()
				accepted[n] = err == nil
				mu.Unlock()
			}
			callbacks := map[string]func(n int){
				"return": func(int) {},
				"panic":  func(int) { panic("wrong") },
				"exit":   func(int) { runtime.Goexit() },
				"hang":   func(int) { time.Sleep(time.Minute) },
				"send":   func(n int) { send(-n, func() {}) },
				"flush":  func(int) { _ = p.Flush(context.Background()) },
			}
			names := slices.Sorted(maps.Keys(callbacks))
			n := 0
			for range rapid.IntRange(1, 6).Draw(rt, "steps") {
				then := callbacks[rapid.SampledFrom(names).Draw(rt, "callback")]
				for range rapid.IntRange(1, 200).Draw(rt, "records") {
					n++
					of := n
					send(of, func() { then(of) })
					then = callbacks["return"] // of the others
				}
				_ = p.Send(producer.Record{Topic: "events"})
				waits.Go(func() {
					_, _ = p.SendWait(context.Background(), producer.Record{Topic: "events"})
				})
				switch rapid.SampledFrom([]string{"pause", "cut", "restore"}).Draw(rt, "then") {
				case "pause":
					time.Sleep(30 * time.Second)
				case "cut":
					k.link.Cut()
				case "restore":
					k.link.Restore()
				}
			}
			k.link.Restore()
			waits.Wait()
			s, err := p.Close(context.Background())
			require.NoError(rt, err)
			calls, sent := 0, 0
			for n, of := range called {
				require.Equal(rt, 1, of)
				require.True(rt, accepted[n])
				calls++
			}
			for _, ok := range accepted {
				if ok {
					sent++
				}
			}
			stats := p.Stats()
			require.EqualValues(rt, sent, calls+int(stats.ReportsDropped))
			require.Greater(rt, s.Accepted, uint64(sent))
			require.True(rt, stats.Total.Balanced())
			require.Equal(rt, buffer.TableBytes("events"), stats.HeldBytes)
		})
	})
}
