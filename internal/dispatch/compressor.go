package dispatch

import (
	"runtime"
	"sync"

	"github.com/forebay-go/forebay/buffer"
)

// compressor compresses batches that wait, so that an outage costs less memory. What is sent at
// once is compressed by the goroutine that sends it.
type compressor struct {
	slots int // goroutines at a time

	wg sync.WaitGroup

	mu     sync.Mutex // guards what follows
	busy   int
	closed bool
}

func newCompressor() *compressor { return &compressor{slots: runtime.GOMAXPROCS(0)} }

// offer compresses a few of the batches that wait in t, on goroutines of its own, and wakes whoever
// dispatches t then.
func (s *compressor) offer(t *buffer.Topic, codec *buffer.Codec) {
	if codec.None() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.busy < s.slots && !s.closed {
		b := t.ClaimRaw()
		if b == nil {
			return
		}
		s.busy++
		s.wg.Go(func() {
			b.Compress(codec)
			s.mu.Lock()
			s.busy--
			s.mu.Unlock()
			t.Wake()
		})
	}
}

// close returns when nothing is being compressed; nothing will be from then on.
func (s *compressor) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wg.Wait()
}
