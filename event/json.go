package event

import (
	"encoding/json"
	"sync"
)

// JSON returns a codec for encoding/json. It writes what json.Marshal writes for a pointer to the
// value, with one difference: '<', '>' and '&' stay as they are, because events are not written
// into HTML pages. Every JSON reader reads both forms alike. There is no newline at the end.
// A type that json.Marshal cannot encode, such as one with a function in it, shows only when an
// event is sent: Send then returns ErrEncode.
//
// Methods MarshalJSON and MarshalText are called whether their receiver is a pointer or not. They
// must not keep a receiver that is a pointer to T.
func JSON[T any]() Codec[T] { return new(jsonCodec[T]) }

type jsonCodec[T any] struct{ idle sync.Pool } // of *jsonEncoder[T]

// jsonEncoder is a json.Encoder that appends to out. The value is a field of it, so that to pass it
// as an interface does not allocate.
type jsonEncoder[T any] struct {
	encoder *json.Encoder
	value   T
	out     []byte
}

// Write is called by the encoder, once for each value.
func (e *jsonEncoder[T]) Write(p []byte) (int, error) {
	e.out = append(e.out, p...)
	return len(p), nil
}

func (c *jsonCodec[T]) ContentType() string { return "application/json" }

func (c *jsonCodec[T]) Append(dst []byte, v T) ([]byte, error) {
	e, ok := c.idle.Get().(*jsonEncoder[T])
	if !ok {
		e = new(jsonEncoder[T])
		e.encoder = json.NewEncoder(e)
		e.encoder.SetEscapeHTML(false)
	}
	e.value, e.out = v, dst
	err := e.encoder.Encode(&e.value)
	dst = e.out
	var none T
	e.value, e.out = none, nil // nothing of the caller is kept
	c.idle.Put(e)
	if err != nil {
		return dst, err
	}
	return dst[:len(dst)-1], nil // without the newline
}
