package registry

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// subject has the schemas of a subject that are looked up or verified. While there are any, it has
// a worker: so there is one request at a time for each subject.
type subject struct {
	name string
	wake chan struct{} // one slot; sent by lookUpLocked, received by the worker; never closed

	waiting []*entry // guarded by Registry.mu
	working bool     // guarded by Registry.mu

	said map[kind]time.Time // when a kind was logged; belongs to the worker
	last kind               // the one logged last; belongs to the worker
}

// lookUpLocked has an entry looked up, or verified where its ID is known.
func (r *Registry) lookUpLocked(e *entry) {
	if len(r.clients) == 0 {
		return
	}
	s := r.subjects[e.key.subject]
	if s == nil {
		s = &subject{name: e.key.subject, wake: make(chan struct{}, 1),
			said: make(map[kind]time.Time)}
		r.subjects[s.name] = s
	}
	s.waiting = append(s.waiting, e)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	if !s.working {
		s.working = true
		r.workers.Add(1)
		go r.work(s) // ends when nothing waits, or by Close, which waits for it
	}
}

// work looks up what waits, until nothing does.
func (r *Registry) work(s *subject) {
	defer r.workers.Done()
	pause := r.newPause()
	for {
		r.mu.Lock()
		waiting := slices.Clone(s.waiting)
		if len(waiting) == 0 || r.closed {
			s.working = false
			r.mu.Unlock()
			return
		}
		select {
		case <-s.wake: // all that it was sent for are in waiting
		default:
		}
		r.mu.Unlock()
		for _, e := range waiting {
			if r.attempt(s, e) {
				r.finish(s, e)
				pause.Reset()
			}
		}
		r.rest(s, pause)
	}
}

// newPause returns the pauses between look-ups: with full jitter, each drawn between zero and twice
// its interval.
func (r *Registry) newPause() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(min(r.cfg.MaxPause, time.Second/2)/2),
		backoff.WithMaxInterval(r.cfg.MaxPause/2),
		backoff.WithRandomizationFactor(1),
		backoff.WithMaxElapsedTime(0))
}

// patience is how much longer the pauses are where no records wait. A fleet would otherwise ask a
// registry that has lost its content for ever, and often.
const patience = 20

// rest waits until the next look-up is due, or another schema has come.
func (r *Registry) rest(s *subject, pause *backoff.ExponentialBackOff) {
	r.mu.Lock()
	idle := len(s.waiting) == 0
	urgent := slices.ContainsFunc(s.waiting, func(e *entry) bool {
		return e.state.Load().hold != nil
	})
	r.mu.Unlock()
	if idle {
		return
	}
	next := pause.NextBackOff()
	if !urgent {
		next *= patience
	}
	timer := time.NewTimer(next)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.wake:
	case <-r.ctx.Done():
	}
}

func (r *Registry) finish(s *subject, e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.waiting = slices.DeleteFunc(s.waiting, func(other *entry) bool { return other == e })
}

// attempt looks up or verifies an entry once, and reports whether that is done. It runs on a
// goroutine of its own: the transport and the logger of the application may panic, or call
// runtime.Goexit.
func (r *Registry) attempt(s *subject, e *entry) bool {
	done, ended := false, make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			if p := recover(); p != nil {
				e.explain(fmt.Sprintf("a look-up has panicked: %v", p))
				r.counts.failures.Add(1)
				r.survive(func() { r.say.panicked(s.name, p, debug.Stack()) })
			}
		}()
		done = r.step(r.ctx, s, e)
	}()
	<-ended
	return done
}

// survive runs fn and ends its panic.
func (r *Registry) survive(fn func()) {
	defer func() { _ = recover() }() // the logger is what does not work
	fn()
}

// step does what is next for an entry, and reports whether it is done with.
func (r *Registry) step(ctx context.Context, s *subject, e *entry) bool {
	if e.mismatch {
		e.mismatch = false
		r.say.mismatch(e)
	}
	// An ID that the registry has called wrong may be in the cache as well.
	if known := e.state.Load(); known.hold != nil && known.wrong == "" && !e.uncached {
		e.uncached = true
		if id := r.cached(e.key); id != 0 {
			e.settle(id, Cached)
			r.say.found(e)
		}
	}
	if known := e.state.Load(); known.hold == nil {
		return r.verify(ctx, e, known)
	}
	id, err := r.lookUp(ctx, e.key.subject, e.schema)
	if err != nil {
		r.failed(s, e, err)
		return false
	}
	e.settle(id, LookedUp)
	r.say.found(e)
	r.keep(e.key, id)
	return true
}

// failed says why the ID of an entry is still not known.
func (r *Registry) failed(s *subject, e *entry, err error) {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		return // Close has begun
	}
	if wrong := e.state.Load().wrong; f.kind == unregistered && wrong != "" {
		e.explain(wrong) // withdraw has logged it
		return
	}
	why := f.text
	if f.kind == unregistered {
		why += fmt.Sprintf(" under the subject %q: run forebay schema register", s.name)
	}
	e.explain(why)
	r.say.waiting(s, f.kind, why)
}
