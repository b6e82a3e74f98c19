package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const askTimeout = 2 * time.Second // for an answer to a metadata request

// answer is the end of a metadata request.
type answer struct {
	node   int32
	topics []string // that were asked for
	round  bool
	resp   *kmsg.MetadataResponse
	err    error
}

// ask requests metadata from t on a goroutine that ends with the answer, or with ctx.
func (s *supervisor) ask(ctx context.Context, id int32, t *target, topics []string, round bool) {
	t.asked = true
	s.asking++
	go func() {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		resp, err := s.request(ctx, id, t, topics)
		s.answers <- answer{node: id, topics: topics, round: round, resp: resp, err: err}
	}()
}

// request sends the request, on the goroutine of ask, and refuses an answer without any use.
func (s *supervisor) request(ctx context.Context, id int32, t *target,
	topics []string) (*kmsg.MetadataResponse, error) {
	resp, err := s.c.control.ask(ctx, id, t.addr, metadataRequest(topics))
	if err != nil {
		return nil, err
	}
	m := resp.(*kmsg.MetadataResponse)
	if err := kerr.ErrorForCode(m.ErrorCode); err != nil {
		return nil, err
	}
	if len(m.Brokers) == 0 {
		return nil, errors.New("the broker knows no brokers, not even itself: it is starting")
	}
	return m, nil
}

func metadataRequest(topics []string) *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	// empty, not nil: nil asks for all topics
	req.Topics = make([]kmsg.MetadataRequestTopic, 0, len(topics))
	for _, name := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, t)
	}
	return req
}
