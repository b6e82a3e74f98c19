package producer

import (
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/forebay-go/forebay/routing"
)

// Trouble is one cause that keeps records waiting although their cluster answers; see Stats. A
// cluster that does not answer is no Trouble: its State and Reason in ClusterStats say why.
type Trouble struct {
	Cause    Cause
	Priority routing.Priority
	Cluster  string
	Topic    string // empty: it concerns all topics of the priority in this cluster

	Reason string // what is wrong, in words; it names partitions and brokers
	Remedy string // what ends it, in words

	Since time.Time // when records began to wait for it
	// how many records of the topic wait, for whatever cause; for CauseUnanswered, how many of the
	// priority; else zero
	Records uint64
}

// String returns the trouble in a line.
func (t Trouble) String() string {
	text := t.where() + ": " + t.Reason
	if t.Remedy != "" {
		text += "; " + t.Remedy
	}
	return text
}

// where says what the trouble is about.
func (t Trouble) where() string {
	if t.Topic == "" {
		return "cluster " + t.Cluster
	}
	return "topic " + t.Topic
}

// words returns what is wrong and what ends it.
func (t Trouble) words() string {
	if t.Remedy == "" {
		return t.Reason
	}
	return t.Reason + "; " + t.Remedy
}

// Cause is the class of a trouble. Values do not change between versions; new ones may be added.
type Cause string

// The causes.
const (
	CauseTopicMissing Cause = "topic_missing" // the topic does not exist
	// it does not exist, and create_topics could not make it
	CauseTopicNotCreated Cause = "topic_not_created"
	CauseTopicForbidden  Cause = "topic_forbidden" // we may not write to it, or not see it
	CauseTopicInvalid    Cause = "topic_invalid"   // Kafka does not take its name
	// the cluster says nothing of the topic, or answers with an error
	CauseTopicUnknown Cause = "topic_unknown"
	// records name a partition that does not exist
	CausePartitionMissing Cause = "partition_missing"
	CauseNoLeader         Cause = "no_leader" // a partition has no leader
	// the leader of a partition does not answer; the state of its cluster says so too
	CauseBrokerAway Cause = "broker_away"
	// fewer copies are in sync than the topic requires
	CauseTooFewReplicas Cause = "too_few_replicas"
	CauseNotConfirmed   Cause = "not_confirmed" // the copies do not confirm in time
	CauseBrokerError    Cause = "broker_error"  // a broker answers with another error
	// a broker does not answer what is sent to it, or hangs up
	CauseNoAnswer Cause = "no_answer"
	// a broker hangs up on what is as large as a batch
	CauseRequestTooLarge Cause = "request_too_large"
	CauseThrottled       Cause = "throttled"      // a broker asks to be left alone: a quota
	CauseNoProducerID    Cause = "no_producer_id" // the cluster gives no producer ID
	// records were written to a cluster that the priority has left, and not answered
	CauseUnanswered Cause = "unanswered"
	// nothing is acknowledged, and nobody says why
	CauseNoProgress Cause = "no_progress"
)

// Causes returns all causes.
func Causes() []Cause {
	return []Cause{
		CauseTopicMissing, CauseTopicNotCreated, CauseTopicForbidden, CauseTopicInvalid, CauseTopicUnknown, CausePartitionMissing,
		CauseNoLeader, CauseBrokerAway, CauseTooFewReplicas, CauseNotConfirmed, CauseBrokerError, CauseNoAnswer, CauseRequestTooLarge,
		CauseThrottled, CauseNoProducerID, CauseUnanswered, CauseNoProgress,
	}
}

// remedies say in words what ends a trouble. What is not here has words of its own, or none.
var remedies = map[Cause]string{
	CauseTopicMissing:   "correct its name, or create the topic: run `forebay topics apply`, or set create_topics.enabled for the cluster",
	CauseTopicForbidden: "grant the user of this program Write and Describe on the topic",
	CauseTopicInvalid:   "correct its name",
	CauseTopicUnknown:   "if it lasts, look at the log of the brokers",
	CauseNoLeader: "bring back a broker that has a copy of the partition, or have another " +
		"leader elected",
	CauseBrokerAway: "bring the broker back, or move its partitions",
	CauseTooFewReplicas: "bring the brokers of the other copies back, or lower " +
		"min.insync.replicas of the topic",
	CauseNotConfirmed: "look at the load, the disks and the network of the brokers that have " +
		"the copies",
	CauseBrokerError: "look at the log of that broker",
	CauseNoAnswer: "look at the load and the log of that broker, and at what is between " +
		"it and this program",
	CauseRequestTooLarge: "lower batching.max_bytes below what the broker takes, or raise that " +
		"(socket.request.max.bytes, or the limit of the" +
		" service)",
	CauseThrottled: "send less, set batching.compression, or raise the quota of the user or " +
		"client ID",
	CauseNoProducerID: "look at the log of the brokers: they cannot write to " +
		"__transaction_state, or have no controller",
	CauseNoProgress: "if higher priorities use all the capacity of the brokers, wait for " +
		"them; else look at the request times of the brokers",
}

// codeCauses are the causes of the errors that a broker can answer with, where that is not
// CauseBrokerError.
var codeCauses = map[error]Cause{
	kerr.UnknownTopicOrPartition: CauseTopicMissing, kerr.UnknownTopicID: CauseTopicMissing, kerr.InconsistentTopicID: CauseTopicMissing,
	kerr.TopicAuthorizationFailed: CauseTopicForbidden,
	kerr.InvalidTopicException:    CauseTopicInvalid,
	kerr.NotEnoughReplicas:        CauseTooFewReplicas, kerr.NotEnoughReplicasAfterAppend: CauseTooFewReplicas,
	kerr.RequestTimedOut:       CauseNotConfirmed,
	kerr.NotLeaderForPartition: CauseNoLeader, kerr.LeaderNotAvailable: CauseNoLeader, kerr.ReplicaNotAvailable: CauseNoLeader,
	kerr.BrokerNotAvailable: CauseNoLeader, kerr.FencedLeaderEpoch: CauseNoLeader, kerr.UnknownLeaderEpoch: CauseNoLeader,
	kerr.PreferredLeaderNotAvailable: CauseNoLeader,
	kerr.ThrottlingQuotaExceeded:     CauseThrottled,
}

// causeOf returns the cause that err stands for, which an attempt has failed with.
func causeOf(err error) Cause {
	code, answered := errors.AsType[*kerr.Error](err)
	if !answered {
		return CauseNoAnswer
	}
	if cause, ok := codeCauses[code]; ok {
		return cause
	}
	return CauseBrokerError
}

// wholeTopic reports whether what one partition says holds for all of them.
func (c Cause) wholeTopic() bool {
	return slices.Contains([]Cause{CauseTopicMissing, CauseTopicForbidden, CauseTopicInvalid}, c)
}

// stated reports whether the cluster states the cause in its metadata, so that it is shown before
// it has lasted.
func (c Cause) stated() bool {
	return c.wholeTopic() || c == CauseTopicNotCreated || c == CausePartitionMissing ||
		c == CauseUnanswered
}

// quiet reports whether other lines and events say it already: those of the cluster's state.
func (c Cause) quiet() bool { return c == CauseBrokerAway || c == CauseUnanswered }

// troubleError is why a record waited in the end.
type troubleError struct {
	Trouble
	err error // what it was seen by; may be nil
}

func (e *troubleError) Error() string { return e.String() }
func (e *troubleError) Unwrap() error { return e.err }
