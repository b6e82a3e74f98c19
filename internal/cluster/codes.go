package cluster

import "github.com/twmb/franz-go/pkg/kerr"

// Action is what an error code of a produce response asks for.
type Action uint8

// The actions.
const (
	Retry Action = iota // nothing is known of the code: try again after a while
	Done                // the batch is in the log
	// appended, but not confirmed, or perhaps appended: the same batch again, in the same place
	Confirm
	Elsewhere // not appended: any partition may take it; leaders may have changed
	// the broker does not follow the numbering of this partition: begin a new one
	Renew
	// the broker does not take the producer ID: begin anew with another one
	NewID
	// the cluster does not let us number batches: begin anew without numbers
	Unnumber
	Split  // too large: halve it
	Hold   // the topic is not there, or not for us: wait
	Reject // Kafka will never take some of the records
	// it arrived damaged: once more, and if that goes on Kafka will never take it
	Resend
	Recompress // Kafka does not take the compression
)

// actions says what each error code of a produce response asks for that Kafka 4.1 can send. Codes
// that are not here are Retry.
var actions = map[int16]Action{
	0:                                 Done,
	kerr.DuplicateSequenceNumber.Code: Done,

	kerr.RequestTimedOut.Code:              Confirm,
	kerr.NotEnoughReplicasAfterAppend.Code: Confirm,
	// somebody between us and the broker has lost it, before or after it appended
	kerr.NetworkException.Code: Confirm,
	// of the disk, before the append or when the log was flushed after it
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
	// these are of transactions, and never of what we send
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

// ActionOf returns what an error code asks for by itself.
func ActionOf(code int16) Action { return actions[code] }

// Action returns what the answer asks for. Unresolved says that an earlier attempt in the same
// place may have been written.
//
// A leader that loses its office while a batch waits for followers answers with the code of that,
// for a batch that is in its log; the offset shows it. And a duplicate can only be found of what
// may have been written.
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
