package main

import (
	"context"
	"io"
)

// interruptible is a reader whose Read returns when ctx ends even though the Read below it hangs,
// as one of a terminal or a pipe does, which nothing can call back. That Read is left behind, with
// a buffer of its own.
type interruptible struct {
	r     io.Reader
	ended <-chan struct{} // of the context
	why   func() error    // the context's error
	buf   []byte          // owned by the goroutine of ahead while it runs
	rest  []byte          // of buf, not yet handed out
	// one slot, so that a goroutine that was left behind can end; sent by ahead
	results chan readResult
	err     error
}

type readResult struct {
	n   int
	err error
}

func newInterruptible(ctx context.Context, r io.Reader) *interruptible {
	return &interruptible{
		r: r, ended: ctx.Done(), why: ctx.Err, buf: make([]byte,
			64<<10), results: make(chan readResult, 1),
	}
}

// Read reads what the reader below has, or returns the error of the context. It must not be called
// from two goroutines.
func (i *interruptible) Read(p []byte) (int, error) {
	for len(i.rest) == 0 {
		if i.err == nil {
			i.err = i.why() // once ended, buf may belong to a Read that was left behind
		}
		if i.err != nil {
			return 0, i.err
		}
		go i.ahead()
		select {
		case res := <-i.results:
			i.rest, i.err = i.buf[:res.n], res.err
		case <-i.ended:
		}
	}
	n := copy(p, i.rest)
	i.rest = i.rest[n:]
	return n, nil
}

func (i *interruptible) ahead() {
	n, err := i.r.Read(i.buf)
	i.results <- readResult{n, err}
}
