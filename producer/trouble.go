package producer

import "github.com/forebay-go/forebay/delivery"

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
	CauseSchemaUnknown    Cause = delivery.CauseSchemaUnknown
	CauseNoProgress       Cause = delivery.CauseNoProgress
)

// Causes returns all causes.
func Causes() []Cause { return delivery.Causes() }
