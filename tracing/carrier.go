package tracing

import (
	"slices"
	"sync"

	"github.com/forebay-go/forebay/producer"
)

// carrier are headers that a propagator writes to and reads. It implements
// propagation.TextMapCarrier.
type carrier struct {
	headers []producer.Header
	text    []byte // that values of headers point into
	added   int64  // bytes that a record gets larger by, at most
}

// carriers are used again: Send copies records. So headers cost an allocation or two, those of the
// propagator.
var carriers = sync.Pool{New: func() any { return new(carrier) }}

// newCarrier returns one with a copy of headers, whose array is the caller's.
func newCarrier(headers []producer.Header) *carrier {
	c := carriers.Get().(*carrier)
	c.headers = append(c.headers[:0], headers...)
	return c
}

// free takes c back.
func (c *carrier) free() {
	clear(c.headers) // it would keep what the caller wants to be rid of
	c.headers, c.text, c.added = c.headers[:0], c.text[:0], 0
	if cap(c.text) <= 4<<10 && cap(c.headers) <= 64 {
		carriers.Put(c)
	}
}

// Get returns the first value of key.
func (c *carrier) Get(key string) string {
	for _, h := range c.headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// Set replaces the values of key.
func (c *carrier) Set(key, value string) {
	c.headers = slices.DeleteFunc(c.headers, func(h producer.Header) bool { return h.Key == key })
	from := len(c.text)
	c.text = append(c.text, value...)
	c.headers = append(c.headers, producer.Header{Key: key,
		Value: c.text[from:len(c.text):len(c.text)]})
	c.added += int64(len(key) + len(value) + 2*5) // and their lengths
}

// Keys returns the keys.
func (c *carrier) Keys() (keys []string) {
	for _, h := range c.headers {
		keys = append(keys, h.Key)
	}
	return keys
}
