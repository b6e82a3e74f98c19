package dispatch

import (
	"runtime"
	"sync"

	"github.com/forebay-go/forebay/buffer"
)

// compressor compresses batches that wait, so that an outage costs less memory, and those that are
// not sent before. What else is sent at once is compressed by the goroutine that sends it.
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
	s.fill(&s.busy, t.ClaimRaw, codec)
}

// fill compresses what claim returns, until that is nil or all slots are taken of which busy, which
// s guards, counts those in use. It reports whether there was a slot left.
func (s *compressor) fill(busy *int, claim func() *buffer.Batch, codec *buffer.Codec) (left bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for *busy < s.slots && !s.closed {
		b := claim()
		if b == nil {
			return true
		}
		*busy++
		s.wg.Go(func() {
			b.Compress(codec)
			s.mu.Lock()
			*busy--
			s.mu.Unlock()
			b.Topic().Wake()
		})
	}
	return false
}

// close returns when nothing is being compressed; nothing will be from then on.
func (s *compressor) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.wg.Wait()
}
