package dispatch

import (
	"fmt"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/partitioner"
)

// placement knows which topics have something to send, and where the cluster has their
// partitions.
type placement struct {
	*core
	handover *handover
	incoming []*buffer.Topic
	reaped   time.Duration // when idle topics were last freed
}

// admit takes up topics that got something to send.
func (pl *placement) admit() {
	pl.incoming = pl.outlet.Incoming(pl.incoming[:0])
	for _, t := range pl.incoming {
		ts := pl.topics[t.Name()]
		if ts == nil {
			ts = pl.newTopicState(t)
			pl.topics[t.Name()] = ts
			pl.cluster.Want(ts.name)
		} else if ts.t != t && ts.t.Freed() {
			ts.rebind(t)
		}
		if !ts.owned {
			ts.owned = true
			pl.handover.routes = nil // it may have gone elsewhere meanwhile
			if pl.view != nil {
				pl.adoptTopic(ts)
			}
		}
		pl.activate(ts)
	}
	clear(pl.incoming)
}

func (pl *placement) newTopicState(t *buffer.Topic) *topicState {
	ts := &topicState{t: t, cfg: t.Config(), name: pl.there.Name(t.Name()),
		batches: uint64(rand.Uint32()),
		turn:    partitioner.Any}
	if len(pl.there.Rename) == 0 {
		return ts // no other topic has that name
	}
	taken := make(map[int]bool)
	for _, other := range pl.topics {
		if other.name == ts.name {
			taken[other.twin] = true
		}
	}
	for taken[ts.twin] {
		ts.twin++
	}
	return ts
}

// adopt takes over a new view of the cluster.
func (pl *placement) adopt(v *cluster.View) {
	pl.view = v
	racks := make(map[string]bool)
	for id, b := range v.Brokers {
		if pl.brokers[id] == nil {
			pl.brokers[id] = newBrokerState(id)
		}
		pl.brokers[id].rack, pl.brokers[id].away = b.Rack, b.Away
		racks[b.Rack] = true
	}
	pl.zones = len(racks)
	for id, b := range pl.brokers {
		if b.usable = v.Usable(id); !b.usable && b.flying == 0 && !b.aside {
			if _, known := v.Brokers[id]; !known {
				delete(pl.brokers, id)
				pl.cluster.common.Forget(id)
			}
		}
	}
	pl.rank()
	for _, ts := range pl.topics {
		pl.adoptTopic(ts)
	}
}

// adoptTopic takes over what the view says about a topic.
func (pl *placement) adoptTopic(ts *topicState) {
	v, ok := pl.view.Topics[ts.name]
	if !ok || len(v.Partitions) == 0 {
		return
	}
	if v.ID != ts.id {
		ts.renumber() // it was made again: the brokers of the new one have not seen our numbers
		ts.id = v.ID
	}
	for len(ts.parts) < len(v.Partitions) {
		ts.add(int32(len(ts.parts)), 0, nil)
	}
	for _, st := range ts.all {
		if int(st.id) < len(v.Partitions) {
			st.lead(pl.brokers[v.Partitions[st.id].Leader])
		} else {
			st.lead(nil) // the topic was made again with fewer
		}
	}
	pl.tellCount(ts, int32(len(v.Partitions)))
	ts.count = int32(len(v.Partitions))
	if ts.owned {
		ts.stale = append(ts.stale, ts.t.Recount(ts.count)...)
	}
	for _, st := range ts.all {
		if st.id >= ts.count {
			pl.evacuate(ts, st)
		}
	}
	if len(ts.stale) > 0 {
		pl.activate(ts)
	}
}

// tellCount reports that the number of partitions of a topic has changed, if that moves keys.
func (pl *placement) tellCount(ts *topicState, count int32) {
	if ts.count == 0 || ts.count == count || !ts.owned || !ts.t.HasKeys() {
		return
	}
	reason := fmt.Sprintf("partitions: %d, before: %d", count, ts.count)
	pl.log.Info("topic has another number of partitions", zap.String("topic", ts.t.Name()),
		zap.Int32("partitions", count), zap.Int32("was", ts.count))
	pl.engine.host.Event(Event{Kind: Repartitioned, Priority: pl.lane.Priority,
		Cluster: pl.cluster.Name(), Topic: ts.t.Name(), Reason: reason})
}

// reap frees the tables of idle topics from time to time.
func (pl *placement) reap() {
	idle := pl.engine.idle
	if pl.pass.now-pl.reaped < idle/10 {
		return
	}
	pl.reaped = pl.pass.now
	if freed := pl.lane.Buffer.Free(pl.pass.now - idle); len(freed) > 0 {
		pl.engine.host.Freed(freed)
	}
	for name, ts := range pl.topics {
		if ts.t.Freed() && ts.quiet() {
			pl.cluster.Forget(ts.name)
			pl.link.Forget(ts.name)
			delete(pl.topics, name)
		}
	}
}
