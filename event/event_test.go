package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/event"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/producertest"
	"github.com/forebay-go/forebay/routing"
)

// play is an event that does in MarshalJSON what its action says.
type play struct {
	Text   string
	action func() ([]byte, error)
}

func (p play) MarshalJSON() ([]byte, error) {
	if p.action == nil {
		return json.Marshal(p.Text)
	}
	return p.action()
}

// text is a codec that appends fn's bytes.
type text func(dst []byte, v string) ([]byte, error)

func (c text) Append(dst []byte, v string) ([]byte, error) { return c(dst, v) }
func (c text) ContentType() string                         { return "text/plain" }

var plain event.Codec[string] = text(func(dst []byte, v string) ([]byte, error) {
	return append(dst, v...), nil
})

// onlySend is a Sender without SendFunc.
type onlySend struct{ producer.Sender }

func newEvent[T any](t testing.TB, s producer.Sender, codec event.Codec[T],
	opts ...event.Option) *event.Event[T] {
	t.Helper()
	e, err := event.New(s, "plays", codec, opts...)
	require.NoError(t, err)
	return e
}

// sent returns the only record.
func sent(t testing.TB, r *producertest.Recorder) producer.Record {
	t.Helper()
	r.RequireCount(t, "", 1)
	return r.Records()[0]
}

func TestNew_ListsAllMistakes(t *testing.T) {
	var r producertest.Recorder
	none := event.Codec[string](nil)
	for name, c := range map[string]struct {
		sender producer.Sender
		topic  string
		codec  event.Codec[string]
		opts   []event.Option
		want   []string
	}{
		"nothing":       {nil, "", none, nil, []string{"event for topic \"\": ", "the sender is nil", "the topic has no name", "the codec is nil: write, for example, event.JSON"}},
		"typed nils":    {(*producer.Producer)(nil), "t", (*failing)(nil), nil, []string{"the sender is nil", "the codec is nil"}},
		"topic":         {&r, "a topic", plain, nil, []string{"the name of the topic has a character other than letters"}},
		"long topic":    {&r, strings.Repeat("t", 250), plain, nil, []string{"more than 249 characters"}},
		"priority":      {&r, "t", plain, []event.Option{event.Priority(9)}, []string{"Priority: priority(9) does not exist: write routing.Low, Medium or High"}},
		"partition":     {&r, "t", plain, []event.Option{event.Partition(-1)}, []string{"Partition: the number is negative: write one from 0 on"}},
		"ttl":           {&r, "t", plain, []event.Option{event.TTL(-time.Second)}, []string{"TTL: the TTL is -1s: give it 1ms to 8760h (365 days)"}},
		"key of nil":    {&r, "t", plain, []event.Option{event.KeyBy[string, string](nil)}, []string{"KeyBy: the function is nil"}},
		"two keys":      {&r, "t", plain, []event.Option{event.KeyString("k"), event.KeyBy(func(v string) string { return v })}, []string{"KeyBy: given together with Key or KeyString"}},
		"key of others": {&r, "t", plain, []event.Option{event.KeyBy(func(int) []byte { return nil })}, []string{"KeyBy: its function takes a int, but the events are of type string"}},
		"id":            {&r, "t", plain, []event.Option{event.ID("1")}, []string{"ID is an option of Send"}},
		"at":            {&r, "t", plain, []event.Option{event.At(time.Now())}, []string{"At is an option of Send"}},
		"subject":       {&r, "t", plain, []event.Option{event.Subject("s")}, []string{"Subject: it is an attribute of CloudEvents: give New the option CloudEvents"}},
		"then":          {onlySend{&r}, "t", plain, []event.Option{event.Then(func(producer.Report) {})}, []string{"Then: it needs a sender with the method SendFunc, such as a *producer.Producer; a event_test.onlySend has none"}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := event.New(c.sender, c.topic, c.codec, c.opts...)
			require.Nil(t, e)
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestNew_TakesOptionsThatSayNothing(t *testing.T) {
	var r producertest.Recorder
	e := newEvent(t, &r, plain, nil, event.SendOption{}, event.Then(nil),
		event.Priority(routing.Unset))
	require.Equal(t, "plays", e.Topic())
	require.NoError(t, e.Send("x", event.SendOption{}, event.Then(nil), event.At(time.Time{})))
	require.Equal(t, producer.Record{Topic: "plays", Value: []byte("x")}, sent(t, &r))
}

// What the options of New point to is copied.
func TestNew_CopiesItsOptions(t *testing.T) {
	var r producertest.Recorder
	memory := []byte("own")
	e := newEvent(t, &r, plain, event.Key(memory), event.Header("h", memory))
	clear(memory)
	require.NoError(t, e.Send("x"))
	require.Equal(t, "own", string(sent(t, &r).Key))
	require.Equal(t, "own", header(sent(t, &r), "h"))
}

func TestSend_DoesWhatItsOptionsSay(t *testing.T) {
	at := time.Now().Add(-time.Hour)
	for name, c := range map[string]struct {
		defaults []event.Option
		opts     []event.SendOption
		want     producer.Record
	}{
		"nothing":             {nil, nil, producer.Record{}},
		"key":                 {nil, []event.SendOption{event.Key([]byte("k"))}, producer.Record{Key: []byte("k")}},
		"key string":          {nil, []event.SendOption{event.KeyString("k")}, producer.Record{Key: []byte("k")}},
		"empty key":           {nil, []event.SendOption{event.KeyString("")}, producer.Record{Key: []byte{}}},
		"the last key":        {nil, []event.SendOption{event.KeyString("a"), event.Key([]byte("b")), event.KeyString("c"), event.Key([]byte("d"))}, producer.Record{Key: []byte("d")}},
		"the last string":     {nil, []event.SendOption{event.Key([]byte("b")), event.KeyString("c")}, producer.Record{Key: []byte("c")}},
		"key by":              {[]event.Option{event.KeyBy(func(v string) string { return v + "!" })}, nil, producer.Record{Key: []byte("v!")}},
		"key by bytes":        {[]event.Option{event.KeyBy(func(v string) []byte { return []byte(v) })}, nil, producer.Record{Key: []byte("v")}},
		"key by empty":        {[]event.Option{event.KeyBy(func(string) []byte { return []byte{} })}, nil, producer.Record{Key: []byte{}}},
		"key by empty string": {[]event.Option{event.KeyBy(func(string) string { return "" })}, nil, producer.Record{Key: []byte{}}},
		"key by nil":          {[]event.Option{event.KeyBy(func(string) []byte { return nil })}, nil, producer.Record{}},
		"key before key by":   {[]event.Option{event.KeyBy(func(string) string { return "by" })}, []event.SendOption{event.KeyString("k")}, producer.Record{Key: []byte("k")}},
		"no key":              {[]event.Option{event.KeyBy(func(string) string { return "by" })}, []event.SendOption{event.Key(nil)}, producer.Record{}},
		"a default key":       {[]event.Option{event.KeyString("k")}, nil, producer.Record{Key: []byte("k")}},
		"headers": {[]event.Option{event.HeaderString("a", "1"), event.Header("b", nil)},
			[]event.SendOption{event.Header("a", []byte("2")), event.HeaderString("", ""), event.HeaderString("content-type", "x")},
			producer.Record{Headers: []producer.Header{{Key: "a", Value: []byte("1")}, {Key: "b"}, {Key: "a", Value: []byte("2")}, {Key: "", Value: []byte{}}, {Key: "content-type", Value: []byte("x")}}}},
		"all others": {[]event.Option{event.Priority(routing.Low), event.Partition(1), event.Tag(1)},
			[]event.SendOption{event.At(at), event.Priority(routing.High), event.Partition(3), event.Tag(math.MaxUint64), event.TTL(time.Second)},
			producer.Record{Timestamp: at, Priority: routing.High, Partition: producer.ToPartition(3), Tag: math.MaxUint64, TTL: time.Second}},
		"defaults": {[]event.Option{event.Priority(routing.Low), event.Partition(1), event.Tag(1), event.TTL(time.Minute)}, nil,
			producer.Record{Priority: routing.Low, Partition: producer.ToPartition(1), Tag: 1, TTL: time.Minute}},
	} {
		t.Run(name, func(t *testing.T) {
			var r producertest.Recorder
			e := newEvent(t, &r, plain, c.defaults...)
			c.want.Topic, c.want.Value = "plays", []byte("v")
			require.NoError(t, e.Send("v", c.opts...))
			require.Equal(t, c.want, sent(t, &r))
			made, err := e.Record("v", c.opts...)
			require.NoError(t, err)
			require.Equal(t, c.want, made)
		})
	}
}

func TestSend_RefusesOptionsThatAreWrong(t *testing.T) {
	var r producertest.Recorder
	e := newEvent(t, onlySend{&r}, plain)
	for want, opt := range map[string]event.SendOption{
		"the partition is negative": event.Partition(-1),
		"ID: it is an attribute of CloudEvents: give New the option CloudEvents":     event.ID("1"),
		"Subject: it is an attribute of CloudEvents":                                 event.Subject("s"),
		"Then: it needs a sender with the method SendFunc, such as a *producer.Prod": event.Then(func(producer.Report) {}),
	} {
		for _, err := range []error{e.Send("v", opt), e.SendTombstone([]byte("k"), opt)} {
			require.ErrorIs(t, err, producer.ErrInvalidRecord)
			require.ErrorContains(t, err, want)
			refused, ok := errors.AsType[*producer.SendError](err)
			require.True(t, ok)
			require.Equal(t, "plays", refused.Topic)
		}
	}
	require.Zero(t, e.Stats())
	r.RequireCount(t, "", 0)
}

// An empty value is not a tombstone.
func TestSend_AnEmptyValueIsNotNull(t *testing.T) {
	var r producertest.Recorder
	e := newEvent(t, &r, plain)
	require.NoError(t, e.Send(""))
	require.Equal(t, []byte{}, sent(t, &r).Value)
}

func TestSend_AsksForTheReport(t *testing.T) {
	var r producertest.Recorder
	var told []uint64
	then := func(rep producer.Report) { told = append(told, rep.Tag) }
	all := newEvent(t, &r, plain, event.Then(then))
	require.NoError(t, all.Send("x", event.Tag(1)))
	require.NoError(t, all.Send("x", event.Tag(2), event.Then(nil)))
	one := newEvent(t, &r, plain)
	require.NoError(t, one.Send("x", event.Tag(3)))
	require.NoError(t, one.Send("x", event.Tag(4), event.Then(then)))
	require.NoError(t, one.SendTombstone([]byte("k"), event.Tag(5), event.Then(then)))
	require.NoError(t, r.Flush(t.Context()))
	require.Equal(t, []uint64{1, 4, 5}, told)
}

func TestSend_ReturnsTheErrorsOfTheSenderAsTheyAre(t *testing.T) {
	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"away": {Brokers: []string{"127.0.0.1:1"}}}})
	require.NoError(t, err)
	e := newEvent(t, p, plain)
	err = e.Send(strings.Repeat("x", 2<<20))
	require.ErrorIs(t, err, producer.ErrRecordTooLarge)
	require.NotErrorIs(t, err, event.ErrEncode)
	require.EqualValues(t, 1, p.Stats().Refused[producer.ErrRecordTooLarge])
	_, _ = p.Close(t.Context())
	require.ErrorIs(t, e.Send("x"), producer.ErrClosed)
	require.Zero(t, e.Stats())
}

func TestSendTombstone(t *testing.T) {
	var r producertest.Recorder
	e := newEvent(t, &r, plain, event.HeaderString("a", "1"), event.KeyBy(func(string) string {
		t.Error("KeyBy has no event here")
		return ""
	}))
	for _, err := range []error{e.SendTombstone(nil), e.SendTombstone([]byte("k"), event.Key(nil))} {
		require.ErrorIs(t, err, producer.ErrInvalidRecord)
		require.ErrorContains(t, err, "a tombstone without a key deletes nothing")
	}
	require.NoError(t, e.SendTombstone([]byte{}))
	require.NoError(t, e.SendTombstone(nil, event.KeyString("k"), event.Priority(routing.High)))
	headers := []producer.Header{{Key: "a", Value: []byte("1")}}
	require.Equal(t, []producer.Record{{Topic: "plays", Key: []byte{}, Headers: headers},
		{Topic: "plays", Key: []byte("k"), Headers: headers, Priority: routing.High}}, r.Records())
}

// failing is a codec whose methods have a pointer receiver.
type failing struct{ err error }

func (f *failing) Append([]byte, string) ([]byte, error) { return nil, f.err }
func (f *failing) ContentType() string                   { return "" }

// fill panics with a nil map.
func fill(m map[int]int) error {
	m[1] = 1
	return nil
}

func TestSend_RefusesWhatCannotBeEncoded(t *testing.T) {
	var r producertest.Recorder
	wrong := errors.New("wrong")
	fixed := []byte("the same memory each time")
	fail := func(c event.Codec[string], opts ...event.Option) func() (event.Stats, error) {
		e := newEvent(t, &r, c, opts...)
		return func() (event.Stats, error) { err := e.Send("v"); return e.Stats(), err }
	}
	marshal := func(action func() ([]byte, error)) func() (event.Stats, error) {
		e := newEvent(t, &r, event.JSON[play]())
		return func() (event.Stats, error) { err := e.Send(play{action: action}); return e.Stats(), err }
	}
	ring := make([]any, 1)
	ring[0] = ring
	rings := newEvent(t, &r, event.JSON[[]any]())
	for name, c := range map[string]struct {
		send   func() (event.Stats, error)
		panics uint64
		want   string
	}{
		"error":           {fail(&failing{wrong}), 0, "event not encoded: wrong"},
		"marshal":         {marshal(func() ([]byte, error) { return nil, wrong }), 0, "for type *event_test.play: wrong"},
		"marshal junk":    {marshal(func() ([]byte, error) { return []byte("{"), nil }), 0, "event not encoded: json: error calling MarshalJSON"},
		"panic":           {marshal(func() ([]byte, error) { panic(wrong) }), 1, "event not encoded: panic: wrong"},
		"panic nil":       {marshal(func() ([]byte, error) { panic(nil) }), 1, "event not encoded: panic: panic called with nil argument"},
		"nil map":         {marshal(func() ([]byte, error) { return nil, fill(nil) }), 1, "panic: assignment to entry in nil map"},
		"key by":          {fail(plain, event.KeyBy(func(v string) string { return v[5:] })), 1, "event not encoded: panic: runtime error: slice bounds"},
		"nil slice":       {fail(&failing{}), 0, "the codec returned a slice that does not begin with the one it got: Append must append to dst"},
		"not appended":    {fail(text(func([]byte, string) ([]byte, error) { return fixed, nil })), 0, "Append must append to dst"},
		"cut":             {fail(text(func(dst []byte, _ string) ([]byte, error) { return dst[:0], nil })), 0, "Append must append to dst"},
		"contains itself": {func() (event.Stats, error) { err := rings.Send(ring); return rings.Stats(), err }, 0, "encountered a cycle"},
		"overwritten":     {fail(text(func(dst []byte, v string) ([]byte, error) { return append(dst[:0], v+"12345678"...), nil })), 0, "Append must append to dst"},
		"zero byte":       {fail(text(func(_ []byte, v string) ([]byte, error) { return append(make([]byte, 5), v...), nil })), 0, "Append must append to dst"},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range 3 {
				stats, err := c.send()
				require.ErrorIs(t, err, event.ErrEncode)
				require.ErrorContains(t, err, `send to "plays" (unset): `)
				require.ErrorContains(t, err, c.want)
				if strings.HasSuffix(c.want, "wrong") {
					require.ErrorIs(t, err, wrong)
				}
				_, ok := errors.AsType[*producer.SendError](err)
				require.True(t, ok)
				p, ok := errors.AsType[*event.PanicError](err)
				require.Equal(t, c.panics > 0, ok)
				if ok {
					require.Contains(t, string(p.Stack), "event_test.go")
				}
				n := uint64(i + 1)
				require.Equal(t, event.Stats{NotEncoded: n, Panics: c.panics * n}, stats)
			}
		})
	}
	r.RequireCount(t, "", 0)
	require.Equal(t, "the same memory each time", string(fixed))
}

func TestSend_CountsAGoexit(t *testing.T) {
	var r producertest.Recorder
	e := newEvent(t, &r, event.JSON[play]())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = e.Send(play{action: func() ([]byte, error) { runtime.Goexit(); return nil, nil }})
	}()
	<-done
	require.Equal(t, event.Stats{NotEncoded: 1, Panics: 1}, e.Stats())
	require.NoError(t, e.Send(play{Text: "next"}))
	require.Equal(t, `"next"`, string(sent(t, &r).Value))
}

// An event that is nil is a mistake, and must not delete anything.
func TestSend_RefusesNil(t *testing.T) {
	var r producertest.Recorder
	check := func(err error, stats event.Stats) {
		t.Helper()
		require.ErrorIs(t, err, event.ErrEncode)
		require.ErrorContains(t, err, "the event is nil: use SendTombstone")
		require.Equal(t, event.Stats{NotEncoded: 1}, stats)
	}
	pointers := newEvent(t, &r, event.JSON[*play]())
	check(pointers.Send(nil), pointers.Stats())
	anything := newEvent(t, &r, event.JSON[any]())
	check(anything.Send(nil), anything.Stats())
	typed := newEvent(t, &r, event.JSON[any]())
	check(typed.Send((*play)(nil)), typed.Stats())
	r.RequireCount(t, "", 0)

	maps := newEvent(t, &r, event.JSON[map[string]int]())
	require.NoError(t, maps.Send(nil), "encoding/json has a value for it")
	require.Equal(t, "null", string(sent(t, &r).Value))
}

// MarshalJSON may send other events of its type.
func TestSend_MayBeCalledByTheCodec(t *testing.T) {
	var r producertest.Recorder
	e := newEvent(t, &r, event.JSON[play](), event.KeyBy(func(p play) string { return p.Text }))
	require.NoError(t, e.Send(play{Text: "outer", action: func() ([]byte, error) {
		require.NoError(t, e.Send(play{Text: "inner"}))
		return []byte(`"outer"`), nil
	}}))
	for i, want := range []string{"inner", "outer"} {
		require.Equal(t, want, string(r.Records()[i].Key))
		require.Equal(t, `"`+want+`"`, string(r.Records()[i].Value))
	}
}

func TestSend_ConcurrentSafe(t *testing.T) {
	var r producertest.Recorder
	e := newEvent(t, &r, event.JSON[[]string](), event.KeyBy(func(v []string) string { return v[0] }),
		event.CloudEvents(event.Attributes{Source: "/test"}))
	const each = 300
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range each {
				// of many sizes, so that a buffer used twice would show
				v := []string{fmt.Sprint(g, "/", n), strings.Repeat(fmt.Sprint(n%10), n*n%5000)}
				require.NoError(t, e.Send(v, event.HeaderString("n", v[0]), event.Subject(v[0])))
			}
		})
	}
	wg.Wait()
	ids := make(map[string]bool)
	for _, rec := range r.Records() {
		var v []string
		require.NoError(t, json.Unmarshal(rec.Value, &v))
		require.Equal(t, v[0], string(rec.Key))
		require.Equal(t, v[0], header(rec, "n"))
		require.Equal(t, v[0], header(rec, "ce_subject"))
		ids[header(rec, "ce_id")] = true
	}
	require.Len(t, ids, 8*each)
}

// header returns the value of a header, and fails if there is not one.
func header(rec producer.Record, key string) string {
	found := "there is no header " + key
	for _, h := range rec.Headers {
		if h.Key == key {
			found = string(h.Value)
		}
	}
	return found
}

// holding is a codec that waits for an ID until it knows it.
type holding struct {
	text
	hold  *producer.Hold
	known []byte
}

func (h *holding) Hold() *producer.Hold {
	if h.known != nil {
		return nil
	}
	return h.hold
}

// A record is held while its codec lacks something, and a tombstone lacks nothing.
func TestSend_HoldsWhatItsCodecHolds(t *testing.T) {
	var sent []producer.Record
	s := sender(func(rec producer.Record) error {
		rec.Value = bytes.Clone(rec.Value)
		sent = append(sent, rec)
		return nil
	})
	h := &holding{hold: producer.NewHold("schema")}
	h.text = func(dst []byte, v string) ([]byte, error) {
		id := h.known
		if id == nil {
			id = make([]byte, 4)
		}
		return append(append(dst, id...), v...), nil
	}
	e := newEvent(t, s, event.Codec[string](h))
	require.NoError(t, e.Send("first"))
	require.NoError(t, e.SendTombstone([]byte("k")))
	rec, err := e.Record("made")
	require.NoError(t, err)
	require.Same(t, h.hold, rec.Hold)
	h.known = []byte{0, 0, 0, 7}
	require.NoError(t, e.Send("second"))
	require.Equal(t, []producer.Record{
		{Topic: "plays", Value: []byte("\x00\x00\x00\x00first"), Hold: h.hold},
		{Topic: "plays", Key: []byte("k")},
		{Topic: "plays", Value: []byte("\x00\x00\x00\x07second")},
	}, sent)
}

type sender func(producer.Record) error

func (s sender) Send(rec producer.Record) error { return s(rec) }

// The memory of Record belongs to the caller: later events do not touch it.
func TestRecord_IsTheCallers(t *testing.T) {
	var r producertest.Recorder
	e := newEvent(t, &r, plain, event.HeaderString("all", "same"), event.KeyString("default"),
		event.CloudEvents(event.Attributes{Source: "/test"}))
	first, err := e.Record("first", event.HeaderString("one", "1"))
	require.NoError(t, err)
	require.NoError(t, r.Send(first))
	for i := range 3 {
		require.NoError(t, e.Send("another", event.KeyString(fmt.Sprint(i))))
	}
	require.NoError(t, r.Send(first))
	records := r.Records()
	require.Equal(t, records[0], records[len(records)-1])
	for _, h := range first.Headers {
		clear(h.Value)
	}
	clear(first.Key)
	second, err := e.Record("second")
	require.NoError(t, err)
	require.Equal(t, "same", header(second, "all"))
	require.Equal(t, "/test", header(second, "ce_source"))
	require.Equal(t, "default", string(second.Key))
	_, err = newEvent(t, &r, &failing{errors.New("wrong")}).Record("x")
	require.ErrorIs(t, err, event.ErrEncode)
}

// fixed is a codec that allocates nothing.
type fixed struct{ value string }

func (f fixed) Append(dst []byte, _ *Started) ([]byte, error) { return append(dst, f.value...), nil }
func (fixed) ContentType() string                             { return "text/plain" }

// discard is a Sender that keeps nothing.
type discard struct{ bytes int }

func (d *discard) Send(rec producer.Record) error {
	d.bytes += len(rec.Value)
	return nil
}

func TestSend_AllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has pools forget some of what they get")
	}
	var d discard
	v, key, at := &Started{User: "u7"}, []byte("u7"), time.Now()
	e := newEvent(t, &d, fixed{strings.Repeat("x", 100)})
	require.Zero(t, testing.AllocsPerRun(1000, func() { _ = e.Send(v) }))
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		_ = e.Send(v, event.Key(key), event.At(at), event.HeaderString("a", "b"),
			event.Priority(routing.High), event.Tag(7))
	}))
	require.Zero(t, testing.AllocsPerRun(1000, func() { _ = e.SendTombstone(key) }))
	e = newEvent(t, &d, fixed{strings.Repeat("x", 100)},
		event.KeyBy(func(s *Started) string { return s.User }),
		event.CloudEvents(event.Attributes{Source: "/test", DataSchema: "https://example.com/1"}))
	require.Zero(t, testing.AllocsPerRun(1000, func() { _ = e.Send(v) }))
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		_ = e.Send(v, event.KeyString("k"), event.Subject("s"))
	}))
	j := newEvent(t, &d, event.JSON[Started]())
	require.Zero(t, testing.AllocsPerRun(1000, func() { _ = j.Send(*v) }))
}

// A giant event's buffer serves other giants, and is not left to small events.
func TestSend_AGiantBufferIsNotKeptForSmallEvents(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has pools forget some of what they get")
	}
	var d discard
	room := 0 // of the buffer that the codec got
	e := newEvent(t, &d, event.Codec[string](text(func(dst []byte, v string) ([]byte, error) {
		room = cap(dst)
		return append(dst, v...), nil
	})))
	giant := strings.Repeat("x", 1<<20)
	most := 0
	for range 10 { // a collection in between would empty the pool
		require.NoError(t, e.Send(giant))
		require.NoError(t, e.Send(giant))
		most = max(most, room)
	}
	require.Greater(t, most, 1<<20)
	for range 30 { // each processor may have giants; a small event that gets one drops it
		require.NoError(t, e.Send("small"))
	}
	require.Less(t, room, 1<<17)
}

// What is sent decodes to what was given, whatever it is.
func TestSend_WhatIsSentDecodesToWhatWasGiven(t *testing.T) {
	type all struct {
		Text   string
		Bytes  []byte
		Number float64
		Big    int64
		Map    map[string]string
		Inner  *Started
		List   []Started
	}
	rapid.Check(t, func(rt *rapid.T) {
		started := rapid.Custom(func(rt *rapid.T) Started {
			return Started{rapid.String().Draw(rt, "user"), rapid.String().Draw(rt, "title")}
		})
		v := all{Text: rapid.String().Draw(rt, "text"),
			Bytes:  rapid.SliceOf(rapid.Byte()).Draw(rt, "bytes"),
			Number: rapid.Float64().Draw(rt, "number"), Big: rapid.Int64().Draw(rt, "big"),
			Map:   rapid.MapOf(rapid.String(), rapid.String()).Draw(rt, "map"),
			Inner: rapid.Ptr(started, true).Draw(rt, "inner"),
			List:  rapid.SliceOf(started).Draw(rt, "list")}
		key := rapid.SliceOf(rapid.Byte()).Draw(rt, "key")
		var r producertest.Recorder
		e, err := event.New(&r, "plays", event.JSON[all]())
		require.NoError(rt, err)
		require.NoError(rt, e.Send(v, event.Key(key), event.HeaderString("h", v.Text)))
		rec := r.Records()[0]
		var back all
		require.NoError(rt, json.Unmarshal(rec.Value, &back))
		require.Equal(rt, v, back)
		require.Equal(rt, key, rec.Key)
		require.Equal(rt, v.Text, string(rec.Headers[0].Value))
		want, err := json.Marshal(v)
		require.NoError(rt, err)
		require.JSONEq(rt, string(want), string(rec.Value))
	})
}
