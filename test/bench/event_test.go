//go:build linux || darwin

package bench_test

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/apipb"

	"github.com/forebay-go/forebay/event"
	"github.com/forebay-go/forebay/event/avro"
	"github.com/forebay-go/forebay/event/protobuf"
	"github.com/forebay-go/forebay/producer"
)

const (
	eventRounds = 50
	eventBurst  = 20_000
)

// play is what BenchmarkEvent sends as JSON and as Avro; as Protocol Buffers, an apipb.Method has
// as many fields. Each takes about 100 bytes.
type play struct {
	User     string `json:"user" avro:"user"`
	Title    string `json:"title" avro:"title"`
	Device   string `json:"device" avro:"device"`
	Seconds  int64  `json:"seconds" avro:"seconds"`
	Finished bool   `json:"finished" avro:"finished"`
}

const playSchema = `{"type": "record", "name": "Play", "fields": [
	{"name": "user", "type": "string"}, {"name": "title", "type": "string"},
	{"name": "device", "type": "string"}, {"name": "seconds", "type": "long"},
	{"name": "finished", "type": "boolean"}]}`

// bytesCodec appends the same bytes, so what it costs is what Event costs.
type bytesCodec []byte

func (c bytesCodec) Append(dst []byte, _ *play) ([]byte, error) { return append(dst, c...), nil }
func (bytesCodec) ContentType() string                          { return "text/plain" }

// BenchmarkEvent is what an accepted event costs beside a plain Send of a record of 100 bytes, and
// beside its codec alone. They take turns, in bursts as in BenchmarkSend.
func BenchmarkEvent(b *testing.B) {
	var g gate
	seeds := blackhole(b, "events")
	c := newForebay(b, seeds, func(cfg *producer.Config) { cfg.Buffer.MaxBytes = 512 << 20 },
		producer.WithDialer(g.dial))
	cases := eventCases(b, c.Producer)
	figures := make([][3]spread, len(cases)) // of each: ns, bytes, allocations
	for round := range eventRounds + 1 {
		for i := range cases {
			var before, after runtime.MemStats
			runtime.GC() // of what the others left
			g.Lock()
			runtime.ReadMemStats(&before)
			used := eventTime(b, cases[i].call)
			runtime.ReadMemStats(&after)
			g.Unlock()
			c.flush(b)
			if round == 0 { // it finds out where the partitions are
				continue
			}
			f := &figures[i]
			f[0] = append(f[0], used/eventBurst)
			f[1] = append(f[1], float64(after.TotalAlloc-before.TotalAlloc)/eventBurst)
			f[2] = append(f[2], float64(after.Mallocs-before.Mallocs)/eventBurst)
		}
	}
	for i, f := range figures {
		b.Run(cases[i].name, func(b *testing.B) {
			b.ReportAllocs()
			b.ReportMetric(f[0].median(), "ns/op")
			b.ReportMetric(f[1].median(), "B/op")
			b.ReportMetric(f[2].median(), "allocs/op")
			b.Logf("%v ns of processor time of the calling thread", f[0])
		})
	}
}

// eventTime returns the processor time of a burst of calls.
func eventTime(b *testing.B, call func() error) float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := threadTime(b)
	for range eventBurst {
		if err := call(); err != nil {
			b.Fatal(err)
		}
	}
	return threadTime(b) - before
}

type eventCase struct {
	name string
	call func() error
}

// eventCases are what BenchmarkEvent compares.
func eventCases(b *testing.B, p *producer.Producer) []eventCase {
	v := &play{User: strings.Repeat("u", 12), Title: strings.Repeat("t", 10), Device: "tv",
		Seconds: 123456, Finished: true}
	m := &apipb.Method{Name: strings.Repeat("u", 50), RequestTypeUrl: strings.Repeat("t", 20),
		ResponseTypeUrl: strings.Repeat("d", 20), RequestStreaming: true}
	avroCodec, err := avro.New[*play](playSchema)
	require.NoError(b, err)
	attributes := event.CloudEvents(event.Attributes{Source: "/playback"})
	key, record := []byte("user 7"), value(100)
	codec := event.Codec[*play](bytesCodec(record))

	send := func(rec producer.Record) func() error { return func() error { return p.Send(rec) } }
	fn := func(producer.Report) {}
	plain := producer.Record{Topic: "events", Value: record}
	keyed := plain
	keyed.Key = key
	headers, err := newEvent(b, p, codec, attributes).Record(v)
	require.NoError(b, err)
	return []eventCase{
		{"send", send(plain)},
		{"send-key", send(keyed)},
		{"send-headers", send(headers)},
		{"sendfunc", func() error { return p.SendFunc(plain, fn) }},
		{"bytes", sending(newEvent(b, p, codec), v)},
		{"bytes-key", sending(newEvent(b, p, codec), v, event.Key(key))},
		{"bytes-then", sending(newEvent(b, p, codec), v, event.Then(fn))},
		{"bytes-cloudevents", sending(newEvent(b, p, codec, attributes), v)},
		{"json.Marshal", func() error { _, err := json.Marshal(v); return err }},
		{"json-codec", appending(event.JSON[*play](), v)},
		{"json", sending(newEvent(b, p, event.JSON[*play]()), v)},
		{"json-cloudevents", sending(newEvent(b, p, event.JSON[*play](), attributes), v)},
		{"protobuf-codec", appending(protobuf.New[*apipb.Method](), m)},
		{"protobuf", sending(newEvent(b, p, protobuf.New[*apipb.Method]()), m)},
		{"avro-codec", appending(avroCodec, v)},
		{"avro", sending(newEvent(b, p, avroCodec), v)},
	}
}

func newEvent[T any](b *testing.B, p *producer.Producer, codec event.Codec[T],
	opts ...event.Option) *event.Event[T] {
	e, err := event.New(p, "events", codec, opts...)
	require.NoError(b, err)
	return e
}

func sending[T any](e *event.Event[T], v T, opts ...event.SendOption) func() error {
	return func() error { return e.Send(v, opts...) }
}

func appending[T any](c event.Codec[T], v T) func() error {
	buf := make([]byte, 0, 1<<10)
	return func() error { _, err := c.Append(buf, v); return err }
}
