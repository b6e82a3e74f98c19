package main

import (
	"context"
	"io"
)

// interruptible is a reader whose Read returns when ctx ends, even if the Read below it hangs. A
// Read of a terminal or a pipe cannot be cancelled: it is abandoned, with a buffer of its own.
type interruptible struct {
	r     io.Reader
	ended <-chan struct{} // of the context
	why   func() error    // the context's error
	buf   []byte          // ahead owns it while it runs
	rest  []byte          // of buf, not returned yet
	// sent by ahead; one slot, so that an abandoned goroutine can end
	results chan readResult
	err     error
}

type readResult struct {
	n   int
	err error
}

func newInterruptible(ctx context.Context, r io.Reader) *interruptible {
	return &interruptible{
		r: r, ended: ctx.Done(), why: ctx.Err,
		buf: make([]byte, 64<<10), results: make(chan readResult, 1),
	}
}

// Read reads from the reader below, or returns the error of the context. It is not safe for
// concurrent use.
func (i *interruptible) Read(p []byte) (int, error) {
	for len(i.rest) == 0 {
		if i.err == nil {
			i.err = i.why() // once ended, an abandoned Read may own buf
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

// ahead reads once from the reader below.
func (i *interruptible) ahead() {
	n, err := i.r.Read(i.buf)
	i.results <- readResult{n, err}
}
