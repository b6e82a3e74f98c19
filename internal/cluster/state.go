package cluster

import (
	"fmt"
	"time"
)

// State is how a cluster is.
type State uint8

// The states: connecting → up ⇄ degraded → down → up, and in the end closed.
const (
	Connecting State = iota + 1 // nobody has answered yet
	Up                          // every broker that is known answers
	Degraded                    // some broker does not answer
	Down                        // no broker answers, or none lets us in
	Closed
)

// String returns the state in a word, "none" for the zero State.
func (s State) String() string {
	names := [...]string{"none", "connecting", "up", "degraded", "down", "closed"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// MarshalText writes the word of String, for JSON and logs.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Ready reports whether something of the cluster answers.
func (s State) Ready() bool { return s == Up || s == Degraded }

// Status is the state of a cluster.
type Status struct {
	State  State
	Since  time.Time // when it came into that state
	Reason string    // why, in words, when it is not up

	Changes uint64 // how often it came into another state
	// how often a reason was said within a state: it was not reached, or another kind came
	Reasons uint64
	ID      string // of the Kafka cluster, as its brokers tell; empty as long as none has
}
