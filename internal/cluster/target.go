package cluster

import (
	"time"
)

// target is a broker or a seed that can be asked.
type target struct {
	addr   string
	state  targetState
	since  time.Time // when it last stopped answering
	next   time.Time // when it is probed again
	probes *prober
	asked  bool // an answer is awaited
	proven bool // it has answered before
	missed int  // answers in a row that did not name it

	left time.Time // when it was last hung up on, for it has sent us away
}

type targetState uint8

const (
	good targetState = iota // answered last time
	// nobody has asked it yet, and a broker has named it: it is used until it fails, if some broker
	// answers
	named
	suspect // a link failed on it, or a seed that nobody has asked yet
	bad     // did not answer
)

func newTarget(addr string) *target {
	return &target{addr: addr, state: suspect, since: time.Now(), probes: newProber()}
}

// seedID numbers the seeds as keys of targets, below all node IDs.
func seedID(i int) int32 { return int32(-1000 - i) }
