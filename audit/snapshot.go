package audit

import (
	"time"

	"github.com/forebay-go/forebay/producer"
)

// Snapshot is what is known of an instance at one moment, for who watches it. Package watch makes
// metrics and a page of it. A program that has a Follower, a Reader or a Heart of its own fills in
// what it has.
type Snapshot struct {
	At       time.Time
	Began    time.Time
	Instance string
	Role     Role
	Ending   bool // it sends nothing more, and waits for what is open

	Report   *Report        // nil if it does not consume
	Unmet    []Need         // see Agent.Unmet
	Brokers  []BrokerReport // see Heart.Brokers
	Loads    []LoadStats
	Topics   []ReadTopic // see Reader.Topics
	Read     uint64      // records that its reader has read
	Numbered uint64      // how many of these had a number: see Reader.Records
}

// Snapshot returns what is known now. It takes as long as Report.
func (a *Agent) Snapshot() Snapshot {
	s := Snapshot{At: time.Now(), Began: a.began, Instance: a.cfg.Instance, Role: a.cfg.Role,
		Ending: a.ending.Load(), Report: a.Report(), Unmet: a.Unmet(),
		Brokers: a.Brokers(), Loads: a.Loads()}
	if a.reader != nil {
		s.Topics = a.reader.Topics()
		s.Read, s.Numbered = a.reader.Records()
	}
	return s
}

// Producer returns the producer of the agent, to look at: the agent closes it.
func (a *Agent) Producer() *producer.Producer { return a.producer }
