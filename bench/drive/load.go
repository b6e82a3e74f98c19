// Package drive is the process in which one client runs: it makes the load that it is told, and
// measures itself.
//
// The driver writes one line when it is ready and waits for a line on its standard input before it
// begins, so that whoever started it can measure the broker over the same time, or break it first.
// Its last line is the [Result].
package drive

import (
	"cmp"
	"time"

	"github.com/forebay-go/forebay/bench/client"
)

// Load is what a driver does. The Java driver reads the same JSON.
type Load struct {
	client.Settings

	Topics     []string
	Partitions int32  // of each topic, for the application to choose from
	Values     string // 100B, 1KiB, lines
	Logs       string // a folder of logs, whose lines are sent as lines; empty: made ones are
	// each value is made anew, as by an application that encodes events; otherwise they are there
	// already
	Anew      bool
	Instances int // clients in the process, that share the rate; zero means one

	// PerSecond is the rate at which calls are made. Zero means as fast as the client takes them; a
	// record that is refused is then sent again.
	PerSecond int
	Step      time.Duration // how often the calls are made that are due; zero means a millisecond
	For       time.Duration // of the calls
	AtMost    int           // calls; zero means as many as there is time for

	Warm   int           // records that are sent at WarmPerSecond before the measurement begins
	Fill   bool          // when told to begin, send first until a call is refused, or waits
	Finish time.Duration // how long to wait for outcomes afterwards; zero means not at all

	Timed bool // each call is timed
	// a file for what became of each record, by its number; needs PerSecond or AtMost
	Journal string
	Held    bool // measure what the records that wait take, after the calls
}

// WarmPerSecond is the rate of a warm-up, gentle enough for every client.
const WarmPerSecond = 40_000

// What a warm-up left to do may take at least and at most so long. Clients that count no deliveries
// get the least.
const (
	settleLeast = 500 * time.Millisecond
	settleMost  = 10 * time.Second
)

func (l *Load) step() time.Duration { return cmp.Or(l.Step, time.Millisecond) }

func (l *Load) instances() int { return max(1, l.Instances) }

// bounded reports how many calls there are at most, for a journal.
func (l *Load) bounded() int {
	if l.AtMost > 0 {
		return l.AtMost
	}
	return int(float64(l.PerSecond)*l.For.Seconds()) + l.instances()
}
