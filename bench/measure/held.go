package measure

import (
	"time"

	"github.com/forebay-go/forebay/bench/drive"
	"github.com/forebay-go/forebay/bench/report"
	"github.com/forebay-go/forebay/bench/rig"
)

var heldMeasure = Measurement{
	Measure: report.Measure{
		Name:  "held",
		Title: "Held through an outage",
		About: "The broker is killed, then the application sends records as fast as the client " +
			"takes them, each in new memory, with room for 512 MiB. What the heap and the " +
			"process hold beyond what they held before is divided by the " +
			"records that wait then. Bytes of the heap are those after a collection: " +
			"librdkafka's are in C and show in the process alone. A client that gives " +
			"records up, or makes the application wait, holds few, " +
			"and its figures say little. The collector's share is that of the CPU that the " +
			"process takes while the application allocates 100 MB a second and the records " +
			"wait, and the same before there were any; for Java it is the time of its " +
			"collectors' work.",
		Columns: []report.Column{
			{Name: "records", Title: "records that wait", Best: report.Most},
			{Name: "rss", Title: "B of process/record", Best: report.Least, Key: true},
			{Name: "heap", Title: "B of heap/record", Best: report.Least, Key: true},
			{Name: "objects", Title: "objects/1,000 records", Best: report.Least},
			{Name: "gc", Title: "collector, % of CPU", Best: report.Least, Key: true},
			{Name: "gcIdle", Title: "the same before, %"},
			{Name: "failed", Title: "given up", Best: report.Least},
		},
	},
	Run: runHeld,
}

func runHeld(t *rig.TB, b *Bench) {
	kafka := rig.StartKafka(t, 1)
	for _, values := range []string{"100B", "1KiB"} {
		for _, compression := range short(b, []string{"none"}, []string{"none", "lz4"}) {
			for round := range b.rounds(heldCase(values, compression)) {
				// TryProduce, as Produce would wait at the bound.
				for _, name := range turns(b.clients("forebay", "franz-go-try", "sarama",
					"kafka-go", "confluent", "java"), round) {
					heldRound(t, b, kafka, values, compression, name, round)
				}
			}
		}
	}
}

func heldCase(values, compression string) string { return values + ", " + compression }

func heldRound(t *rig.TB, b *Bench, kafka *rig.Kafka, values, compression, name string, round int) {
	topics := kafka.Topics(t, 1, partitions, false)
	l := load(kafka.Seeds(), topics)
	l.Values, l.Compression, l.Held, l.Warm, l.BoundBytes = values, compression, true, 1000, 512<<20
	l.AtMost, l.For = short(b, 100_000, 200_000_000/drive.SizeOf(values)/2), 15*time.Second
	d := rig.StartDriver(t, name, l)
	kafka.Broker(0).Kill(t)
	d.Begin(t)
	r := d.Result(t, l.For)
	d.End()
	kafka.Broker(0).Start(t)
	kafka.Drop(t, topics)
	b.keep("held", heldCase(values, compression), name, round, r, heldFigures(r))
}

func heldFigures(r *drive.Result) map[string]float64 {
	h := r.Held
	if h == nil {
		return nil
	}
	figures := map[string]float64{"records": float64(h.Records), "failed": float64(r.Counts.Failed),
		"gc": 100 * h.GCShare, "gcIdle": 100 * h.GCShareIdle}
	const few = 10_000 // records, below which other things weigh more
	if h.Records < few {
		return figures
	}
	n := float64(h.Records)
	figures["heap"] = float64(h.HeapBytes) / n
	if h.RSSBytes > 0 { // a collector may have given back more than the records take
		figures["rss"] = float64(h.RSSBytes) / n
	}
	if h.HeapObjects >= 0 {
		figures["objects"] = 1000 * float64(h.HeapObjects) / n
	}
	return figures
}
