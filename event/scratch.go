package event

import (
	"sync"

	"github.com/forebay-go/forebay/producer"
)

// keptBytes is how large a buffer may be that a small event leaves in the pool.
const keptBytes = 64 << 10

// scratch is the memory in which a record is put together. The sender copies the record, so it is
// free again when Send returns.
type scratch struct {
	// buf begins with mark. Behind it are strings of the key and of headers, and then the value.
	buf     []byte
	headers []producer.Header
}

// mark is never sent. What a codec returns must begin with it: a codec that writes from the
// beginning of what it gets, or returns memory of its own, does not leave it there. No encoding
// begins like it.
const mark = "\xff\xfe\x9d\xc1forebay"

var scratches = sync.Pool{New: func() any { return &scratch{buf: make([]byte, 0, 512)} }}

func newScratch() *scratch {
	s := scratches.Get().(*scratch)
	s.buf = append(s.buf[:0], mark...)
	return s
}

// free gives s back, unless a small event leaves a giant buffer: large events keep theirs.
func (s *scratch) free() {
	if cap(s.buf) > keptBytes && len(s.buf) < cap(s.buf)/4 {
		return
	}
	clear(s.headers) // nothing of the caller is kept
	s.headers = s.headers[:0]
	scratches.Put(s)
}

// copy returns the bytes of text, in memory of s. A later growth of buf leaves them as they are.
func (s *scratch) copy(text string) []byte {
	from := len(s.buf)
	s.buf = append(s.buf, text...)
	return s.buf[from:len(s.buf):len(s.buf)]
}
