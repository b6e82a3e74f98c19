package cluster

import (
	"fmt"
	"time"
)

// State is the state of a cluster.
type State uint8

// The states: connecting → up ⇄ degraded → down → up, and closed at the end.
const (
	Connecting State = iota + 1 // nobody has answered yet
	Up                          // every known broker answers
	Degraded                    // some broker does not answer
	Down                        // no broker answers, or all refuse us
	Closed
)

// String returns the name of the state, "none" for the zero State.
func (s State) String() string {
	names := [...]string{"none", "connecting", "up", "degraded", "down", "closed"}
	if int(s) < len(names) {
		return names[s]
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

// MarshalText writes the name of the state, for JSON and logs.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Ready reports whether some broker of the cluster answers.
func (s State) Ready() bool { return s == Up || s == Degraded }

// Status is the state of a cluster.
type Status struct {
	State  State
	Since  time.Time // when it entered the state
	Reason string    // why it is not up

	Changes uint64 // how often the state changed
	// how often a reason was logged without a change: not reached yet, or another kind of reason
	Reasons uint64
	ID      string // of the Kafka cluster, as its brokers report it; empty while none has
}
