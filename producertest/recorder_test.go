package producertest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/producertest"
	"github.com/forebay-go/forebay/routing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// failure is a test that notes how it failed.
type failure struct{ text string }

func (f *failure) Helper()                           {}
func (f *failure) Fatalf(format string, args ...any) { f.text = fmt.Sprintf(format, args...) }

func send(t *testing.T, r *producertest.Recorder, topic, value string) {
	t.Helper()
	require.NoError(t, r.Send(producer.Record{Topic: topic, Value: []byte(value)}))
}

func TestRecorder_CopiesWhatItGets(t *testing.T) {
	var r producertest.Recorder
	rec := producer.Record{Topic: "orders", Key: []byte("key"), Value: []byte("value"), Tag: 7,
		Headers: []producer.Header{{Key: "source", Value: []byte("test")}}, Priority: routing.High}
	require.NoError(t, r.Send(rec))
	want := rec
	want.Key, want.Value = []byte("key"), []byte("value")
	want.Headers = []producer.Header{{Key: "source", Value: []byte("test")}}
	rec.Key[0], rec.Value[0], rec.Headers[0].Value[0] = 'x', 'x', 'x'
	r.Records()[0].Value[0] = 'y'
	require.Equal(t, []producer.Record{want}, r.Records())
	require.Equal(t, []producer.Record{want}, r.Records("orders"))
	require.Empty(t, r.Records("others"))
	r.Reset()
	require.Empty(t, r.Records())
}

func TestRecorder_FollowsItsScripts(t *testing.T) {
	var r producertest.Recorder
	var reports []producer.Report
	r.Delivery = func(rep producer.Report) { reports = append(reports, rep) }
	r.Script("", producertest.Expire())
	r.Script("orders", producertest.Deliver(), producertest.Refuse(producer.ErrBufferFull),
		producertest.Lose(producer.Shed, producer.ReasonPreemptedByHigh))
	send(t, &r, "orders", "1")
	err := r.Send(producer.Record{Topic: "orders", Value: []byte("2")})
	require.ErrorIs(t, err, producer.ErrBufferFull)
	_, ok := errors.AsType[*producer.SendError](err)
	require.True(t, ok)
	send(t, &r, "orders", "3")
	send(t, &r, "orders", "4") // the last step is repeated
	send(t, &r, "plays", "5")
	r.Script("orders", producertest.Deliver())
	send(t, &r, "orders", "6")
	require.NoError(t, r.Flush(context.Background()))
	text := func(r producer.Report) string {
		rec, _ := r.Returned()
		return fmt.Sprintf("%s %v %v %d %q", r.Topic, r.Outcome, r.Reason, r.Offset, rec.Value)
	}
	var told []string
	for _, rep := range reports {
		told = append(told, text(rep))
	}
	require.Equal(t, []string{
		text(producer.Report{Topic: "orders", Outcome: producer.Delivered}),
		text(producer.Report{Topic: "orders", Outcome: producer.Shed, Offset: -1,
			Reason: producer.ReasonPreemptedByHigh}),
		text(producer.Report{Topic: "orders", Outcome: producer.Shed, Offset: -1,
			Reason: producer.ReasonPreemptedByHigh}),
		text(producer.Report{Topic: "plays", Outcome: producer.Expired, Offset: -1,
			Reason: producer.ReasonDeliveryTimeout, Record: &producer.Record{Value: []byte("5")}}),
		text(producer.Report{Topic: "orders", Outcome: producer.Delivered, Offset: 1}),
	}, told)
	require.Len(t, r.Refused("orders"), 1)
	s, err := r.Close(context.Background())
	require.NoError(t, err)
	require.Equal(t, "5 accepted, 2 delivered, 1 lost (delivery timeout), 2 lost (preempted by high)",
		s.String())
	require.ErrorIs(t, r.Send(producer.Record{Topic: "orders"}), producer.ErrClosed)
}

func TestRecorder_RefusesWhatKafkaWouldNotTake(t *testing.T) {
	var r producertest.Recorder
	require.ErrorIs(t, r.Send(producer.Record{}), producer.ErrInvalidRecord)
	require.ErrorIs(t, r.Send(producer.Record{Topic: "t", Partition: producer.ToPartition(-1)}),
		producer.ErrInvalidRecord)
	require.Len(t, r.Refused(), 2)
}

func TestRecorder_HoldsAndReleases(t *testing.T) {
	var r producertest.Recorder
	r.Script("", producertest.Hold())
	told := 0
	require.NoError(t, r.SendFunc(producer.Record{Topic: "t"},
		func(producer.Report) { told++ }))
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	err := r.Flush(ended)
	require.EqualError(t, err, "flush: context canceled (records that a script holds: 1)")
	_, err = r.SendWait(ended, producer.Record{Topic: "t"})
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, told)
	flushed := make(chan error)
	go func() { flushed <- r.Flush(context.Background()) }()
	r.Release(producertest.Deliver())
	require.NoError(t, <-flushed)
	require.Equal(t, 1, told)

	send(t, &r, "t", "left")
	s, err := r.Close(ended)
	require.ErrorIs(t, err, producer.ErrLeft)
	require.EqualValues(t, 1, s.Left)
	require.EqualValues(t, 1, s.Lost[producer.ReasonClosed])
	again, err := r.Close(ended)
	require.NoError(t, err)
	require.Equal(t, s, again)
}

func TestRecorder_RejectsStepsThatMakeNoSense(t *testing.T) {
	var r producertest.Recorder
	for _, step := range []producertest.Step{producertest.Hold(),
		producertest.Refuse(producer.ErrBufferFull)} {
		require.Panics(t, func() { r.Release(step) })
	}
	require.Panics(t, func() { producertest.Refuse(nil) })
	require.Panics(t, func() { producertest.Lose(producer.Delivered, producer.ReasonClosed) })
}

func TestRecorder_AnInvalidRecordUsesNoStep(t *testing.T) {
	var r producertest.Recorder
	r.Script("", producertest.Refuse(producer.ErrBufferFull), producertest.Deliver())
	require.ErrorIs(t, r.Send(producer.Record{}), producer.ErrInvalidRecord)
	require.ErrorIs(t, r.Send(producer.Record{Topic: "t"}), producer.ErrBufferFull)
	var f failure
	r.RequireCount(&f, "t", 1)
	require.Equal(t, "0 records were sent to topic \"t\", want 1\nnothing was sent\n"+
		"what was refused: 2 (see Refused)", f.text)
}

// A callback may do what it may do with a producer, and fail a test.
func TestRecorder_CallbacksMayCallIt(t *testing.T) {
	var r producertest.Recorder
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	calls := 0
	for range 2 {
		require.NoError(t, r.SendFunc(producer.Record{Topic: "t"}, func(producer.Report) {
			calls++
			if _, err := r.SendWait(ctx, producer.Record{Topic: "t"}); err != nil {
				t.Error(err)
			}
			if err := r.Flush(ctx); err != nil {
				t.Error(err)
			}
			if _, err := r.Close(ctx); !errors.Is(err, producer.ErrInCallback) {
				t.Error(err)
			}
			runtime.Goexit() // as t.FailNow does
		}))
	}
	require.NoError(t, r.Flush(ctx))
	require.Equal(t, 2, calls)
	r.RequireCount(t, "t", 4)
}

func TestRecorder_FlushSaysThatACallbackHangs(t *testing.T) {
	var r producertest.Recorder
	release := make(chan struct{})
	defer func() { require.NoError(t, r.Flush(context.Background())) }()
	defer close(release)
	require.NoError(t, r.SendFunc(producer.Record{Topic: "t"},
		func(producer.Report) { <-release }))
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	require.EqualError(t, r.Flush(ended), "flush: context canceled (a callback has not returned)")
	_, err := r.SendWait(ended, producer.Record{Topic: "t"})
	require.NoError(t, err, "no callback delays it, and the outcome is there")
}

func TestRecorder_SendWaitSaysWhatBecameOfTheRecord(t *testing.T) {
	var r producertest.Recorder
	rep, err := r.SendWait(context.Background(), producer.Record{Topic: "t",
		Partition: producer.ToPartition(3)})
	require.NoError(t, err)
	require.EqualValues(t, 3, rep.Partition)
	r.Script("t", producertest.Expire())
	_, err = r.SendWait(context.Background(), producer.Record{Topic: "t"})
	require.ErrorIs(t, err, producer.ErrNotDelivered)
}

func TestRecorder_ManyMaySendAtOnce(t *testing.T) {
	r, told := producertest.Recorder{}, 0
	r.Delivery = func(producer.Report) { told++ }
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				_ = r.Send(producer.Record{Topic: "t"})
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := r.Close(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 8000, s.Delivered)
	require.Equal(t, 8000, told)
}

func TestRecorder_ItsAssertionsShowWhatWasSent(t *testing.T) {
	var r producertest.Recorder
	var f failure
	r.RequireSent(&f, producertest.Want{})
	require.Equal(t, "no record was sent with any content\nnothing was sent", f.text)
	require.NoError(t, r.Send(producer.Record{Topic: "orders", Key: []byte("a"),
		Value: []byte("order 17"), Priority: routing.High, TTL: time.Second,
		Headers: []producer.Header{{Key: "source", Value: []byte("test")}}}))
	send(t, &r, "orders", strings.Repeat("x", 300))
	r.RequireSent(&f, producertest.Want{Topic: "orders", Value: []byte("order 18"),
		Match: func(producer.Record) bool { return true }})
	require.Equal(t, `no record was sent with topic "orders", value "order 18" that Match accepts
what was sent:
  1: topic "orders", key "a", value "order 17", header "source": "test", TTL 1s, priority high
  2: topic "orders", value "`+strings.Repeat("x", 200)+`"… (300 bytes)`, f.text)
	f.text = ""
	rec := r.RequireSent(&f, producertest.Want{Topic: "orders", Key: []byte("a"),
		Headers:  []producer.Header{{Key: "source", Value: []byte("test")}},
		Priority: routing.High, TTL: time.Second,
		Match: func(r producer.Record) bool { return len(r.Value) == 8 }})
	require.Equal(t, "order 17", string(rec.Value))
	r.RequireCount(&f, "orders", 2)
	r.RequireCount(&f, "", 2)
	require.Empty(t, f.text)
	r.RequireCount(&f, "plays", 1)
	require.True(t, strings.HasPrefix(f.text, "0 records were sent to topic \"plays\", want 1\n"))
	f.text = ""
	r.RequireSent(&f, producertest.Want{Headers: []producer.Header{{Key: "source"}}})
	require.NotEmpty(t, f.text)
	f.text = ""
	r.RequireSent(&f, producertest.Want{Key: []byte("a"), TTL: time.Minute})
	require.NotEmpty(t, f.text, "another TTL")
}
