package measure

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/forebay-go/forebay/bench/drive"
	"github.com/forebay-go/forebay/bench/report"
	"github.com/forebay-go/forebay/bench/rig"
)

var cpuMeasure = Measurement{
	Measure: report.Measure{
		Name:  "cpu",
		Title: "CPU per record, throughput, allocations",
		About: "One broker, six partitions a topic, acks of all, 10 ms linger, 64 MiB of " +
			"buffer. At saturation each client takes records " +
			"as fast as it can for three seconds; at a steady rate it gets 10,000 a second. CPU " +
			"is that of the process, user and system, until the " +
			"last record is acknowledged, and that of the broker over the same time. Failures " +
			"are counted for every client; \"each reported\" also has the application hear " +
			"of each record that was " +
			"delivered, which franz-go, kafka-go, librdkafka's Go client and the Java client " +
			"always do. Allocations are those of the runtime's own heap: not those " +
			"of librdkafka in C. The values are lines of logs, cut to size, 8 MiB of them again and again, so that no batch has one twice; with `-logs`, those called lines are whole lines of real logs, each log after the other; where each is made anew, the application copies it first, as if it had encoded it: into new memory, for most clients keep a value until it is delivered, but for Forebay, which gives it back when `Send` returns, into the same each time. Each client was warmed up before, the Java client four times as long as others, for its compiler. Every log was checked to have as many records as the client says were accepted.",
		Columns: []report.Column{
			{Name: "cpu", Title: "CPU, ns/record", Best: report.Least, Key: true},
			{Name: "net", Title: "beyond the empty loop, ns/record", Best: report.Least, Key: true},
			{Name: "broker", Title: "broker CPU, ns/record", Best: report.Least, Key: true},
			{Name: "rate", Title: "records/s", Best: report.Most, Key: true},
			{Name: "allocs", Title: "allocations/record", Best: report.Least},
			{Name: "allocated", Title: "B allocated/record", Best: report.Least},
			{Name: "stored", Title: "B in the log/record", Best: report.Least},
		},
	},
	Run: runCPU,
}

// cpuCase is what is sent, and how.
type cpuCase struct {
	name, values, compression string
	perSecond, topics         int
	reports, anew             bool
}

func cpuCases() (all []cpuCase) {
	for _, values := range []string{"100B", "1KiB", "lines"} {
		for _, compression := range []string{"none", "lz4", "zstd"} {
			all = append(all, cpuCase{name: fmt.Sprintf("saturation, %s, %s", values, compression),
				values: values, compression: compression, topics: 1})
		}
	}
	return append(all,
		cpuCase{name: "saturation, 100B, none, each made anew", values: "100B", compression: "none",
			topics: 1, anew: true},
		cpuCase{name: "saturation, 1KiB, none, each made anew", values: "1KiB", compression: "none",
			topics: 1, anew: true},
		cpuCase{name: "saturation, 100B, none, each reported", values: "100B", compression: "none",
			topics: 1, reports: true},
		cpuCase{name: "steady 10,000/s, 100B, 1 topic", values: "100B", compression: "none",
			topics: 1, perSecond: 10_000},
		cpuCase{name: "steady 10,000/s, 100B, 50 topics", values: "100B", compression: "none",
			topics: 50, perSecond: 10_000},
		cpuCase{name: "steady 10,000/s, 1KiB, 1 topic", values: "1KiB", compression: "none",
			topics: 1, perSecond: 10_000},
	)
}

func runCPU(t *rig.TB, b *Bench) {
	kafka := rig.StartKafka(t, 1)
	for _, c := range cpuCases() {
		for round := range b.rounds(c.name) {
			empty := 0.0
			if c.perSecond > 0 {
				empty = cpuRound(t, b, kafka, &c, "nothing", round, 0)
			}
			for _, name := range turns(b.clients(everyone...), round) {
				cpuRound(t, b, kafka, &c, name, round, empty)
			}
		}
	}
}

// cpuRound returns the CPU that a record took. That of the empty loop is subtracted once more,
// where there is one.
func cpuRound(t *rig.TB, b *Bench, kafka *rig.Kafka, c *cpuCase, name string, round int,
	empty float64) float64 {
	topics := kafka.Topics(t, c.topics, partitions, false)
	defer kafka.Drop(t, topics)
	l := load(kafka.Seeds(), topics)
	l.Values, l.Logs, l.Compression, l.Reports, l.PerSecond, l.Anew = c.values, b.Logs, c.compression, c.reports, c.perSecond, c.anew
	l.For, l.Finish, l.Warm = short(b, time.Second, 3*time.Second), time.Minute, b.warmUp(name)
	d := rig.StartDriver(t, name, l)
	before, broker := kafka.Logged(t, topics), kafka.CPU(t)
	d.Begin(t)
	r := d.Result(t, l.For+l.Finish)
	d.End()
	broker = kafka.CPU(t) - broker
	after := kafka.Logged(t, topics)
	if r.Error == "" && name != "nothing" {
		if written := after.Records - before.Records; written != r.Accepted-r.Counts.Failed {
			r.Error = fmt.Sprintf("of %d records that were accepted, of which %d failed, %d are "+
				"in the log", r.Accepted, r.Counts.Failed, written)
		}
		if !r.Finished {
			r.Error = "it did not finish in time: " + r.Unfinished
		}
	}
	figures := cpuFigures(r, broker, after.BytesPerEntry)
	if empty > 0 {
		figures["net"] = figures["cpu"] - empty
	}
	b.keep("cpu", c.name, name, round, r, figures)
	return figures["cpu"]
}

func cpuFigures(r *drive.Result, broker time.Duration, stored float64) map[string]float64 {
	n := float64(max(1, r.Accepted))
	figures := map[string]float64{
		"cpu":       float64(r.CPUNanos) / n,
		"allocated": float64(r.AllocBytes) / n,
	}
	if r.Mallocs >= 0 {
		figures["allocs"] = float64(r.Mallocs) / n
	}
	if r.Client != "nothing" {
		figures["broker"] = float64(broker) / n
		figures["rate"] = n / (float64(r.WallNanos) / 1e9)
		figures["stored"] = stored
	}
	return figures
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
