// Package measure holds the measurements. Each is a function that takes what it needs of [Bench]
// and leaves samples.
package measure

import (
	"fmt"
	"iter"
	"log"
	"regexp"
	"slices"
	"time"

	"github.com/forebay-go/forebay/bench/client"
	"github.com/forebay-go/forebay/bench/drive"
	"github.com/forebay-go/forebay/bench/report"
	"github.com/forebay-go/forebay/bench/rig"
)

// What is the same for all clients, where a measurement is not about it.
const (
	linger     = 10 * time.Millisecond
	partitions = 6
	bound      = 64 << 20 // bytes
)

// Bench is a run.
type Bench struct {
	First   int // round; those before were measured by an earlier run
	Rounds  int
	Quick   bool
	Only    []string       // clients; none: all
	Cases   *regexp.Regexp // matches those that are wanted; nil: all
	Work    string         // folder for journals
	Logs    string         // folder of real logs; empty: lines are made
	Samples func(*report.Sample)
}

// rounds counts the rounds of this run for a case: none, if that is not wanted.
func (b *Bench) rounds(name string) iter.Seq[int] {
	return func(yield func(int) bool) {
		if b.Cases != nil && !b.Cases.MatchString(name) {
			return
		}
		for i := range b.Rounds {
			if !yield(b.First + i) {
				return
			}
		}
	}
}

// Measurement is one that can be chosen.
type Measurement struct {
	report.Measure
	Run func(t *rig.TB, b *Bench)
}

// All are the measurements, in the order in which they are shown.
func All() []Measurement {
	return []Measurement{cpuMeasure, sendMeasure, resumeMeasure, heldMeasure, talkMeasure,
		accountsMeasure}
}

// clients returns those of names that are wanted.
func (b *Bench) clients(names ...string) []string {
	names = slices.Clone(names)
	if len(b.Only) == 0 {
		return names
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return name != "nothing" && !slices.Contains(b.Only, name)
	})
}

// everyone are all clients, franz-go by the call that waits for room.
var everyone = []string{"forebay", "franz-go", "sarama", "kafka-go", "confluent", "java"}

// short returns the one for a quick run, or the other.
func short[T any](b *Bench, quick, full T) T {
	if b.Quick {
		return quick
	}
	return full
}

// turns returns names in another order in each round, so that none always comes after the same:
// what a client leaves behind, such as pages to be written, is the next one's trouble. The order is
// a Williams design: in as many rounds as there are names, if that is even, each comes after each
// other one once.
func turns(names []string, round int) []string {
	order := make([]string, len(names))
	for i := range order {
		step := (i + 1) / 2
		if i%2 == 0 {
			step = len(names) - step
		}
		order[i] = names[(round+step)%len(names)]
	}
	return order
}

// warmUp returns how many records have everybody's pools filled, and the Java client compiled.
func (b *Bench) warmUp(client string) int {
	n := short(b, 10_000, 40_000)
	if client == "java" {
		n *= 4
	}
	return n
}

// load returns the load that measurements begin from.
func load(brokers, topics []string) *drive.Load {
	return &drive.Load{
		Settings: client.Settings{Brokers: brokers, Linger: linger, Compression: "none",
			BoundBytes: bound},
		Topics: topics, Partitions: partitions, Values: "100B",
	}
}

// keep keeps what a client did. Without figures there is a reason.
func (b *Bench) keep(measure, name, client string, round int, r *drive.Result,
	figures map[string]float64) {
	s := &report.Sample{Case: name, Client: client, Round: round, Figures: figures}
	if r != nil {
		if round == 0 {
			s.Told = r.Told // it is the same in each
		}
		switch {
		case r.Error != "":
			s.Note, s.Figures = r.Error, nil
		case r.Counts.Failed > 0:
			s.Note = "records failed; the first: " + r.Failed
		}
	}
	log.Printf("%s, %s, round %d: %s %s %s", measure, name, round, client, shown(s.Figures), s.Note)
	b.Samples(s)
}

func shown(figures map[string]float64) (text string) {
	for _, name := range sortedKeys(figures) {
		text += fmt.Sprintf(" %s=%.4g", name, figures[name])
	}
	return text
}
