package measure

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/bench/client"
	"github.com/forebay-go/forebay/bench/drive"
	"github.com/forebay-go/forebay/bench/report"
	"github.com/forebay-go/forebay/bench/rig"
)

var accountsMeasure = Measurement{
	Measure: report.Measure{
		Name:  "accounts",
		Title: "What became of the records",
		About: "One broker; all clients run at the same time, each sending 2,000 numbered " +
			"records of 100 B a second to a topic of its own through a kill of 5 s and a pause " +
			"of 5 s, then a minute to finish. What each client said of each record is compared " +
			"with the log, as another client reads it. " +
			"Lost silently are records that the call took and that are not in the log, though " +
			"the client said they were delivered, or said nothing by the end. Lost and told " +
			"are those that it said had failed. " +
			"Duplicated are those that stand in the log again. A client that makes its caller " +
			"wait is sent fewer.",
		Columns: []report.Column{
			{Name: "accepted", Title: "accepted", Best: report.Most},
			{Name: "refused", Title: "refused by the call"},
			{Name: "delivered", Title: "said to be delivered"},
			{Name: "logged", Title: "in the log", Best: report.Most},
			{Name: "told", Title: "lost and told", Best: report.Least},
			{Name: "silent", Title: "lost silently", Best: report.Least},
			{Name: "wrong", Title: "said to have failed, in the log", Best: report.Least},
			{Name: "again", Title: "duplicated", Best: report.Least},
		},
	},
	Run: runAccounts,
}

const accountsCase = "a kill and a pause"

func runAccounts(t *rig.TB, b *Bench) {
	kafka := rig.StartKafka(t, 1)
	for round := range b.rounds(accountsCase) {
		accountsRound(t, b, kafka, round)
	}
}

func accountsRound(t *rig.TB, b *Bench, kafka *rig.Kafka, round int) {
	trouble, well := short(b, 2*time.Second, 5*time.Second), short(b, 2*time.Second, 5*time.Second)
	topics := make(map[string]string) // by client
	all := together(t, b, round, func(client string) *drive.Load {
		l := load(kafka.Seeds(), kafka.Topics(t, 1, partitions, true))
		l.PerSecond, l.For, l.Finish = 2_000, 2*trouble+5*well, time.Minute
		l.Journal = filepath.Join(b.Work, fmt.Sprintf("accounts-%d-%s.journal", round, client))
		topics[client] = l.Topics[0]
		return l
	})
	broker := kafka.Broker(0)
	time.Sleep(well)
	broker.Kill(t)
	time.Sleep(trouble)
	broker.Start(t)
	time.Sleep(well)
	broker.Pause(t)
	time.Sleep(trouble)
	broker.Resume(t)
	for _, m := range all {
		r, entries := m.end(t)
		var figures map[string]float64
		if entries != nil {
			figures = accountsFigures(entries, logOf(t, kafka, topics[m.name], len(entries)))
			figures["refused"] = float64(r.Counts.Refused)
		}
		b.keep("accounts", accountsCase, m.name, round, r, figures)
	}
	kafka.Drop(t, slices.Collect(maps.Values(topics)))
}

// logOf returns how often each numbered record stands in the log.
func logOf(t *rig.TB, kafka *rig.Kafka, topic string, n int) []int {
	found := make([]int, n)
	kafka.ReadEach(t, topic, func(r *kgo.Record) {
		if seq := client.Number(r.Value); seq < uint64(n) {
			found[seq]++
		}
	})
	return found
}

func accountsFigures(entries []drive.Entry, found []int) map[string]float64 {
	f := map[string]float64{"accepted": 0, "delivered": 0, "logged": 0, "told": 0, "silent": 0,
		"wrong": 0, "again": 0}
	for i, e := range entries {
		if e.Sent == 0 {
			continue
		}
		f["accepted"]++
		if e.Done > 0 {
			f["delivered"]++
		}
		switch {
		case found[i] == 0 && e.Done < 0:
			f["told"]++
		case found[i] == 0:
			f["silent"]++
		case e.Done < 0:
			f["wrong"]++
			fallthrough
		default:
			f["logged"]++
			f["again"] += float64(found[i] - 1)
		}
	}
	return f
}
