package audit

import (
	"errors"
	"fmt"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// StatementTopic is where statements go if the settings say nothing else. Make it with as many
// replicas as the topics that are audited, cleanup.policy=compact,delete, a retention of some days,
// and message.timestamp.type=LogAppendTime.
const StatementTopic = "forebay-audit"

const (
	defaultInterval = 5 * time.Second
	leastInterval   = 100 * time.Millisecond
)

// completeStatements fills in the defaults of what sources and readers have in common, and returns
// all mistakes.
func completeStatements(topic *string, interval *time.Duration) error {
	var wrong []error
	if *topic == "" {
		*topic = StatementTopic
	}
	if err := legal(*topic); err != nil {
		wrong = append(wrong, fmt.Errorf("statement_topic: %w", err))
	}
	if *interval == 0 {
		*interval = defaultInterval
	}
	if *interval < leastInterval || *interval > time.Minute {
		wrong = append(wrong, fmt.Errorf("interval: %v: write %v to %v", *interval, leastInterval,
			time.Minute))
	}
	return errors.Join(wrong...)
}

// legal returns what is wrong with the name of a topic.
func legal(topic string) error {
	err := (&producer.Record{Topic: topic}).Check()
	if e, ok := errors.AsType[*producer.SendError](err); ok {
		return fmt.Errorf("%q: %s", topic, e.Hint)
	}
	return err
}
