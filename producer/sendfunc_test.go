package producer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

func TestSendFunc_AllocatesNothingInSteadyState(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	p := nowhere(t, func(c *producer.Config) { c.Batching.Linger = time.Minute })
	rec := producer.Record{Topic: "t", Value: make([]byte, 100)}
	n := 0
	fn := func(producer.Report) { n++ }
	for range 100 {
		require.NoError(t, p.SendFunc(rec, fn))
	}
	require.Zero(t, testing.AllocsPerRun(1000, func() { _ = p.SendFunc(rec, fn) }))
}

// Without WithDelivery only the functions of SendFunc have reports that can be dropped.
func TestSendFunc_CountsEachReportThatIsDropped(t *testing.T) {
	p := nowhere(t, func(c *producer.Config) {
		c.Priorities.Medium.DeliveryTimeout = time.Second
		c.Reports.MaxBytes = 1
	})
	rec := producer.Record{Topic: "t"}
	require.NoError(t, p.Send(rec))
	require.NoError(t, p.SendFunc(rec, func(producer.Report) { t.Error("called") }))
	_, err := p.SendWait(t.Context(), rec)
	require.ErrorIs(t, err, producer.ErrNotDelivered)
	requireDropped(t, p, 1)
	require.EqualValues(t, 3, p.Stats().Total.Expired)
}

// requireDropped requires that n reports are dropped. SendWait returns before that is counted.
func requireDropped(t *testing.T, p *producer.Producer, n uint64) {
	t.Helper()
	require.Eventually(t, func() bool { return p.Stats().ReportsDropped > 0 }, time.Minute,
		time.Millisecond)
	require.Equal(t, n, p.Stats().ReportsDropped)
}

// What is refused is told by the error, and not by a call.
func TestSendFunc_RefusesAsSendDoes(t *testing.T) {
	p := nowhere(t, nil)
	fn := func(producer.Report) { t.Error("called") }
	requireSendError(t, p.SendFunc(producer.Record{}, fn), producer.ErrInvalidRecord,
		`send to "" (medium): invalid record: the topic has no name`)
	require.NoError(t, p.SendFunc(producer.Record{Topic: "t"}, nil))
	require.EqualValues(t, 1, p.Stats().Total.Pending)
}

func TestRecord_CheckSaysWhatSendRefuses(t *testing.T) {
	require.NoError(t, (&producer.Record{Topic: "t"}).Check())
	requireSendError(t, (&producer.Record{Topic: "a b", Priority: routing.Low}).Check(),
		producer.ErrInvalidRecord, `send to "a b" (low): invalid record: the name of the topic has a `+
			`character other than letters, digits, '.', '_' and '-'`)
}

// closeNow closes p while it holds records that it cannot deliver.
func closeNow(t *testing.T, p *producer.Producer) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := p.Close(ctx)
	require.ErrorIs(t, err, producer.ErrLeft)
}

// A record that is not delivered comes back to the function that it was sent with, and to the one
// for all, in that order. Those beside it come back to the latter alone.
func TestSendFunc_ReturnsTheRecord(t *testing.T) {
	for name, all := range map[string]bool{"beside WithDelivery": true, "alone": false} {
		t.Run(name, func(t *testing.T) {
			told := make(chan string, 3)
			var opts []producer.Option
			tell := func(who string) func(producer.Report) {
				return func(r producer.Report) {
					rec, ok := r.Returned()
					require.True(t, ok)
					require.Equal(t, producer.Shed, r.Outcome)
					require.Equal(t, rec.Tag, r.Tag)
					told <- who + " " + string(rec.Value)
				}
			}
			if all {
				opts = append(opts, producer.WithDelivery(tell("all")))
			}
			p := nowhere(t, nil, opts...)
			rec := producer.Record{Topic: "t", Tag: 7, Value: []byte("1")}
			require.NoError(t, p.SendFunc(rec, tell("own")))
			rec.Value, rec.Tag = []byte("2"), 8
			require.NoError(t, p.Send(rec))
			closeNow(t, p)
			require.Equal(t, "own 1", <-told)
			if all {
				require.Equal(t, "all 1", <-told)
				require.Equal(t, "all 2", <-told)
			}
		})
	}
}

func TestSendFunc_SurvivesAPanic(t *testing.T) {
	p := nowhere(t, nil)
	called := make(chan bool)
	require.NoError(t, p.SendFunc(producer.Record{Topic: "t"},
		func(producer.Report) { panic("wrong") }))
	require.NoError(t, p.SendFunc(producer.Record{Topic: "t"},
		func(producer.Report) { close(called) }))
	closeNow(t, p)
	<-called
	require.EqualValues(t, 1, p.Stats().ReportPanics)
}

func TestSendWait_SaysWhyTheRecordHasNotGone(t *testing.T) {
	p := nowhere(t, nil)
	require.NoError(t, p.Send(producer.Record{Topic: "other"}))
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	_, err := p.SendWait(ctx, producer.Record{Topic: "t"})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, `send to "t": no outcome yet, the record stays in the buffer: `+
		`context deadline exceeded (cluster gone is connecting: `)
	require.ErrorContains(t, err, "connection refused")
	require.EqualValues(t, 2, p.Stats().Total.Pending)
	_, err = p.SendWait(ctx, producer.Record{})
	require.ErrorIs(t, err, producer.ErrInvalidRecord)
}

func TestSendWait_NamesTheTopicThatAnInterceptorChose(t *testing.T) {
	p := nowhere(t, nil, producer.WithInterceptor(func(r *producer.Record) error {
		r.Topic = "chosen"
		return nil
	}))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := p.SendWait(ctx, producer.Record{Topic: "t"})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, `send to "chosen": no outcome yet`)
	require.ErrorContains(t, err, "(cluster gone is ")
	require.EqualValues(t, 1, p.Stats().Total.Pending, "also with a context that had ended")
}

// Nothing delays the outcome for who waits: no callback that hangs, and no report that is dropped.
func TestSendWait_IsToldOfARecordThatIsNotDelivered(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	p := nowhere(t, func(c *producer.Config) {
		c.Priorities.Medium.DeliveryTimeout = time.Second
		c.Reports.MaxBytes = 1
	}, producer.WithDelivery(func(producer.Report) { <-release }))
	rep, err := p.SendWait(context.Background(), producer.Record{Topic: "t", Tag: 7})
	require.ErrorIs(t, err, producer.ErrNotDelivered)
	require.ErrorContains(t, err, `send to "t" (medium): not delivered: expired: delivery timeout: `)
	require.Equal(t, producer.Expired, rep.Outcome)
	require.EqualValues(t, 7, rep.Tag)
	requireDropped(t, p, 1)
}

func TestWithInterceptor_ChangesTheRecordAndNothingOfTheCaller(t *testing.T) {
	told := make(chan producer.Record, 1)
	p := nowhere(t, nil,
		producer.WithInterceptor(nil),
		producer.WithInterceptor(func(r *producer.Record) error {
			r.Headers = append(r.Headers, producer.Header{Key: "source", Value: []byte("test")})
			r.Topic, r.Priority = "other", routing.High
			return nil
		}),
		producer.WithInterceptor(func(r *producer.Record) error {
			r.Value = append([]byte(r.Topic+" "), r.Value...)
			return nil
		}),
		producer.WithDelivery(func(r producer.Report) {
			rec, _ := r.Returned()
			told <- rec
		}))
	headers := make([]producer.Header, 1, 2)
	rec := producer.Record{Topic: "t", Value: []byte("v"), Headers: headers}
	require.NoError(t, p.Send(rec))
	require.Equal(t, producer.Header{}, headers[:2][1])
	require.Equal(t, "t", rec.Topic)
	closeNow(t, p)
	got := <-told
	require.Equal(t, "other", got.Topic)
	require.Equal(t, routing.High, got.Priority)
	require.Equal(t, "other v", string(got.Value))
	require.Equal(t, "source", got.Headers[1].Key)
}

func TestWithInterceptor_ChangesNothingOfTheInterceptorBefore(t *testing.T) {
	shared := make([]producer.Header, 1, 2)
	p := nowhere(t, nil,
		producer.WithInterceptor(func(r *producer.Record) error {
			r.Headers = shared
			return nil
		}),
		producer.WithInterceptor(func(r *producer.Record) error {
			r.Headers = append(r.Headers, producer.Header{Key: "source"})
			return nil
		}))
	require.NoError(t, p.Send(producer.Record{Topic: "t"}))
	require.Equal(t, producer.Header{}, shared[:2][1])
}

func TestWithInterceptor_Refuses(t *testing.T) {
	errPrivate := errors.New("private")
	calls := 0
	p := nowhere(t, nil,
		producer.WithInterceptor(func(r *producer.Record) error {
			switch string(r.Value) {
			case "secret":
				r.Topic = "changed"
				return errPrivate
			case "odd":
				panic("wrong")
			}
			return nil
		}),
		producer.WithInterceptor(func(*producer.Record) error { calls++; return nil }))
	send := func(value string) error {
		return p.Send(producer.Record{Topic: "t", Value: []byte(value)})
	}
	require.NoError(t, send("fine"))
	err := send("secret")
	require.ErrorIs(t, err, errPrivate)
	requireSendError(t, err, producer.ErrIntercepted,
		`send to "t" (medium): refused by an interceptor: private`)
	requireSendError(t, send("odd"), producer.ErrIntercepted,
		`send to "t" (medium): refused by an interceptor: it panicked: wrong`)
	require.Equal(t, 1, calls)
	s := p.Stats()
	require.EqualValues(t, 2, s.Refused[producer.ErrIntercepted])
	require.EqualValues(t, 1, s.InterceptorPanics)
	require.EqualValues(t, 1, s.Total.Accepted)
}
