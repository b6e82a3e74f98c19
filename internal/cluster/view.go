package cluster

import (
	"maps"
	"net"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// View is what was known of a cluster at one moment. It is immutable.
type View struct {
	State   State
	Brokers map[int32]Broker
	Topics  map[string]Topic // those that were wanted and asked for

	layout uint64 // changes when a broker comes, goes or changes its address
}

// Broker is one broker of a view.
type Broker struct {
	Addr   string
	Usable bool // it answered last time
}

// Topic is one topic of a view.
type Topic struct {
	ID         [16]byte
	Partitions []Partition
	Err        error // why there are none
}

// Partition is one partition of a topic.
type Partition struct {
	Leader int32 // -1: none
	epoch  int32 // of the leader
}

// Usable reports whether node is a broker that answered last time.
func (v *View) Usable(node int32) bool { return v.Brokers[node].Usable }

// merge returns the view that follows from v by the answer of a broker. Topics that nobody wants are forgotten.
func (v *View) merge(resp *kmsg.MetadataResponse, wanted map[string]int) *View {
	next := &View{State: v.State, Brokers: brokersOf(resp), Topics: make(map[string]Topic, len(wanted)), layout: v.layout}
	for name := range wanted {
		if t, ok := v.Topics[name]; ok {
			next.Topics[name] = t
		}
	}
	if !sameLayout(v.Brokers, next.Brokers) {
		next.layout++
	}
	for i := range resp.Topics {
		if t := &resp.Topics[i]; t.Topic != nil && wanted[*t.Topic] > 0 {
			next.Topics[*t.Topic] = v.Topics[*t.Topic].merge(t)
		}
	}
	return next
}

func brokersOf(resp *kmsg.MetadataResponse) map[int32]Broker {
	brokers := make(map[int32]Broker, len(resp.Brokers))
	for _, b := range resp.Brokers {
		brokers[b.NodeID] = Broker{Addr: net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))}
	}
	return brokers
}

func sameLayout(a, b map[int32]Broker) bool {
	return maps.EqualFunc(a, b, func(x, y Broker) bool { return x.Addr == y.Addr })
}

// merge returns the topic that follows from t by an answer. A broker that has just come back may answer with what it knew
// before it went: a leader of an older epoch does not replace a newer one, as long as it is the same topic.
func (t Topic) merge(answer *kmsg.MetadataResponseTopic) Topic {
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil && len(answer.Partitions) == 0 {
		return Topic{ID: t.ID, Partitions: t.Partitions, Err: err}
	}
	// A broker sends as many partitions as it likes, in any order, but they are numbered from 0 without a gap.
	next := Topic{ID: answer.TopicID, Partitions: make([]Partition, len(answer.Partitions))}
	for i := range next.Partitions {
		next.Partitions[i] = Partition{Leader: -1, epoch: -1}
	}
	for _, p := range answer.Partitions {
		if p.Partition < 0 || int(p.Partition) >= len(next.Partitions) {
			continue
		}
		found := Partition{Leader: p.Leader, epoch: p.LeaderEpoch}
		if next.ID == t.ID && int(p.Partition) < len(t.Partitions) {
			if known := t.Partitions[p.Partition]; found.epoch >= 0 && found.epoch < known.epoch {
				found = known
			}
		}
		next.Partitions[p.Partition] = found
	}
	if next.ID == t.ID && len(next.Partitions) < len(t.Partitions) {
		next.Partitions = append(next.Partitions, t.Partitions[len(next.Partitions):]...) // topics never shrink
	}
	return next
}

// settled reports whether every wanted topic has partitions and each of them a leader that works. Another leader is on its
// way for one that does not: the brokers need a second or two to see that it is away, and name it until then.
func (v *View) settled(wanted map[string]int, works func(node int32) bool) bool {
	for name := range wanted {
		t, ok := v.Topics[name]
		if !ok || t.Err != nil {
			return false
		}
		for _, p := range t.Partitions {
			if !works(p.Leader) {
				return false
			}
		}
	}
	return true
}
