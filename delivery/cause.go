package delivery

// Cause is the class of a trouble. Values do not change between versions; new ones may be added.
type Cause string

// The causes.
const (
	CauseTopicMissing Cause = "topic_missing" // the topic does not exist
	// it does not exist, and create_topics could not make it
	CauseTopicNotCreated Cause = "topic_not_created"
	// this program may not write to it, or not see it
	CauseTopicForbidden Cause = "topic_forbidden"
	CauseTopicInvalid   Cause = "topic_invalid" // Kafka does not take its name
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
	// the ID of a schema is not known: records are kept back by their Hold
	CauseSchemaUnknown Cause = "schema_unknown"
	// nothing is acknowledged, and nobody says why
	CauseNoProgress Cause = "no_progress"
)

// Causes returns all causes.
func Causes() []Cause {
	return []Cause{
		CauseTopicMissing, CauseTopicNotCreated, CauseTopicForbidden, CauseTopicInvalid,
		CauseTopicUnknown, CausePartitionMissing,
		CauseNoLeader, CauseBrokerAway, CauseTooFewReplicas, CauseNotConfirmed, CauseBrokerError,
		CauseNoAnswer, CauseRequestTooLarge,
		CauseThrottled, CauseNoProducerID, CauseUnanswered, CauseSchemaUnknown, CauseNoProgress,
	}
}
