package dispatch

import (
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/forebay-go/forebay/delivery"
)

// remedies say what ends a trouble. Causes that are not listed have words of their own, or none.
var remedies = map[delivery.Cause]string{
	delivery.CauseTopicMissing: "correct its name, or create the topic: run " +
		"`forebay topics apply`, or set create_topics.enabled for the cluster",
	delivery.CauseTopicForbidden: "grant the user of this program Write and Describe on the topic",
	delivery.CauseTopicInvalid:   "correct its name",
	delivery.CauseTopicUnknown:   "if it lasts, look at the log of the brokers",
	delivery.CauseNoLeader: "bring back a broker that has a copy of the partition, or have " +
		"another leader elected",
	delivery.CauseBrokerAway: "bring the broker back, or move its partitions",
	delivery.CauseTooFewReplicas: "bring the brokers of the other copies back, or lower " +
		"min.insync.replicas of the topic",
	delivery.CauseNotConfirmed: "look at the load, the disks and the network of the brokers that " +
		"have the copies",
	delivery.CauseBrokerError: "look at the log of that broker",
	delivery.CauseNoAnswer: "look at the load and the log of that broker, and at what is between " +
		"it and this program",
	delivery.CauseRequestTooLarge: "lower batching.max_bytes below what the broker takes, or " +
		"raise that (socket.request.max.bytes, or the limit of the service)",
	delivery.CauseThrottled: "send less, set batching.compression, or raise the quota of the " +
		"user or client ID",
	delivery.CauseNoProducerID: "look at the log of the brokers: they cannot write to " +
		"__transaction_state, or have no controller",
	delivery.CauseSchemaUnknown: "register the schema, or bring its registry back",
	delivery.CauseNoProgress: "if higher priorities use all the capacity of the brokers, wait " +
		"for them; else look at the request times of the brokers",
}

// codeCauses are the causes of the errors that a broker can answer with, where that is not
// delivery.CauseBrokerError.
var codeCauses = map[error]delivery.Cause{
	kerr.UnknownTopicOrPartition:      delivery.CauseTopicMissing,
	kerr.UnknownTopicID:               delivery.CauseTopicMissing,
	kerr.InconsistentTopicID:          delivery.CauseTopicMissing,
	kerr.TopicAuthorizationFailed:     delivery.CauseTopicForbidden,
	kerr.InvalidTopicException:        delivery.CauseTopicInvalid,
	kerr.NotEnoughReplicas:            delivery.CauseTooFewReplicas,
	kerr.NotEnoughReplicasAfterAppend: delivery.CauseTooFewReplicas,
	kerr.RequestTimedOut:              delivery.CauseNotConfirmed,
	kerr.NotLeaderForPartition:        delivery.CauseNoLeader,
	kerr.LeaderNotAvailable:           delivery.CauseNoLeader,
	kerr.ReplicaNotAvailable:          delivery.CauseNoLeader,
	kerr.BrokerNotAvailable:           delivery.CauseNoLeader,
	kerr.FencedLeaderEpoch:            delivery.CauseNoLeader,
	kerr.UnknownLeaderEpoch:           delivery.CauseNoLeader,
	kerr.PreferredLeaderNotAvailable:  delivery.CauseNoLeader,
	kerr.ThrottlingQuotaExceeded:      delivery.CauseThrottled,
}

// causeOf returns the cause that err stands for, which an attempt has failed with.
func causeOf(err error) delivery.Cause {
	code, answered := errors.AsType[*kerr.Error](err)
	if !answered {
		return delivery.CauseNoAnswer
	}
	if cause, ok := codeCauses[code]; ok {
		return cause
	}
	return delivery.CauseBrokerError
}

// wholeTopic reports whether what one partition says holds for all of them.
func wholeTopic(c delivery.Cause) bool {
	return slices.Contains([]delivery.Cause{delivery.CauseTopicMissing,
		delivery.CauseTopicForbidden, delivery.CauseTopicInvalid}, c)
}

// stated reports whether the cause is certain, for example because the cluster states it in its
// metadata, so that it is shown before it has lasted.
func stated(c delivery.Cause) bool {
	return wholeTopic(c) || c == delivery.CauseTopicNotCreated ||
		c == delivery.CausePartitionMissing ||
		c == delivery.CauseUnanswered || c == delivery.CauseSchemaUnknown
}

// quiet reports whether other lines and events say it already: those of the cluster's state.
func quiet(c delivery.Cause) bool {
	return c == delivery.CauseBrokerAway || c == delivery.CauseUnanswered
}

// troubleError is why a record waited in the end.
type troubleError struct {
	delivery.Trouble
	err error // what it was seen by; may be nil
}

func (e *troubleError) Error() string { return e.String() }

func (e *troubleError) Unwrap() error { return e.err }
