package secure

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

const (
	callLimit = 10 * time.Second // for a call
	callWait  = 2 * time.Second  // for a connection that needs what it brings
	callKeep  = 5 * time.Second  // how old something may be that came too late for who had asked
)

// Source is a function that may take its time, hang or panic: one of the application's, or one that
// reads files of a far machine. It is safe for concurrent use.
type Source[T any] struct {
	what string // for errors
	fn   func(context.Context) (T, error)

	mu   sync.Mutex // guards what follows; never held while the function runs
	call *call[T]   // that is under way, or has brought what nobody has taken yet
}

// call is one of the function.
type call[T any] struct {
	done chan struct{} // closed when the fields below are set
	got  T
	err  error
	at   time.Time
}

// NewSource returns a source. Fn is called by one goroutine at a time, of which one is left behind
// if it never returns.
func NewSource[T any](what string, fn func(context.Context) (T, error)) *Source[T] {
	return &Source[T]{what: what, fn: fn}
}

// Get returns what the function returns. It waits two seconds at most, and no longer than ctx.
func (s *Source[T]) Get(ctx context.Context) (none T, err error) {
	c := s.current(ctx)
	timer := time.NewTimer(callWait)
	defer timer.Stop()
	select {
	case <-c.done:
		s.taken(c)
		return c.got, c.err
	case <-timer.C:
		return none, &Error{s.what, fmt.Errorf("nothing came of it within %v", callWait)}
	case <-ctx.Done():
		return none, &Error{s.what, ctx.Err()}
	}
}

// current returns the call that is under way, or has just ended, or else a new one.
func (s *Source[T]) current(ctx context.Context) *call[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.call; c != nil {
		select {
		case <-c.done:
			if time.Since(c.at) < callKeep {
				return c
			}
		default:
			return c
		}
	}
	c := &call[T]{done: make(chan struct{})}
	s.call = c
	go func() {
		ctx, cancel := context.WithTimeout(ctx, callLimit)
		defer cancel()
		defer close(c.done)
		c.got, c.err = s.ask(ctx)
		c.at = time.Now()
	}()
	return c
}

// taken has the next who comes ask anew.
func (s *Source[T]) taken(c *call[T]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.call == c {
		s.call = nil
	}
}

// ask calls the function and survives it. What it panicked with is only told where it is the
// runtime's: it may be a secret.
func (s *Source[T]) ask(ctx context.Context) (got T, err error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case runtime.Error:
			err = &Error{s.what + " panicked", v}
		default:
			err = &Error{s.what + " panicked", fmt.Errorf("with a %T", v)}
		}
	}()
	if got, err = s.fn(ctx); err != nil {
		if _, ok := errors.AsType[*Error](err); !ok {
			err = &Error{s.what, err}
		}
	}
	return got, err
}
