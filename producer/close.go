package producer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/internal/cluster"
)

// Flush sends what waits without letting it linger, and waits until every record that was accepted
// before the call has an outcome. Then it returns nil. If ctx ends first, Flush returns at once,
// with an error that wraps the error of ctx and says what the records wait for.
func (p *Producer) Flush(ctx context.Context) error {
	if err := p.flush(ctx); err != nil {
		return fmt.Errorf("flush: %w%s", err, p.because(""))
	}
	return nil
}

// flush returns the error of ctx if that ends first.
func (p *Producer) flush(ctx context.Context) error {
	w := buffer.NewWaiter()
	s := p.setup.Load()
	for l := range s.eachLane {
		l.Buffer.Flush(w)
	}
	w.Done()
	select {
	case <-w.Wait():
		return nil
	case <-ctx.Done():
		for l := range s.eachLane {
			l.Buffer.Unflush(w)
		}
		return ctx.Err()
	}
}

// WaitReady waits until each of the named clusters answers; without names, until all clusters do.
// If ctx ends first, it returns an error that says which clusters are not ready, and why. No other
// call depends on it: records that are sent earlier wait in the buffer.
func (p *Producer) WaitReady(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		names = sortedNames(p.setup.Load().cfg.Clusters)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		missing, err := p.missing(names)
		if err != nil || len(missing) == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for clusters: %w: %s", ctx.Err(), strings.Join(missing, "; "))
		}
	}
}

// missing describes those of the named clusters that are not ready.
func (p *Producer) missing(names []string) (missing []string, err error) {
	for _, name := range names {
		c := p.setup.Load().clusters[name]
		if c == nil {
			return nil, fmt.Errorf("wait for clusters: there is no cluster %q", name)
		}
		switch s := c.Status(); {
		case s.State == cluster.Closed:
			return nil, ErrClosed
		case !s.State.Ready():
			missing = append(missing, fmt.Sprintf("%s is %v: %s", name, s.State, s.Reason))
		}
	}
	return missing, nil
}

// Summary is what became of all records of a producer.
type Summary struct {
	Accepted  uint64
	Delivered uint64
	Lost      map[Reason]uint64 // accepted and not delivered, by reason
	// Left is how many of the lost were still waiting when the time of Close was over: those of
	// ReasonClosed, those of ReasonUnansweredClose, which Kafka may have, and those of
	// ReasonSchemaUnknown that had not expired before.
	Left uint64
}

// String returns the summary in a line.
func (s Summary) String() string {
	text := fmt.Sprintf("%d accepted, %d delivered", s.Accepted, s.Delivered)
	for r := range delivery.Reasons {
		if n := s.Lost[r]; n > 0 {
			text += fmt.Sprintf(", %d lost (%v)", n, r)
		}
	}
	return text
}

// ErrLeft reports that Close had to give up records.
var ErrLeft = errors.New("records were left")

// ErrInCallback reports that a callback or the logger called Close. Close waits for these to
// return, so it would wait for itself. Nothing was closed.
var ErrInCallback = errors.New("close waits for callbacks and the logger to return: call it on " +
	"another goroutine, and do not wait for that in the callback")

// Close refuses further records with ErrClosed, delivers what waits, and ends everything that runs
// in the background. It returns what became of all records. Give ctx a deadline: while a cluster is
// away, Close waits for as long as records may wait, by default up to an hour.
//
// Shortly before the deadline of ctx (a tenth of the time, at most half a second), Close gives up
// what is left: such records are shed, or possibly persisted if they were written and not answered.
// The error then wraps ErrLeft, with their number and the reason, and the error of ctx. Close
// returns by the end of ctx, and leaves behind a callback or logger that hangs. A second call waits
// for the first one, and returns the same summary and no error.
//
// A delivery callback, an event callback or a logger that calls Close gets ErrInCallback at once,
// because Close would wait for its own caller. It may start "go p.Close(ctx)", but must not wait
// for that. It may call Flush.
func (p *Producer) Close(ctx context.Context) (Summary, error) {
	if what := p.callback(); what != "" {
		return Summary{}, fmt.Errorf("close: called by %s: %w", what, ErrInCallback)
	}
	if err := p.beginClose(ctx); err != nil {
		return Summary{}, err
	}
	defer func() { <-p.closing }()
	if p.closed != nil {
		return p.closed.clone(), nil
	}
	p.changing.Lock()
	p.ended = true
	p.changing.Unlock()
	for l := range p.setup.Load().eachLane {
		l.Buffer.Close()
	}
	ctxErr := p.flushBefore(ctx)
	because := ""
	if ctxErr != nil {
		because = p.because("") // while that is known
	}
	p.reports.unbound()
	onHold := p.stop()
	p.evict.tell() // what was just given up
	s := p.summary(onHold)
	p.closed = &s
	p.reports.close()
	await(ctx, p.reports.done)
	p.events.close()
	await(ctx, p.events.done)
	p.logger.close()
	await(ctx, p.logger.done)
	if s.Left > 0 {
		return s.clone(), fmt.Errorf("close: %w: %d%s: %w", ErrLeft, s.Left, because, ctxErr)
	}
	return s.clone(), nil
}

// await waits until done is closed or ctx ends.
func await(ctx context.Context, done <-chan struct{}) {
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// beginClose waits for another call of Close, if there is one.
func (p *Producer) beginClose(ctx context.Context) error {
	select {
	case p.closing <- struct{}{}: // also where ctx has ended: there is nobody to wait for
		return nil
	default:
	}
	select {
	case p.closing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close: another call is under way: %w", ctx.Err())
	}
}

// flushBefore flushes until shortly before the deadline of ctx, so that what is then left can still
// be reported: a tenth of the time, and at most half a second.
func (p *Producer) flushBefore(ctx context.Context) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		return p.flush(ctx)
	}
	reserve := min(time.Until(deadline)/10, 500*time.Millisecond)
	ctx, cancel := context.WithDeadline(ctx, deadline.Add(-reserve))
	defer cancel()
	return p.flush(ctx)
}

// stop ends everything that runs, but for the reports. It returns how many records were on hold.
func (p *Producer) stop() (onHold uint64) {
	p.evict.close() // while there are still reports
	s := p.setup.Load()
	for l := range s.eachLane {
		l.Cancel() // all at once: each then waits only for itself
	}
	for c := range s.inUse() {
		c.Close()
	}
	p.engine.StopCompressing()
	for l := range s.eachLane {
		onHold += l.Stop()
	}
	p.leaving.Wait()
	if p.network.names != nil {
		p.network.names.Close()
	}
	p.clock.Stop()
	return onHold
}

// summary returns the summary, where so many records were on hold until the end.
func (p *Producer) summary(onHold uint64) Summary {
	total := p.Stats().Total
	s := Summary{Accepted: total.Accepted, Delivered: total.Delivered,
		Lost: make(map[Reason]uint64)}
	for r := range delivery.Reasons {
		if n := total.Lost(r); n > 0 {
			s.Lost[r] = n
		}
	}
	s.Left = s.Lost[ReasonClosed] + s.Lost[ReasonUnansweredClose] + onHold
	return s
}

func (s Summary) clone() Summary {
	s.Lost = maps.Clone(s.Lost)
	return s
}
