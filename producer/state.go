package producer

import (
	"fmt"

	"github.com/forebay-go/forebay/internal/cluster"
)

// ClusterState is how a cluster is:
//   - Connecting: no broker has answered yet.
//   - Up: every known broker answers.
//   - Degraded: some brokers answer and others do not.
//   - Down: no broker answers, or none accepts our credentials.
//   - ClusterClosed: the producer does not use the cluster any more.
//
// It begins with Connecting, and changes between Up, Degraded and Down from then on.
type ClusterState uint8

// The states of a cluster.
const (
	// Connecting means that no broker has answered yet.
	Connecting ClusterState = ClusterState(cluster.Connecting)
	// Up means that every known broker answers.
	Up ClusterState = ClusterState(cluster.Up)
	// Degraded means that some brokers answer and others do not.
	Degraded ClusterState = ClusterState(cluster.Degraded)
	// Down means that no broker answers, or that none accepts our credentials.
	Down ClusterState = ClusterState(cluster.Down)
	// ClusterClosed means that the producer does not use the cluster any more.
	ClusterClosed ClusterState = ClusterState(cluster.Closed)
)

// String returns the state in a word: "connecting", "up", "degraded", "down" or "closed", and
// "none" for the zero value.
func (s ClusterState) String() string {
	if s > ClusterClosed {
		return fmt.Sprintf("state(%d)", uint8(s))
	}
	return cluster.State(s).String()
}

// MarshalText writes the word of String, for JSON and logs.
func (s ClusterState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Ready reports whether some broker of the cluster answers: the state is Up or Degraded.
func (s ClusterState) Ready() bool { return cluster.State(s).Ready() }

// NameStats counts DNS look-ups of the names of brokers.
type NameStats struct {
	// Known is how many names have an answer, or a look-up under way.
	Known int
	// Lookups counts the look-ups that have begun.
	Lookups uint64
	// Failures counts the look-ups that failed, or took more than six seconds.
	Failures uint64
	// Stale counts dials that used an older answer, because a look-up failed or was slow.
	Stale uint64
}
