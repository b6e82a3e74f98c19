package audit

import (
	"cmp"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/delivery"
)

// watched is what is known of one broker.
type watched struct {
	host  string
	known time.Time // when it was last among the brokers of the cluster
	state BrokerState
	since time.Time
	tally tally
}

// BrokerState is how a broker is.
type BrokerState string

// The states.
const (
	Well      BrokerState = "well"
	Slow      BrokerState = "slow"      // acknowledgements take longer than HeartbeatConfig.Slow
	Dead      BrokerState = "dead"      // it acknowledges nothing
	Unwatched BrokerState = "unwatched" // it leads no partition of the heartbeat topic
	Starting  BrokerState = "starting"  // nothing is known yet
)

// judge gives each broker its state, and logs what changes.
func (h *Heart) judge(now time.Time) {
	for _, c := range h.changes(now) {
		if c.State == Well {
			h.log.Info("broker answers heartbeats in time", zap.Int32("broker", c.Broker),
				zap.String("host", c.Host))
			continue
		}
		h.log.Warn("broker does not answer heartbeats in time", zap.Int32("broker", c.Broker),
			zap.String("host", c.Host), zap.String("state", string(c.State)))
	}
}

// changes gives each broker its state, and returns those that are to be logged.
func (h *Heart) changes(now time.Time) (changed []BrokerReport) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, w := range h.brokers {
		before, state := w.state, h.stateLocked(id, now)
		m := w.tally.minute(now)
		m.State = worse(m.State, state)
		if state == before {
			continue
		}
		w.state, w.since = state, now
		if state != Starting && !(before == Starting && state == Well) {
			changed = append(changed, BrokerReport{Broker: id, Host: w.host, State: state})
		}
	}
	return changed
}

// stateLocked returns how a broker is: as its worst partition.
func (h *Heart) stateLocked(id int32, now time.Time) BrokerState {
	state := Unwatched
	for _, b := range h.partitions {
		if b.leader == id {
			state = worse(state, b.state(&h.cfg, now))
		}
	}
	switch {
	case state != Unwatched:
		return state
	case now.Sub(h.brokers[id].known) > h.cfg.dead():
		return Dead // its partitions have another leader, and the cluster does not know it
	case len(h.partitions) == 0:
		return Starting
	}
	return Unwatched
}

// worse returns the worse of two states.
func worse(a, b BrokerState) BrokerState {
	order := []BrokerState{Unwatched, Starting, Well, Slow, Dead}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// BrokerReport is how a broker is.
type BrokerReport struct {
	Broker     int32
	Host       string
	State      BrokerState
	Since      time.Time         // when it came into that state
	Partitions []HeartbeatReport // that it leads, of the heartbeat topic

	// All heartbeats that this broker was to answer, whichever partitions it leads now.
	Sent, Failed uint64             `json:"-"`
	Acknowledged delivery.Histogram `json:"-"` // from the heartbeat to its acknowledgement
	Read         delivery.Histogram `json:"-"` // from the heartbeat until it was read
	Past         []BrokerMinute     `json:"-"` // the last hour, the oldest minute first
}

// HeartbeatReport is how the heartbeats to a partition are.
type HeartbeatReport struct {
	Partition    int32
	Sent, Failed uint64
	Acknowledged Times  // from the heartbeat to its acknowledgement
	Read         Times  // from the heartbeat until it was read
	LastFailure  string `json:",omitempty"`
}

// Brokers returns how the brokers are, by their number.
func (h *Heart) Brokers() (reports []BrokerReport) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, w := range h.brokers {
		r := BrokerReport{Broker: id, Host: w.host, State: w.state, Since: w.since,
			Sent: w.tally.sent, Failed: w.tally.failed, Acknowledged: w.tally.ack,
			Read: w.tally.read, Past: slices.Clone(w.tally.past)}
		for n, b := range h.partitions {
			if b.leader != id {
				continue
			}
			p := HeartbeatReport{Partition: n, Sent: b.sent, Failed: b.failed,
				Acknowledged: b.ack.of(), Read: b.end.of()}
			if b.why != nil {
				p.LastFailure = b.why.Error()
			}
			r.Partitions = append(r.Partitions, p)
		}
		slices.SortFunc(r.Partitions, func(a, b HeartbeatReport) int {
			return cmp.Compare(a.Partition, b.Partition)
		})
		reports = append(reports, r)
	}
	slices.SortFunc(reports, func(a, b BrokerReport) int { return cmp.Compare(a.Broker, b.Broker) })
	return reports
}
