package cluster

import (
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// View is what was known about a cluster at one moment. It is immutable.
type View struct {
	State   State
	Brokers map[int32]Broker
	Topics  map[string]Topic // wanted topics for which an answer came
}

// Broker is one broker of a view.
type Broker struct {
	Addr   string
	Usable bool // it answered last time
	Rack   string
	Away   time.Duration // the round trip time of a small request; 0: not known
}

// Topic is one topic of a view.
type Topic struct {
	ID         [16]byte
	Partitions []Partition
	Err        error // why there are none
	Unmade     error // why it could not be created, if that was tried
	fewer      int   // answers in a row that had fewer partitions
}

// Partition is one partition of a topic.
type Partition struct {
	Leader   int32 // -1: none
	Replicas int   // how many replicas it should have
	InSync   int   // how many of them are in sync
	epoch    int32 // of the leader
	older    int   // answers in a row that had a leader of an older epoch
}

// Usable reports whether node is a broker that answered last time.
func (v *View) Usable(node int32) bool { return v.Brokers[node].Usable }

// merge returns v updated by the answer of a broker. Topics that nobody wants are forgotten.
func (v *View) merge(resp *kmsg.MetadataResponse, wanted map[string]int) *View {
	next := &View{State: v.State, Brokers: brokersOf(resp),
		Topics: make(map[string]Topic, len(wanted))}
	for name := range wanted {
		if t, ok := v.Topics[name]; ok {
			next.Topics[name] = t
		}
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
		if b.NodeID < 0 {
			continue // negative IDs are those of seeds
		}
		broker := Broker{Addr: addrOf(b.Host, b.Port)}
		if b.Rack != nil {
			broker.Rack = *b.Rack
		}
		brokers[b.NodeID] = broker
	}
	return brokers
}

// addrOf returns host and port of a broker as one address.
func addrOf(host string, port int32) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// convincing is how many answers in a row must contradict the view before it changes. Brokers are
// asked in turn, so one that lags behind the others does not get that far.
const convincing = 5

// merge returns t updated by an answer. A broker that has just come back may answer with outdated
// metadata. So, within the same topic, a leader of an older epoch does not replace a newer one and
// partitions do not go, unless convincing answers in a row say so.
func (t Topic) merge(answer *kmsg.MetadataResponseTopic) Topic {
	if err := kerr.ErrorForCode(answer.ErrorCode); err != nil && len(answer.Partitions) == 0 {
		return Topic{ID: t.ID, Partitions: t.Partitions, Err: err}
	}
	// A broker may list partitions in any order, but they are numbered from 0 without a gap.
	next := Topic{ID: answer.TopicID, Partitions: make([]Partition, len(answer.Partitions))}
	for i := range next.Partitions {
		next.Partitions[i] = Partition{Leader: -1, epoch: -1}
	}
	same := next.ID == t.ID
	for _, p := range answer.Partitions {
		if p.Partition < 0 || int(p.Partition) >= len(next.Partitions) {
			continue
		}
		found := Partition{Leader: p.Leader, Replicas: len(p.Replicas), InSync: len(p.ISR),
			epoch: p.LeaderEpoch}
		if same && int(p.Partition) < len(t.Partitions) {
			found = t.Partitions[p.Partition].merge(found)
		}
		next.Partitions[p.Partition] = found
	}
	if missing := len(t.Partitions) - len(next.Partitions); same && missing > 0 {
		if next.fewer = t.fewer + 1; next.fewer < convincing {
			next.Partitions = append(next.Partitions, t.Partitions[len(next.Partitions):]...)
		}
	}
	return next
}

// merge returns p updated by an answer.
func (p Partition) merge(found Partition) Partition {
	if found.epoch >= 0 && found.epoch < p.epoch && p.older+1 < convincing {
		p.older++
		return p
	}
	return found
}

// settled reports whether the topic has no error and each partition a working leader. If a leader
// is away, the brokers still name it for a second or two, and then elect another.
func (t Topic) settled(works func(node int32) bool) bool {
	if t.Err != nil {
		return false
	}
	for _, p := range t.Partitions {
		if !works(p.Leader) {
			return false
		}
	}
	return true
}

// doubtful reports whether the last answer contradicted the view and was not believed yet.
func (t Topic) doubtful() bool {
	return t.fewer > 0 && t.fewer < convincing ||
		slices.ContainsFunc(t.Partitions, func(p Partition) bool { return p.older > 0 })
}
