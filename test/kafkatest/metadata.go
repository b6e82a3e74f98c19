//go:build unix

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	pollEvery = 25 * time.Millisecond // Kafka gives no signal for what is polled for
	// for one answer; a broker that starts may take a connection and not answer
	answerLimit = 2 * time.Second
)

// metadata is what one broker answered, or why it did not.
type metadata struct {
	*kmsg.MetadataResponse
	err error
}

func (m metadata) nodes() []int32 {
	ids := make([]int32, 0, len(m.Brokers))
	for _, b := range m.Brokers {
		ids = append(ids, b.NodeID)
	}
	return ids
}

// finalError ends a poll before its deadline.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

func final(err error) error { return finalError{err} }

// pollMetadata asks the broker at addr for its metadata, of no topic but those named, until check
// returns nil or a final error, or ctx ends; then the last error of check is in the error.
func pollMetadata(ctx context.Context, addr string, topics []string,
	check func(metadata) error) error {
	cl, err := newClient([]string{addr})
	if err != nil {
		return err
	}
	defer cl.Close()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // nil would ask for all
	for _, name := range topics {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = &name
		req.Topics = append(req.Topics, topic)
	}
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		err := check(ask(ctx, cl.SeedBrokers()[0], req))
		if fin, ok := errors.AsType[finalError](err); ok {
			return fin.error
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; the last try: %w", ctx.Err(), err)
		case <-ticker.C:
		}
	}
}

// requester is a broker of kgo, asked once, with no retry.
type requester interface {
	Request(ctx context.Context, req kmsg.Request) (kmsg.Response, error)
}

func ask(ctx context.Context, broker requester, req kmsg.Request) metadata {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	resp, err := broker.Request(ctx, req)
	if err != nil {
		return metadata{err: err}
	}
	return metadata{MetadataResponse: resp.(*kmsg.MetadataResponse)}
}
