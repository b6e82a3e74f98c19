package producer

import (
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/forebay-go/forebay/delivery"
)

// Trouble is one cause that keeps records waiting although their cluster answers; see Stats.
type Trouble = delivery.Trouble

// Cause is the class of a trouble, a word such as "topic_missing". The constants CauseTopicMissing
// to CauseNoProgress are its values; "go doc -all delivery" explains each. New ones may be added.
type Cause = delivery.Cause

// The causes; package delivery explains them.
const (
	CauseTopicMissing     Cause = delivery.CauseTopicMissing
	CauseTopicNotCreated  Cause = delivery.CauseTopicNotCreated
	CauseTopicForbidden   Cause = delivery.CauseTopicForbidden
	CauseTopicInvalid     Cause = delivery.CauseTopicInvalid
	CauseTopicUnknown     Cause = delivery.CauseTopicUnknown
	CausePartitionMissing Cause = delivery.CausePartitionMissing
	CauseNoLeader         Cause = delivery.CauseNoLeader
	CauseBrokerAway       Cause = delivery.CauseBrokerAway
	CauseTooFewReplicas   Cause = delivery.CauseTooFewReplicas
	CauseNotConfirmed     Cause = delivery.CauseNotConfirmed
	CauseBrokerError      Cause = delivery.CauseBrokerError
	CauseNoAnswer         Cause = delivery.CauseNoAnswer
	CauseRequestTooLarge  Cause = delivery.CauseRequestTooLarge
	CauseThrottled        Cause = delivery.CauseThrottled
	CauseNoProducerID     Cause = delivery.CauseNoProducerID
	CauseUnanswered       Cause = delivery.CauseUnanswered
	CauseNoProgress       Cause = delivery.CauseNoProgress
)

// Causes returns all causes.
func Causes() []Cause { return delivery.Causes() }

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
func wholeTopic(c Cause) bool {
	return slices.Contains([]Cause{CauseTopicMissing, CauseTopicForbidden, CauseTopicInvalid}, c)
}

// stated reports whether the cluster states the cause in its metadata, so that it is shown before
// it has lasted.
func stated(c Cause) bool {
	return wholeTopic(c) || c == CauseTopicNotCreated || c == CausePartitionMissing ||
		c == CauseUnanswered
}

// quiet reports whether other lines and events say it already: those of the cluster's state.
func quiet(c Cause) bool { return c == CauseBrokerAway || c == CauseUnanswered }

// troubleError is why a record waited in the end.
type troubleError struct {
	Trouble
	err error // what it was seen by; may be nil
}

func (e *troubleError) Error() string { return e.String() }
func (e *troubleError) Unwrap() error { return e.err }
