package cluster

import "github.com/twmb/franz-go/pkg/kerr"

// Action is what an error code in a produce response asks for.
type Action uint8

// The actions.
const (
	Retry Action = iota // unknown code: try again after a while
	Done                // the batch is in the log
	// appended but not confirmed, or perhaps appended: send the same batch to the same partition
	Confirm
	Elsewhere // not appended: any partition may take it; leaders may have changed
	// the broker rejects the sequence of this partition: begin a new one
	Renew
	// the broker rejects the producer ID: begin again with another one
	NewID
	// the cluster does not let us number batches: begin again without sequences
	Unnumber
	Split  // too large: halve it
	Hold   // the topic does not exist, or we may not write to it: wait
	Reject // Kafka will never take some of the records
	// it arrived damaged: send it again; after some failures, treat it as Reject
	Resend
	Recompress // the broker does not know the compression
)

// actions has the action of each error code that Kafka 4.1 can send in a produce response. All
// other codes are Retry.
var actions = map[int16]Action{
	0:                                 Done,
	kerr.DuplicateSequenceNumber.Code: Done,

	kerr.RequestTimedOut.Code:              Confirm,
	kerr.NotEnoughReplicasAfterAppend.Code: Confirm,
	// a proxy lost the request or the answer: the broker may have appended it
	kerr.NetworkException.Code: Confirm,
	// a disk error, before the append or at the flush after it
	kerr.KafkaStorageError.Code: Confirm,

	kerr.NotEnoughReplicas.Code:           Elsewhere,
	kerr.NotLeaderForPartition.Code:       Elsewhere,
	kerr.LeaderNotAvailable.Code:          Elsewhere,
	kerr.ReplicaNotAvailable.Code:         Elsewhere,
	kerr.BrokerNotAvailable.Code:          Elsewhere,
	kerr.FencedLeaderEpoch.Code:           Elsewhere,
	kerr.UnknownLeaderEpoch.Code:          Elsewhere,
	kerr.PreferredLeaderNotAvailable.Code: Elsewhere,
	kerr.ThrottlingQuotaExceeded.Code:     Elsewhere,
	kerr.InvalidRequiredAcks.Code:         Elsewhere,
	// these belong to transactions, which we never send
	kerr.InvalidTxnState.Code:        Elsewhere,
	kerr.ConcurrentTransactions.Code: Elsewhere,
	kerr.TransactionAbortable.Code:   Elsewhere,

	kerr.OutOfOrderSequenceNumber.Code: Renew,
	kerr.UnknownProducerID.Code:        Renew,
	kerr.InvalidProducerEpoch.Code:     Renew,
	kerr.ProducerFenced.Code:           Renew,
	kerr.InvalidProducerIDMapping.Code: NewID,

	kerr.MessageTooLarge.Code:    Split,
	kerr.RecordListTooLarge.Code: Split,

	kerr.UnknownTopicOrPartition.Code:  Hold,
	kerr.UnknownTopicID.Code:           Hold,
	kerr.InconsistentTopicID.Code:      Hold,
	kerr.TopicAuthorizationFailed.Code: Hold,
	kerr.InvalidTopicException.Code:    Hold,

	kerr.ClusterAuthorizationFailed.Code:         Unnumber,
	kerr.TransactionalIDAuthorizationFailed.Code: Unnumber,

	kerr.InvalidRecord.Code:               Reject,
	kerr.InvalidTimestamp.Code:            Reject,
	kerr.UnsupportedForMessageFormat.Code: Reject,
	kerr.PolicyViolation.Code:             Reject,

	kerr.CorruptMessage.Code: Resend,

	kerr.UnsupportedCompressionType.Code: Recompress,
}

// ActionOf returns the action of an error code alone.
func ActionOf(code int16) Action { return actions[code] }

// Action returns what the answer asks for. Unresolved means that an earlier attempt on the same
// partition may have been written.
//
// A leader that is replaced while a batch waits for followers answers with an error, although the
// batch is in its log. The offset shows that. And a duplicate error is only credible if an earlier
// attempt may have been written.
func (a *Answer) Action(unresolved bool) Action {
	action := ActionOf(a.Code)
	switch {
	case a.Offset >= 0 && (action == Elsewhere || a.Code == kerr.UnknownTopicOrPartition.Code):
		return Confirm
	case a.Code == kerr.DuplicateSequenceNumber.Code && !unresolved:
		return Renew
	}
	return action
}
