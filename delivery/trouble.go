package delivery

import (
	"time"

	"github.com/forebay-go/forebay/routing"
)

// Trouble is one cause that keeps records waiting although their cluster answers, or whether it
// does or not for CauseSchemaUnknown. A cluster that does not answer is no Trouble: its state and
// reason in producer.ClusterStats say why.
type Trouble struct {
	Cause    Cause
	Priority routing.Priority // of the records that wait
	Cluster  string           // that they wait for
	Topic    string           // empty: it concerns all topics of the priority in this cluster

	Reason string // what is wrong, in words; it names partitions and brokers
	Remedy string // what ends it, in words

	Since time.Time // when records began to wait for it
	// Records is how many records of the topic wait, for whatever cause. For CauseSchemaUnknown it
	// is how many of them are kept back, for CauseUnanswered how many of the priority wait. It is
	// zero for other troubles without a topic.
	Records uint64
}

// String returns the trouble in a line.
func (t Trouble) String() string {
	text := t.Subject() + ": " + t.Reason
	if t.Remedy != "" {
		text += "; " + t.Remedy
	}
	return text
}

// Subject names what the trouble is about: "topic plays" or "cluster events".
func (t Trouble) Subject() string {
	if t.Topic == "" {
		return "cluster " + t.Cluster
	}
	return "topic " + t.Topic
}

// Advice returns what is wrong and what ends it, without the subject.
func (t Trouble) Advice() string {
	if t.Remedy == "" {
		return t.Reason
	}
	return t.Reason + "; " + t.Remedy
}
