//go:build synctests

package producer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/proof"
)

// The callback sends: each report of one record sends another, a hundred times over, also in an
// outage.
func TestVirtual_F16_ACallbackThatSendsIsServedLikeAnybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		again := int64(0)
		s := judged(t, proof.Of(t, "F16", "F5"), setup{}, func(b *bubble) {
			b.also = func(producer.Report) {
				if again < 1000 {
					again++
					require.NoError(t, b.ledger.Send(b.p, producer.Record{Topic: "events"}))
				}
			}
			b.stream(time.Second, 1, "events")
			b.k.link.Cut()
			b.stream(10*time.Second, 1, "events")
			b.k.link.Restore()
			time.Sleep(time.Minute)
			b.rest()
			b.proof.Bit("records sent by the callback", again)
			require.EqualValues(t, 1000, again)
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

// closed is what a call of Close returned, and when.
type closed struct {
	summary producer.Summary
	err     error
	took    time.Duration
}

func closing(p *producer.Producer, d time.Duration) (c closed) {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	c.summary, c.err = p.Close(ctx)
	c.took = time.Since(begin)
	return c
}

// Close in an outage of each kind: some records were never written, some were and are not answered.
func TestVirtual_F17_CloseInAnOutageReturnsByItsDeadlineWithTheExactNumberLeft(t *testing.T) {
	for name, begin := range map[string]func(b *bubble){
		"refused":    func(b *bubble) { b.k.link.Cut() },
		"black hole": func(b *bubble) { b.k.link.Hole() },
		"unanswered": func(b *bubble) {
			b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut,
				Count: -1})
		},
		"slow": func(b *bubble) { b.k.link.Delay(20 * time.Second) },
	} {
		for _, within := range []time.Duration{0, time.Millisecond, 50 * time.Millisecond,
			time.Second, 10 * time.Second} {
			t.Run(fmt.Sprint(name, " ", within), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					lost := make(map[producer.Reason]uint64)
					judged(t, proof.Of(t, "F17", "F5"), setup{}, func(b *bubble) {
						b.also = func(r producer.Report) { lost[r.Reason]++ }
						b.stream(time.Second, 3, "events")
						begin(b)
						b.stream(5*time.Second, 3, "events")
						pending := b.p.Stats().Total.Pending
						require.Positive(t, pending)
						c := closing(b.p, within)
						require.LessOrEqual(t, c.took, within)
						require.ErrorIs(t, c.err, producer.ErrLeft)
						require.Contains(t, c.err.Error(), fmt.Sprint(c.summary.Left))
						require.Equal(t, pending, c.summary.Left)
						require.Equal(t, c.summary.Accepted, c.summary.Delivered+c.summary.Left)
						b.rest() // for the reports, where there was no time for them
						require.Equal(t, c.summary.Left,
							lost[producer.ReasonClosed]+lost[producer.ReasonUnansweredClose])
						b.proof.Bit("records left when the time was over", int64(c.summary.Left))
						b.proof.Held("I14", 1)
						require.ErrorIs(t, b.p.Send(producer.Record{Topic: "events"}),
							producer.ErrClosed)
						b.k.link.Delay(0)
						b.k.link.Restore()
						require.Zero(t, closing(b.p, time.Minute).took, "a second time")
						time.Sleep(30 * time.Second) // for what is on its way
					})
				})
			})
		}
	}
}

// Many call Close at once while others call Send: one does it, all learn the same, and Send is
// refused from then on.
func TestVirtual_F17_CloseIsCalledByManyWhileOthersSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		judged(t, proof.Of(t, "F17"), setup{}, func(b *bubble) {
			b.stream(time.Second, 3, "events")
			b.k.link.Cut()
			var wg sync.WaitGroup
			refused := make([]int64, 4)
			for i := range refused {
				wg.Go(func() {
					for range 1000 {
						err := b.ledger.Send(b.p, producer.Record{Topic: "events"})
						if err != nil {
							refused[i]++
							require.ErrorIs(t, err, producer.ErrClosed)
						}
						time.Sleep(5 * time.Millisecond)
					}
				})
			}
			time.Sleep(time.Second)
			results := make([]closed, 8)
			for i := range results {
				wg.Go(func() { results[i] = closing(b.p, 3*time.Second) })
			}
			b.rest() // one of them has begun
			impatient := closing(b.p, time.Second)
			require.ErrorIs(t, impatient.err, context.DeadlineExceeded)
			require.Equal(t, time.Second, impatient.took)
			wg.Wait()
			left := 0
			for _, c := range results {
				require.LessOrEqual(t, c.took, 3*time.Second)
				if errors.Is(c.err, producer.ErrLeft) {
					left++
				}
				require.Equal(t, results[0].summary, c.summary)
			}
			require.Equal(t, 1, left, "one of them did it")
			for _, n := range refused {
				b.proof.Bit("records refused by a producer that is being closed", n)
			}
			b.proof.Bit("calls of Close beside each other", int64(len(results)))
			b.proof.Held("I14", uint64(len(results)))
			b.k.link.Restore()
		})
	})
}

// through is a zap core that writes every line through the producer whose lines they are, as an
// application's logger does.
type through struct {
	zapcore.LevelEnabler
	send func(zapcore.Entry)
}

func (c through) With([]zapcore.Field) zapcore.Core { return c }
func (c through) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return ce.AddCore(e, c)
}
func (c through) Write(e zapcore.Entry, _ []zapcore.Field) error {
	c.send(e)
	return nil
}
func (c through) Sync() error { return nil }

// Everything that the producer logs goes through it, while there is much to log.
func TestVirtual_F18_ItsOwnLogLinesGoThroughItWithoutALoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := int64(0)
		var b *bubble
		made := make(chan struct{}) // closed when there is a producer
		log := zap.New(through{zap.DebugLevel, func(e zapcore.Entry) {
			<-made
			lines++
			require.NoError(t, b.ledger.Send(b.p,
				producer.Record{Topic: "log", Value: []byte(e.Message + "            ")}))
		}})
		s := judged(t, proof.Of(t, "F18", "F9"), setup{
			topics:  map[string]int32{"events": 3, "log": 1},
			options: []producer.Option{producer.WithLogger(log)},
			before:  func(own *bubble) { b = own },
		}, func(b *bubble) {
			close(made)
			for _, code := range []*kerr.Error{kerr.UnknownServerError, kerr.NotController,
				kerr.InvalidTxnState} {
				b.stream(time.Second, 3, "events")
				// that of the log too
				fault := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: code,
					Count: 100})
				b.stream(30*time.Second, 3, "events")
				fault.Remove()
				b.k.link.Cut()
				b.stream(time.Minute, 3, "events")
				b.k.link.Restore()
			}
			b.flush()
			time.Sleep(time.Minute)
			b.rest()
			b.proof.Bit("lines of its own, sent through it", lines)
			require.Positive(t, lines)
			require.Less(t, lines, int64(40))
			b.proof.Held("I16", 3)
		})
		require.Equal(t, s.Total.Accepted, s.Total.Delivered)
	})
}

func TestVirtual_F16_ReportsOfLowNeitherDelayNorDropThoseOfHigh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F16")
		k := newEmbedded(t, 1, map[string]int32{"events": 1})
		defer k.Close()
		release := make(chan struct{})
		var told []routing.Priority
		p, err := producer.New(k.config(func(c *producer.Config) { c.Reports.MaxBytes = 64 << 10 }),
			producer.WithDialer(k.link.Dial), producer.WithDelivery(func(r producer.Report) {
				<-release
				told = append(told, r.Priority)
			}))
		require.NoError(t, err)
		send := func(priority routing.Priority, n int) {
			for range n {
				require.NoError(t, p.Send(producer.Record{Topic: "events", Priority: priority,
					Value: make([]byte, 10)}))
			}
			require.NoError(t, p.Flush(context.Background()))
		}
		for range 100 {
			send(routing.Low, 100)
		}
		dropped := p.Stats().ReportsDropped
		require.Positive(t, dropped, "low has filled what reports may take")
		send(routing.High, 1000)
		close(release)
		closeWithin(t, p, time.Minute)
		first := slices.Index(told, routing.High)
		require.LessOrEqual(t, first, 100, "after the batch that was being told")
		require.NotContains(t, told[first:first+1000], routing.Low)
		s := p.Stats()
		require.Greater(t, s.ReportsDropped, dropped, "of low")
		require.EqualValues(t, 11_000, uint64(len(told))+s.ReportsDropped)
		c.Bit("reports of low dropped", int64(s.ReportsDropped))
	})
}
