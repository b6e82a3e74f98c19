package measure

import (
	"fmt"
	"time"

	"github.com/forebay-go/forebay/bench/drive"
	"github.com/forebay-go/forebay/bench/report"
	"github.com/forebay-go/forebay/bench/rig"
)

var talkMeasure = Measurement{
	Measure: report.Measure{
		Name:  "talk",
		Title: "Records in a request",
		About: "10,000 records of 1 KiB a second, each by itself as far as the machine's timers " +
			"can, to one topic of 12 partitions on one broker, from one instance of a client or " +
			"from twenty that share the rate, in one process. Random is a partition that the " +
			"application " +
			"draws for each record. Sticky is whatever the client does of itself with records " +
			"that have no key: sarama draws at random then, and kafka-go goes round. Then " +
			"50 topics of 12 partitions on three brokers, each partition on all three. " +
			"Requests are counted by a proxy before the brokers that reads " +
			"what passes, the same for all clients; its own CPU is in nobody's figure. The " +
			"broker's CPU is that of all brokers together, in percent of one core, for what " +
			"it takes to get 10,000 records a second delivered: a client that falls behind " +
			"takes longer, and does not look better for it.",
		Columns: []report.Column{
			{Name: "records", Title: "records/request", Best: report.Most, Key: true},
			{Name: "batch", Title: "records/batch", Best: report.Most},
			{Name: "broker", Title: "broker CPU, %", Best: report.Least, Key: true},
			{Name: "cpu", Title: "client CPU, %", Best: report.Least},
			{Name: "delivered", Title: "records/s"},
		},
	},
	Run: runTalk,
}

// talkCase is a row of the talk's table.
type talkCase struct {
	name      string
	brokers   int
	topics    int
	instances int
	random    bool
	linger    time.Duration
}

func talkCases() (all []talkCase) {
	for _, instances := range []int{1, 20} {
		for _, row := range []struct {
			name   string
			random bool
			linger time.Duration
		}{{"random, no linger", true, 0}, {"sticky, no linger", false, 0}, {"sticky, 10 ms", false,
			10 * time.Millisecond}, {"sticky, 100 ms", false, 100 * time.Millisecond}} {
			all = append(all, talkCase{fmt.Sprintf("%s, instances: %d", row.name, instances), 1, 1,
				instances, row.random, row.linger})
		}
	}
	return append(all, talkCase{"50 topics on three brokers, 10 ms, instances: 1", 3, 50, 1, false,
		10 * time.Millisecond})
}

const (
	talkPartitions = 12
	talkPerSecond  = 10_000
)

func runTalk(t *rig.TB, b *Bench) {
	clusters := make(map[int]*rig.Kafka) // by the number of brokers
	for _, c := range talkCases() {
		for round := range b.rounds(c.name) {
			if clusters[c.brokers] == nil {
				for _, old := range clusters {
					for _, broker := range old.Brokers() {
						broker.Kill(t) // it would take CPU from the next
					}
				}
				clusters[c.brokers] = rig.StartKafka(t, c.brokers)
			}
			for _, name := range turns(b.clients(everyone...), round) {
				talkRound(t, b, clusters[c.brokers], &c, name, round)
			}
		}
	}
}

func talkRound(t *rig.TB, b *Bench, kafka *rig.Kafka, c *talkCase, name string, round int) {
	topics := kafka.Topics(t, c.topics, talkPartitions, false)
	defer kafka.Drop(t, topics)
	var figures map[string]float64
	var r *drive.Result
	t.Check(rig.Do(t.Context(), func(t *rig.TB) {
		proxy := rig.StartProxy(t, kafka.Seeds())
		l := load(proxy.Seeds(), topics)
		l.Values, l.PerSecond, l.Instances, l.Explicit, l.Linger, l.Partitions = "1KiB", talkPerSecond, c.instances, c.random, c.linger, talkPartitions
		l.For, l.Finish, l.Warm = short(b, 2*time.Second,
			5*time.Second), time.Minute, b.warmUp(name)
		l.Step = 100 * time.Microsecond // for one record at a time
		d := rig.StartDriver(t, name, l)
		before, broker := proxy.Produced(), kafka.CPU(t)
		d.Begin(t)
		r = d.Result(t, l.For+l.Finish)
		broker = kafka.CPU(t) - broker
		d.End()
		passed := proxy.Since(before)
		if passed.Unread > 0 {
			r.Error = fmt.Sprintf("%d requests could not be read", passed.Unread)
		}
		figures = talkFigures(r, passed, broker)
	}))
	b.keep("talk", c.name, name, round, r, figures)
}

func talkFigures(r *drive.Result, p rig.Produced, broker time.Duration) map[string]float64 {
	if p.Requests == 0 || r.WallNanos == 0 {
		return nil
	}
	percent := func(cpu time.Duration) float64 { return 100 * float64(cpu) / float64(p.Records) * talkPerSecond / 1e9 }
	return map[string]float64{
		"records":   float64(p.Records) / float64(p.Requests),
		"batch":     float64(p.Records) / float64(max(1, p.Batches)),
		"broker":    percent(broker),
		"cpu":       percent(time.Duration(r.CPUNanos)),
		"delivered": float64(p.Records) / (float64(r.WallNanos) / 1e9),
	}
}
