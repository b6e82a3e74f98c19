package measure

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/forebay-go/forebay/bench/drive"
	"github.com/forebay-go/forebay/bench/report"
	"github.com/forebay-go/forebay/bench/rig"
)

var resumeMeasure = Measurement{
	Measure: report.Measure{
		Name:  "resume",
		Title: "Resume after an outage",
		About: "The only broker is killed, and started again after 1, 10 or 60 seconds. All " +
			"clients run at the same time, so that all meet the same outage, each sending 500 " +
			"records of 100 B a " +
			"second to a topic of its own all the while. Times count from the first record that " +
			"Kafka acknowledges to somebody independent, who tries with a new connection " +
			"every 10 ms: until the first record of the " +
			"client's own, and until the last of those that were accepted before that moment. " +
			"Records that failed, or had no outcome within a minute after the load, are the " +
			"client's losses.",
		Columns: []report.Column{
			{Name: "first", Title: "first delivery, ms", Best: report.Least, Key: true},
			{Name: "backlog", Title: "backlog delivered, ms", Best: report.Least, Key: true},
			{Name: "waiting", Title: "records in the backlog", Best: report.Most},
			{Name: "failed", Title: "failed", Best: report.Least},
			{Name: "open", Title: "no outcome", Best: report.Least},
		},
	},
	Run: runResume,
}

// Around an outage all is well for so long.
const (
	wellBefore = 3 * time.Second
	wellAfter  = 10 * time.Second
)

func runResume(t *rig.TB, b *Bench) {
	lengths := []time.Duration{time.Second, 10 * time.Second, time.Minute}
	for _, length := range short(b, lengths[:1], lengths) {
		for round := range b.rounds(resumeCase(length)) {
			t.Check(rig.Do(t.Context(), func(t *rig.TB) { resumeRound(t, b, length, round) }))
		}
	}
}

func resumeCase(length time.Duration) string { return fmt.Sprintf("after %v", length) }

func resumeRound(t *rig.TB, b *Bench, length time.Duration, round int) {
	kafka := rig.StartKafka(t, 1)
	reference := kafka.NewReference(t, kafka.Topics(t, 1, 1, false)[0])
	all := together(t, b, round, func(client string) *drive.Load {
		l := load(kafka.Seeds(), kafka.Topics(t, 1, partitions, false))
		l.PerSecond, l.Warm, l.Finish = 500, 1000, time.Minute
		l.For = wellBefore + length + wellAfter
		l.Journal = filepath.Join(b.Work, fmt.Sprintf("resume-%v-%d-%s.journal", length, round,
			client))
		return l
	})
	time.Sleep(wellBefore)
	broker := kafka.Broker(0)
	broker.Kill(t)
	time.Sleep(length)
	restarted := time.Now()
	broker.StartAsync(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	back, err := reference.Acknowledged(ctx)
	t.Check(err)
	for _, m := range all {
		r, entries := m.end(t)
		var figures map[string]float64
		if entries != nil {
			figures = resumeFigures(entries, restarted, back)
		}
		b.keep("resume", resumeCase(length), m.name, round, r, figures)
	}
}

// resumeFigures reads what became of records around an outage. The broker that comes back may
// acknowledge a client's record before the reference's: then it took no time.
func resumeFigures(entries []drive.Entry, restarted, back time.Time) map[string]float64 {
	var first, last int64
	figures := map[string]float64{"failed": 0, "open": 0, "waiting": 0}
	whole := true // all of the backlog was delivered
	for _, e := range entries {
		switch {
		case e.Sent == 0:
			continue
		case e.Done < 0:
			figures["failed"]++
		case e.Done == 0:
			figures["open"]++
		case e.Done > restarted.UnixNano() && (first == 0 || e.Done < first):
			first = e.Done
		}
		if waited := e.Sent < back.UnixNano() &&
			(e.Done <= 0 || e.Done > restarted.UnixNano()); waited {
			figures["waiting"]++
			whole = whole && e.Done > 0
			last = max(last, e.Done)
		}
	}
	since := func(nanos int64) float64 { return max(0, float64(nanos-back.UnixNano())/1e6) }
	if first > 0 {
		figures["first"] = since(first)
	}
	if whole && last > 0 {
		figures["backlog"] = since(last)
	}
	return figures
}
