package hostile

import (
	"io"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What a script can have become of a produce request.

// Unseen cuts the connection before the broker has seen the request.
func Unseen() *Mutation { return &Mutation{Name: "unseen", take: func(*relay, []byte) {}} }

// Unanswered cuts the connection when the broker has answered, and nobody reads that.
func Unanswered() *Mutation {
	return &Mutation{Name: "unanswered", wire: func(w *wire, _ []byte) { w.cut() }}
}

// Late has the broker see the request when release is closed, though the client may have hung up
// long before that: the broker was stopped for a while, and reads what its kernel has taken.
func Late(release <-chan struct{}) *Mutation {
	return &Mutation{Name: "late", take: func(r *relay, frame []byte) {
		r.late.Store(true)
		r.m.wg.Go(func() {
			<-release
			_, _ = r.broker.Write(frame)
			time.Sleep(time.Second) // for the answer, which nobody reads
			r.broker.Close()
		})
		_, _ = io.Copy(io.Discard, r.client) // until the client hangs up
	}}
}

// Refused answers with code in the place of the broker, which does not see the request.
func Refused(code int16) *Mutation {
	m := refusal("refused", func(_ *rand.Rand, p *kmsg.ProduceResponseTopicPartition) {
		p.ErrorCode = code
	})
	return &m
}

// Acknowledged answers that each batch is at offset in its partition, in the place of the broker,
// which does not see the request.
func Acknowledged(offset int64) *Mutation {
	m := lying(refusal("acknowledged", func(_ *rand.Rand, p *kmsg.ProduceResponseTopicPartition) {
		p.ErrorCode, p.BaseOffset = 0, offset
	}))
	return &m
}
