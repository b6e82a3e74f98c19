package producer

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// witness is an observer that numbers records in their Tag.
type witness struct {
	next     atomic.Uint64
	sending  func(*Outgoing)
	outcome  func(*Report)
	mu       sync.Mutex
	refused  []error
	outcomes []Report
}

func (w *witness) Sending(out *Outgoing) {
	out.Tag = 1000 + w.next.Add(1)
	out.AddHeader("first", []byte{1})
	out.AddHeader("second", []byte{2})
	if w.sending != nil {
		w.sending(out)
	}
}

func (w *witness) Refused(_ *Outgoing, err error) {
	w.mu.Lock()
	w.refused = append(w.refused, err)
	w.mu.Unlock()
}

func (w *witness) Outcome(r *Report) {
	w.mu.Lock()
	w.outcomes = append(w.outcomes, *r)
	w.mu.Unlock()
	r.Tag -= 1000
	if w.outcome != nil {
		w.outcome(r)
	}
}

func observed(t *testing.T, w *witness, opts ...Option) *Producer {
	cfg := Config{Clusters: map[string]ClusterConfig{"a": {Brokers: []string{"127.0.0.1:1"}}}}
	p, err := New(cfg, append(opts, WithObserver(w))...)
	require.NoError(t, err)
	t.Cleanup(func() { closeNow(p) })
	return p
}

func closeNow(p *Producer) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _ = p.Close(ctx)
	<-p.reports.done
}

func TestObserver_SeesEachRecordAndItsOutcome(t *testing.T) {
	w := &witness{}
	var told []Report
	p := observed(t, w, WithDelivery(func(r Report) { told = append(told, r) }))
	own := []Header{{Key: "own"}}
	require.NoError(t, p.Send(Record{Topic: "t", Headers: own}))
	var one Report
	require.NoError(t, p.SendFunc(Record{Topic: "t"}, func(r Report) { one = r }))
	require.ErrorIs(t, p.Send(Record{Topic: "not legal!"}), ErrInvalidRecord)
	closeNow(p)
	require.Len(t, w.refused, 1)
	require.ErrorIs(t, w.refused[0], ErrInvalidRecord)
	require.Len(t, w.outcomes, 2)
	require.Equal(t, uint64(1001), w.outcomes[0].Tag)
	require.Len(t, told, 2)
	require.Equal(t, uint64(1), told[0].Tag, "the callback gets what the observer has left")
	require.Equal(t, uint64(2), one.Tag)
	require.Equal(t, []Header{{Key: "own"}, {Key: "first", Value: []byte{1}}, {Key: "second",
		Value: []byte{2}}}, told[0].Record.Headers)
	require.Equal(t, []Header{{Key: "own"}}, own, "the caller's memory is as it was")
}

func TestObserver_IsEnoughToHaveOutcomesReported(t *testing.T) {
	w := &witness{}
	p := observed(t, w)
	require.NoError(t, p.Send(Record{Topic: "t", Value: []byte("v")}))
	closeNow(p)
	require.Len(t, w.outcomes, 1)
	require.Equal(t, Shed, w.outcomes[0].Outcome)
	require.Equal(t, ReasonClosed, w.outcomes[0].Reason)
	require.Nil(t, w.outcomes[0].Record, "no callback wants it")
}

func TestObserver_SendWaitReturnsTheTagThatItWasGiven(t *testing.T) {
	w := &witness{}
	p := observed(t, w)
	done := make(chan Report, 1)
	go func() {
		rep, err := p.SendWait(context.Background(), Record{Topic: "t", Tag: 7})
		if !errors.Is(err, ErrNotDelivered) {
			t.Error(err)
		}
		done <- rep
	}()
	require.Eventually(t, func() bool { return p.Stats().Total.Accepted == 1 }, time.Minute,
		time.Millisecond)
	closeNow(p)
	require.Equal(t, uint64(7), (<-done).Tag)
	require.Len(t, w.outcomes, 1)
}

func TestObserver_APanicRefusesTheRecordAndStopsNothing(t *testing.T) {
	w := &witness{}
	w.sending = func(out *Outgoing) {
		if out.Topic == "bad" {
			panic("bad")
		}
	}
	p := observed(t, w)
	require.ErrorIs(t, p.Send(Record{Topic: "bad"}), ErrIntercepted)
	require.NoError(t, p.Send(Record{Topic: "good"}))
	w.outcome = func(*Report) { panic("outcome") }
	closeNow(p)
	require.Equal(t, uint64(1), p.Stats().InterceptorPanics)
	require.Equal(t, uint64(1), p.Stats().ReportPanics)
}

// The goroutine of the callbacks is ended between two calls for one record: its successor gives the
// second callback what the observer has made of the report.
func TestObserver_ItsChangesOutliveACallbackThatExits(t *testing.T) {
	w := &witness{}
	var told []uint64
	p := observed(t, w, WithDelivery(func(r Report) { told = append(told, r.Tag) }))
	require.NoError(t, p.SendFunc(Record{Topic: "t"}, func(Report) { runtime.Goexit() }))
	require.NoError(t, p.Send(Record{Topic: "t"}))
	closeNow(p)
	require.Equal(t, []uint64{1, 2}, told)
	require.Len(t, w.outcomes, 2)
}

// What an observer may add without making the record too large is never refused, and not much less
// than what would be.
func TestObserver_KnowsHowMuchRoomARecordHas(t *testing.T) {
	w := &witness{}
	var room int
	w.sending = func(out *Outgoing) {
		room = out.Room()
		out.AddHeader("", make([]byte, max(0, room-headerFraming)))
	}
	p := observed(t, w)
	limit := p.Config().Batching.MaxRecordBytes
	for _, free := range []int{1000, 500, 200, 150} {
		require.NoError(t, p.Send(Record{Topic: "t", Value: make([]byte, limit-free)}))
		require.InDelta(t, free-150, room, 60)
	}
	require.ErrorIs(t, p.Send(Record{Topic: "t", Value: make([]byte, limit)}), ErrRecordTooLarge)
	require.Zero(t, room)
}

func TestObserver_ItsRecordsShareMemory(t *testing.T) {
	p := observed(t, &witness{sending: func(out *Outgoing) { out.Tag = 0 }})
	rec := Record{Topic: "t", Value: make([]byte, 100), Headers: []Header{{Key: "a"}}}
	// without its pool a record takes three; the race detector has the pool forget one in four
	require.Less(t, testing.AllocsPerRun(5000, func() { _ = p.Send(rec) }), 2.0)
}

func TestOutgoing_HeadersDoNotWriteIntoEachOther(t *testing.T) {
	out := &Outgoing{Record: Record{Headers: []Header{{Key: "own"}}}}
	first := out.MakeHeader("first", 2)
	second := out.MakeHeader("second", 1000)
	third := out.MakeHeader("third", 1)
	copy(first, "ab")
	second[0], third[0] = 's', 't'
	_, _ = append(first, 'x'), append(second, 'x')
	require.Len(t, out.Headers, 4)
	require.Equal(t, "ab", string(out.Headers[1].Value))
	require.Equal(t, byte('s'), out.Headers[2].Value[0])
	require.Len(t, out.Headers[2].Value, 1000)
	require.Equal(t, "t", string(out.Headers[3].Value))
}
