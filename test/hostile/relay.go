package hostile

import (
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// relay is one connection: requests go up to the broker, and answers come down, in the order of the
// requests.
type relay struct {
	m              *Middle
	client, broker net.Conn
	pending        chan pending // sent and closed by requests, received by answers
	late           atomic.Bool  // a request is still to reach the broker, whoever has hung up

	once  sync.Once
	ended chan struct{} // closed by end
}

// pending is a request whose answer has to come.
type pending struct {
	request
	mutation *Mutation
	made     kmsg.Response // the answer, where the broker did not see the request
}

// end closes both sides.
func (r *relay) end() {
	r.once.Do(func() {
		close(r.ended)
		r.client.Close()
		if !r.late.Load() {
			r.broker.Close()
		}
	})
}

// requests passes on what the client asks.
func (r *relay) requests() {
	defer r.end()
	defer close(r.pending)
	for {
		body, err := readFrame(r.client)
		if err != nil {
			return
		}
		q, err := parseRequest(body)
		if err != nil {
			return
		}
		p := pending{request: q, mutation: r.m.choose(&q)}
		if p.mutation != nil && p.mutation.take != nil {
			p.mutation.take(r, framed(body))
			return
		}
		if p.mutation != nil && p.mutation.refuse != nil {
			if req, err := q.produce(); err == nil {
				p.made = p.mutation.refuse(r.m.random(), req)
			}
		}
		if p.made == nil {
			if _, err := r.broker.Write(framed(body)); err != nil {
				return
			}
		}
		select {
		case r.pending <- p:
		case <-r.ended:
			return
		}
	}
}

// answers passes on what the broker answers, or what is made of it.
func (r *relay) answers() {
	defer r.end()
	for p := range r.pending {
		body, err := r.answer(&p)
		if err != nil {
			return
		}
		w := &wire{r: r, rand: r.m.random()}
		switch {
		case p.mutation != nil && p.mutation.wire != nil:
			p.mutation.wire(w, body)
		case p.mutation != nil && p.mutation.resp != nil:
			resp, err := p.decode(body)
			if err != nil {
				w.send(framed(body)) // it cannot be made worse
				break
			}
			p.mutation.resp(w.rand, resp)
			w.send(framed(p.encode(resp)))
		default:
			w.send(framed(body))
		}
	}
}

// answer returns the true answer to p.
func (r *relay) answer(p *pending) ([]byte, error) {
	if p.made != nil {
		return p.encode(p.made), nil
	}
	return readFrame(r.broker)
}

// wire is what a mutation writes to. Errors are nobody's business: the connection has ended then.
type wire struct {
	r    *relay
	rand *rand.Rand
}

func (w *wire) send(b []byte) { _, _ = w.r.client.Write(b) }
func (w *wire) cut()          { w.r.end() }
func (w *wire) any() uint32   { return w.rand.Uint32() }

// upTo returns a number from 0 to below n.
func (w *wire) upTo(n int) int { return w.rand.IntN(max(n, 1)) }

// sleep lets time pass, until everybody is sane again or the connection has ended.
func (w *wire) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.r.m.untilSane():
	case <-w.r.ended:
	}
}

// next returns the answer to the next request, if there is one within d.
func (w *wire) next(d time.Duration) []byte {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case p, ok := <-w.r.pending:
		if !ok {
			return nil
		}
		body, _ := w.r.answer(&p)
		return body
	case <-timer.C:
		return nil
	}
}
