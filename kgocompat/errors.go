package kgocompat

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
)

// translated is an error of the producer that is also one of kgo.
type translated struct{ ours, theirs error }

// translate returns ours as theirs, too.
func translate(ours, theirs error) error {
	if errors.Is(ours, theirs) {
		return ours
	}
	return &translated{ours, theirs}
}

// Error returns the words of the producer, which have the facts.
func (t *translated) Error() string { return t.ours.Error() }

// Unwrap returns both errors.
func (t *translated) Unwrap() []error { return []error{t.ours, t.theirs} }

// ended returns an error if a context of r has ended.
func ended(ctx context.Context, r *kgo.Record) error {
	err := ctx.Err()
	if err == nil {
		err = r.Context.Err()
	}
	if err != nil {
		return fmt.Errorf("send to %q: its context had ended before: %w", r.Topic, err)
	}
	return nil
}

// refusalOf returns the error of a record that the producer has refused.
func refusalOf(rec *producer.Record, err error) error {
	switch {
	case errors.Is(err, producer.ErrBufferFull):
		return translate(err, kgo.ErrMaxBuffered)
	case errors.Is(err, producer.ErrRecordTooLarge):
		return translate(err, kerr.MessageTooLarge)
	case errors.Is(err, producer.ErrClosed):
		return translate(err, kgo.ErrClientClosed)
	case errors.Is(err, producer.ErrInvalidRecord) && rec.Topic != "" && !negative(rec.Partition):
		return translate(err, kerr.InvalidTopicException)
	}
	return err
}

func negative(p producer.Partition) bool {
	n, chosen := p.Number()
	return chosen && n < 0
}

// outcomeOf returns the error of a record that was accepted, nil if it was delivered.
func outcomeOf(rep *producer.Report) error {
	err := rep.Failure()
	switch {
	case err == nil:
		return nil
	case rep.Reason == producer.ReasonDeliveryTimeout, rep.Reason == producer.ReasonUnanswered:
		return translate(err, kgo.ErrRecordTimeout)
	case rep.Reason == producer.ReasonClosed, rep.Reason == producer.ReasonUnansweredClose:
		return translate(err, kgo.ErrClientClosed)
	case rep.Reason == producer.ReasonTooLarge:
		return translate(err, kerr.MessageTooLarge)
	case rep.Reason.MadeRoom():
		return translate(err, kgo.ErrMaxBuffered)
	case rep.Reason == producer.ReasonInvalid:
		if _, ok := errors.AsType[*kerr.Error](err); !ok {
			return translate(err, kerr.InvalidRecord)
		}
	}
	return err
}
