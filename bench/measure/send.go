package measure

import (
	"net"
	"time"

	"github.com/forebay-go/forebay/bench/drive"
	"github.com/forebay-go/forebay/bench/report"
	"github.com/forebay-go/forebay/bench/rig"
)

var sendMeasure = Measurement{
	Measure: report.Measure{
		Name:  "send",
		Title: "The call that sends",
		About: "10,000 calls a second, 50,000 a round, with values of 100 B, each timed by the " +
			"application, in five states: all is well; the client was started and there is no " +
			"broker; " +
			"the broker was paused (SIGSTOP) just before; it was killed just before; it was " +
			"killed and the buffer, of 4 MiB here, is full. kafka-go has no bound of its " +
			"own: what refuses there is the harness. The empty loop makes no call at all: " +
			"what it shows is the machine. " +
			"A call that had not returned two seconds after the end counts with what it had " +
			"taken by then. Calls that were due while one did not return are made at once " +
			"afterwards, or " +
			"never: \"made\" is the share of those due.",
		Columns: []report.Column{
			{Name: "p50", Title: "p50, µs", Best: report.Least},
			{Name: "p99", Title: "p99, µs", Best: report.Least, Key: true},
			{Name: "p99.9", Title: "p99.9, µs", Best: report.Least, Key: true},
			{Name: "p99.99", Title: "p99.99, µs", Best: report.Least},
			{Name: "max", Title: "max, µs", Best: report.Least},
			{Name: "made", Title: "made, %", Best: report.Most},
			{Name: "refused", Title: "refused, %"},
		},
	},
	Run: runSend,
}

// callers are all clients, franz-go by both of its calls, and the empty loop.
var callers = []string{"forebay", "franz-go-try", "franz-go", "sarama", "kafka-go", "confluent",
	"java", "nothing"}

// state is what a client finds.
type state struct {
	name   string
	absent bool              // there is no broker
	full   bool              // the buffer is full
	spoil  func(*rig.Broker) // happens when the client is warm
	repair func(*rig.Broker)
}

func states(t *rig.TB) []state {
	kill, start := func(b *rig.Broker) { b.Kill(t) }, func(b *rig.Broker) { b.Start(t) }
	return []state{
		{name: "healthy"},
		{name: "started with no broker", absent: true},
		{name: "broker paused", spoil: func(b *rig.Broker) { b.Pause(t) },
			repair: func(b *rig.Broker) { b.Resume(t); b.Await(t) }},
		{name: "broker killed", spoil: kill, repair: start},
		{name: "buffer full, broker killed", spoil: kill, repair: start, full: true},
	}
}

func runSend(t *rig.TB, b *Bench) {
	kafka := rig.StartKafka(t, 1)
	for _, s := range states(t) {
		for round := range b.rounds(s.name) {
			for _, name := range turns(b.clients(callers...), round) {
				sendRound(t, b, kafka, &s, name, round)
			}
		}
	}
}

func sendRound(t *rig.TB, b *Bench, kafka *rig.Kafka, s *state, name string, round int) {
	topics := kafka.Topics(t, 1, partitions, false)
	l := load(kafka.Seeds(), topics)
	l.PerSecond, l.For, l.Timed, l.Warm = 10_000, short(b, 2*time.Second,
		5*time.Second), true, b.warmUp(name)
	if s.absent {
		l.Brokers, l.Warm = []string{nobody(t)}, 0
	}
	if l.Fill = s.full; s.full {
		l.BoundBytes = 4 << 20
	}
	d := rig.StartDriver(t, name, l)
	broker := kafka.Broker(0)
	if s.spoil != nil {
		s.spoil(broker)
	}
	d.Begin(t)
	r := d.Result(t, l.For)
	d.End()
	if s.repair != nil {
		s.repair(broker)
	}
	kafka.Drop(t, topics)
	b.keep("send", s.name, name, round, r, sendFigures(r))
}

func sendFigures(r *drive.Result) map[string]float64 {
	micros := func(nanos int64) float64 { return float64(nanos) / 1000 }
	return map[string]float64{
		"p50":     micros(r.Latency.Quantile(0.5)),
		"p99":     micros(r.Latency.Quantile(0.99)),
		"p99.9":   micros(r.Latency.Quantile(0.999)),
		"p99.99":  micros(r.Latency.Quantile(0.9999)),
		"max":     micros(r.Latency.Max),
		"made":    100 * float64(r.Calls) / float64(max(1, r.Due)),
		"refused": 100 * float64(r.Counts.Refused) / float64(max(1, r.Calls)),
	}
}

// nobody returns an address that refuses connections: one that was free a moment ago.
func nobody(t *rig.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	t.Check(err)
	defer l.Close()
	return l.Addr().String()
}
