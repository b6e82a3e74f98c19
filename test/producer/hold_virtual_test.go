//go:build synctests

package producer_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/health"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/ledger"
)

// Where the tests of holds have their patch: behind the identity that the ledger gives a value,
// which has a sum of what follows. So a record that is not patched is not whole.
const patchAt = 13

var patch = []byte{0xde, 0xad, 0xbe, 0xef}

// sendOnHold sends a record that waits for h, and whose value is what the ledger expects once it is
// patched.
func sendOnHold(l *ledger.Ledger, p *producer.Producer, h *producer.Hold,
	rec producer.Record) error {
	rec.Value = append(make([]byte, 40), rec.Value...)
	copy(rec.Value[patchAt:], patch)
	return l.SendBy(func(rec producer.Record) error {
		copy(rec.Value[patchAt:], make([]byte, len(patch)))
		rec.Hold = h
		return p.Send(rec)
	}, rec)
}

// unheld has the ledger judge a report of a record that was sent by sendOnHold, too: one that comes
// back with its Hold is as it was sent.
func unheld(report func(producer.Report)) func(producer.Report) {
	return func(r producer.Report) {
		if r.Record != nil && r.Record.Hold != nil {
			rec := *r.Record
			rec.Value = bytes.Clone(rec.Value)
			copy(rec.Value[patchAt:], patch)
			r.Record = &rec
		}
		report(r)
	}
}

// held is a producer in virtual time that sends records on hold, and the ledger that judges them.
type held struct {
	t       *testing.T
	k       *embedded
	p       *producer.Producer
	ledger  *ledger.Ledger
	reports []producer.Report
	logs    *observer.ObservedLogs
	apart   bool // the ledger does not know all records
}

// onHold runs load with a producer of the topics "events" and "plays", and judges what became of
// all records.
func onHold(t *testing.T, change func(*producer.Config), load func(*held)) {
	synctest.Test(t, func(t *testing.T) {
		topics := map[string]int32{"events": 3, "plays": 2}
		h := &held{t: t, k: newEmbedded(t, 2, topics), ledger: ledger.New()}
		defer h.k.Close()
		h.k.dealLeaders(t, topics)
		core, logs := observer.New(zap.InfoLevel)
		h.logs = logs
		p, err := producer.New(h.k.config(change), producer.WithDialer(h.k.link.Dial),
			producer.WithLogger(zap.New(core)), producer.WithDelivery(unheld(func(r producer.Report) {
				h.ledger.Report(r)
				h.reports = append(h.reports, r)
			})))
		require.NoError(t, err)
		defer closeWithin(t, p, 0)
		h.p = p
		load(h)
		closeWithin(t, p, time.Minute)
		synctest.Wait()
		requireTold(t, logs)
		s := p.Stats()
		require.Equal(t, heldByTopics(s), s.HeldBytes, "all memory was given back")
		require.Empty(t, s.Troubles)
		if h.apart {
			return
		}
		log := h.k.read(t, "events", "plays")
		h.ledger.Read(log...)
		h.ledger.Ordered(log)
		require.Empty(t, h.ledger.Check(s.Total))
		require.Zero(t, h.ledger.LongestSend())
	})
}

// send sends n records on hold to events: with one of three keys that begin with key, without, and
// to a partition in turn.
func (h *held) send(hold *producer.Hold, key string, n int) {
	h.t.Helper()
	for i := range n {
		rec := producer.Record{Topic: "events"}
		switch i % 3 {
		case 0:
			rec.Key = fmt.Append(nil, key, i%9)
		case 1:
			rec.Partition = producer.ToPartition(int32(i % 2))
		}
		require.NoError(h.t, sendOnHold(h.ledger, h.p, hold, rec))
	}
}

func (h *held) flush(d time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return h.p.Flush(ctx)
}

func (h *held) delivered() uint64 { return h.p.Stats().Total.Delivered }

func longTimeout(c *producer.Config) { c.Priorities.Medium.DeliveryTimeout = 3 * time.Hour }

func TestVirtual_RecordsOnHoldAreDeliveredWithTheirPatchAfterAnHour(t *testing.T) {
	for _, compression := range []string{"none", "lz4"} {
		t.Run(compression, func(t *testing.T) {
			onHold(t, func(c *producer.Config) {
				longTimeout(c)
				c.Batching.Compression = compression
			}, func(h *held) {
				h.k.link.Cut() // down before the program even starts
				hold := producer.NewHold(`schema "events-value"`)
				h.send(hold, "a", 300)
				time.Sleep(time.Minute)
				h.k.link.Restore()
				time.Sleep(time.Minute)
				require.Zero(t, h.delivered())
				for i := range 60 {
					require.NoError(t, h.ledger.Send(h.p, producer.Record{Topic: "events",
						Key: fmt.Append(nil, i)}))
					require.NoError(t, h.ledger.Send(h.p, producer.Record{Topic: "plays"}))
					time.Sleep(time.Minute)
					require.EqualValues(t, 2*i+2, h.delivered(), "others pass")
				}
				require.EqualValues(t, 300, h.p.Stats().Total.Pending)
				hold.Release(patchAt, patch)
				h.send(hold, "a", 300) // these do not wait
				time.Sleep(time.Second)
				require.EqualValues(t, 720, h.delivered())
			})
		})
	}
}

func TestVirtual_AKeyKeepsItsOrderAcrossRelease(t *testing.T) {
	for _, connected := range []bool{true, false} {
		t.Run(fmt.Sprintf("connected=%v", connected), func(t *testing.T) {
			onHold(t, func(c *producer.Config) {
				longTimeout(c)
				c.Batching.MaxBytes = 2 << 10
			}, func(h *held) {
				if !connected { // and the count of partitions is not known
					h.k.link.Cut()
				}
				for round := range 20 {
					hold := producer.NewHold("it")
					done := make(chan struct{})
					go func() {
						defer close(done)
						time.Sleep(50 * time.Millisecond)
						hold.Release(patchAt, patch)
					}()
					for range 100 {
						h.send(hold, fmt.Sprint("k", round%3), 9)
						time.Sleep(time.Millisecond)
					}
					<-done
					for i := range 9 { // without it, and still behind
						require.NoError(t, h.ledger.Send(h.p, producer.Record{Topic: "events",
							Key: fmt.Append(nil, "k", round%3, i)}))
					}
				}
				h.k.link.Restore()
				require.NoError(t, h.flush(time.Minute))
				require.EqualValues(t, 20*909, h.delivered())
			})
		})
	}
}

func TestVirtual_RecordsOnHoldExpireInTimeAsSchemaUnknown(t *testing.T) {
	const timeout = 16 * time.Second
	for _, cut := range []bool{false, true} {
		t.Run(fmt.Sprintf("cut=%v", cut), func(t *testing.T) {
			onHold(t, func(c *producer.Config) {
				c.Priorities.Medium.DeliveryTimeout = timeout
			}, func(h *held) {
				if cut {
					h.k.link.Cut()
				}
				holds := []*producer.Hold{producer.NewHold("a"), producer.NewHold("b")}
				holds[0].Explain("the registry answers 503")
				for i := range 300 {
					h.send(holds[i%2], fmt.Sprint(i%2), 3)
					time.Sleep(37 * time.Millisecond)
				}
				time.Sleep(2 * timeout)
				synctest.Wait() // for the reports
				require.Len(t, h.reports, 900)
				for _, r := range h.reports {
					require.Equal(t, producer.Expired, r.Outcome)
					require.Equal(t, producer.ReasonSchemaUnknown, r.Reason)
					require.Contains(t, []string{"it waited for a: the registry answers 503",
						"it waited for b"}, r.Err.Error())
					require.Same(t, holds[r.Tag/3%2], r.Record.Hold)
					require.LessOrEqual(t, r.Waited, timeout)
					require.Greater(t, r.Waited, timeout-timeout/16-time.Millisecond)
				}
				books := h.p.Stats().Total
				require.EqualValues(t, 900, books.Lost(producer.ReasonSchemaUnknown))
			})
		})
	}
}

// Of what was released in an outage each record expires in its time, beside older and newer ones.
func TestVirtual_RecordsThatWereOnHoldExpireInTime(t *testing.T) {
	const timeout = 160 * time.Second
	onHold(t, func(c *producer.Config) {
		c.Priorities.Medium.DeliveryTimeout = timeout
		c.Batching.MaxBytes = 1 << 10
	}, func(h *held) {
		require.NoError(t, h.ledger.Send(h.p, producer.Record{Topic: "events"}))
		require.NoError(t, h.flush(time.Second))
		h.k.link.Hole()
		for i := range 40 {
			hold := producer.NewHold("it")
			h.send(hold, fmt.Sprint("h", i), 9)
			for j := range 9 {
				rec := producer.Record{Topic: "events", Key: fmt.Append(nil, j)}
				if j%3 == 0 {
					rec = producer.Record{Topic: "events", Partition: producer.ToPartition(1)}
				}
				require.NoError(t, h.ledger.Send(h.p, rec))
			}
			time.AfterFunc(time.Duration(i%7)*9*time.Second,
				func() { hold.Release(patchAt, patch) })
			time.Sleep(time.Second)
		}
		time.Sleep(2 * timeout)
		synctest.Wait() // for the reports
		require.Len(t, h.reports, 1+40*18)
		for _, r := range h.reports[1:] {
			require.Contains(t, []producer.Reason{producer.ReasonDeliveryTimeout,
				producer.ReasonUnanswered}, r.Reason)
			require.LessOrEqual(t, r.Waited, timeout)
			require.Greater(t, r.Waited, timeout-timeout/16-time.Millisecond)
		}
		h.k.link.Restore()
	})
}

func TestVirtual_RecordsOnHoldAreGivenUpForHigherPriorities(t *testing.T) {
	onHold(t, func(c *producer.Config) {
		c.Buffer.MaxBytes = 1 << 20
		c.Priorities.Medium.GuaranteedShare = producer.NoGuarantee
		c.Reports.MaxBytes = 16 << 20
	}, func(h *held) {
		h.k.link.Cut()
		hold := producer.NewHold("it")
		h.send(hold, "a", 300)
		high := producer.Record{Topic: "plays", Priority: routing.High, Value: make([]byte, 1000)}
		for range 2000 {
			_ = h.ledger.Send(h.p, high)
		}
		synctest.Wait()
		books := h.p.Stats().Priorities[routing.Medium]
		require.Zero(t, books.Pending)
		require.EqualValues(t, 300, books.Lost(producer.ReasonPreemptedByHigh))
		hold.Release(patchAt, patch) // nothing is left of it
		h.k.link.Restore()
		require.NoError(t, h.flush(time.Minute))
	})
}

func TestVirtual_F17_CloseGivesUpRecordsOnHoldAndNamesTheHold(t *testing.T) {
	onHold(t, longTimeout, func(h *held) {
		hold := producer.NewHold(`schema "events-value"`)
		hold.Explain("the registry answers 503")
		h.send(hold, "a", 300)
		time.Sleep(time.Minute)
		const why = `topic events: records are kept back for schema "events-value": the ` +
			`registry answers 503`
		require.ErrorContains(t, h.flush(time.Second), why)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s, err := h.p.Close(ctx)
		require.ErrorIs(t, err, producer.ErrLeft)
		require.ErrorContains(t, err, why)
		require.EqualValues(t, 300, s.Left)
		require.EqualValues(t, 300, s.Lost[producer.ReasonSchemaUnknown])
		hold.Release(patchAt, patch)
		require.ErrorIs(t, h.p.Send(producer.Record{Topic: "events", Hold: hold}),
			producer.ErrClosed)
	})
}

// Who asks why records wait is told of the Hold: SendWait, Stats, the page, and the log, once when
// it has lasted and once when it is over.
func TestVirtual_AHoldIsNamedWhereverItIsAskedWhyRecordsWait(t *testing.T) {
	for _, cut := range []bool{false, true} {
		t.Run(fmt.Sprintf("cut=%v", cut), func(t *testing.T) {
			onHold(t, longTimeout, func(h *held) {
				if cut {
					h.k.link.Cut()
				}
				h.apart = true
				hold := producer.NewHold(`schema "plays-value"`)
				hold.Explain("the registry answers 503")
				waited := make(chan error)
				go func() {
					ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
					defer cancel()
					_, err := h.p.SendWait(ctx, producer.Record{Topic: "plays", Hold: hold})
					waited <- err
				}()
				require.ErrorContains(t, <-waited, `topic plays: records are kept back for schema `+
					`"plays-value": the registry answers 503`)

				s := h.p.Stats()
				require.Len(t, s.Troubles, 1)
				require.Equal(t, producer.CauseSchemaUnknown, s.Troubles[0].Cause)
				require.EqualValues(t, 1, s.Troubles[0].Records)
				w := httptest.NewRecorder()
				health.New(h.p).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/health", nil))
				require.Contains(t, w.Body.String(), `kept back for schema \"plays-value\"`)
				require.Len(t, h.logs.FilterMessage("records wait").All(), 1)

				hold.Release(0, nil)
				h.k.link.Restore()
				require.NoError(t, h.flush(time.Minute))
				time.Sleep(2 * time.Second)
				require.Len(t, h.logs.FilterMessage("records wait no longer").All(), 1)
				require.Empty(t, h.p.Stats().Troubles)
			})
		})
	}
}

// A thousand Holds share a quarter of the memory with their tables, and the rest is others'.
func TestVirtual_AThousandHoldsTakeAQuarterOfTheMemoryAtMost(t *testing.T) {
	onHold(t, func(c *producer.Config) {
		longTimeout(c)
		c.Buffer.MaxBytes = 4 << 20
	}, func(h *held) {
		var holds []*producer.Hold
		var refused int
		for i := range 1000 {
			holds = append(holds, producer.NewHold(fmt.Sprintf("schema %d", i)))
			for j := range 6 {
				rec := producer.Record{Topic: []string{"events", "plays"}[i%2]}
				if j%2 == 0 {
					rec.Key = fmt.Append(nil, i)
				}
				if err := sendOnHold(h.ledger, h.p, holds[i], rec); err != nil {
					require.ErrorIs(t, err, producer.ErrBufferFull)
					require.ErrorContains(t, err, fmt.Sprintf("this one waits for schema %d", i))
					refused++
				}
			}
		}
		require.Positive(t, refused)
		s := h.p.Stats()
		require.LessOrEqual(t, s.HeldBytes-heldByTopics(s), s.MaxBytes/4)
		require.Greater(t, s.HeldBytes, s.MaxBytes/5)
		require.EqualValues(t, refused, s.Refused[producer.ErrBufferFull])
		require.Zero(t, s.Total.Shed)
		for range 100 {
			require.NoError(t, h.ledger.Send(h.p, producer.Record{Topic: "events",
				Value: make([]byte, 10_000)}))
			time.Sleep(time.Second)
		}
		require.EqualValues(t, 100, h.delivered())
		for i, hold := range holds {
			hold.Release(patchAt, patch)
			if i%100 == 0 {
				time.Sleep(time.Second)
			}
		}
		require.NoError(t, h.flush(time.Minute))
		require.EqualValues(t, 6100-refused, h.delivered())
	})
}

// A topic that gets another priority leaves behind what is on hold; both are released.
func TestVirtual_RecordsOnHoldOutliveANewPriorityOfTheirTopic(t *testing.T) {
	onHold(t, longTimeout, func(h *held) {
		hold := producer.NewHold("it")
		h.send(hold, "a", 90)
		time.Sleep(time.Minute)
		cfg := h.k.config(longTimeout)
		cfg.Topics = []producer.TopicConfig{{Topic: "events", Priority: routing.High}}
		require.NoError(t, h.p.Reconfigure(cfg))
		h.send(hold, "b", 90)
		time.Sleep(time.Minute)
		require.Zero(t, h.delivered())
		hold.Release(patchAt, patch)
		require.NoError(t, h.flush(time.Second))
		s := h.p.Stats()
		require.EqualValues(t, 90, s.Priorities[routing.High].Delivered)
		require.EqualValues(t, 90, s.Priorities[routing.Medium].Delivered)
	})
}

// What waits for a Hold expires by its own TTL, or by the delivery timeout of its topic that is in
// force then, whichever kind it is.
func TestVirtual_RecordsOnHoldExpireByTheTimeoutThatIsInForce(t *testing.T) {
	onHold(t, longTimeout, func(h *held) {
		hold := producer.NewHold("it")
		waited := make(map[time.Duration][]time.Duration)
		for _, ttl := range []time.Duration{0, 5 * time.Second, time.Minute} {
			for _, rec := range kinds(1) {
				rec.TTL = ttl
				require.NoError(t, sendOnHold(h.ledger, h.p, hold, rec))
			}
		}
		timeout := func(d time.Duration) {
			cfg := h.p.Config()
			cfg.Topics = []producer.TopicConfig{{Topic: "events", DeliveryTimeout: d}}
			require.NoError(t, h.p.Reconfigure(cfg))
		}
		time.Sleep(10 * time.Second)
		timeout(20 * time.Second)
		time.Sleep(5 * time.Second)
		timeout(10 * time.Second) // that is over
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		for _, r := range h.reports {
			require.Equal(t, producer.ReasonSchemaUnknown, r.Reason)
			ttl := r.Record.TTL.Round(5 * time.Second)
			waited[ttl] = append(waited[ttl], r.Waited)
		}
		for ttl, at := range map[time.Duration]time.Duration{0: 15 * time.Second,
			5 * time.Second: 5 * time.Second, time.Minute: time.Minute} {
			require.Len(t, waited[ttl], 3)
			for _, d := range waited[ttl] {
				require.LessOrEqual(t, d, at+time.Millisecond)
				require.Greater(t, d, at-at/16)
			}
		}
	})
}
