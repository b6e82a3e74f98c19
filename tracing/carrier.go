package tracing

import (
	"slices"
	"sync"

	"github.com/forebay-go/forebay/producer"
)

// carrier holds the headers that a propagator reads and writes. It implements
// propagation.TextMapCarrier.
type carrier struct {
	headers []producer.Header
	text    []byte // the values of added headers point into it
	added   int64  // the most bytes that the record grows by
}

// carriers are reused, because Send copies records. So only the propagator allocates for headers,
// once or twice.
var carriers = sync.Pool{New: func() any { return new(carrier) }}

// newCarrier returns a carrier with a copy of headers, because the caller owns their array.
func newCarrier(headers []producer.Header) *carrier {
	c := carriers.Get().(*carrier)
	c.headers = append(c.headers[:0], headers...)
	return c
}

// free returns c to carriers.
func (c *carrier) free() {
	clear(c.headers) // so that it keeps nothing of the caller alive
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
	c.added += int64(len(key) + len(value) + 2*5) // with two length fields
}

// Keys returns the keys.
func (c *carrier) Keys() (keys []string) {
	for _, h := range c.headers {
		keys = append(keys, h.Key)
	}
	return keys
}
