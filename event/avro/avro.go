package avro

import (
	"fmt"
	"reflect"
	"sync"

	"github.com/hamba/avro/v2"

	"github.com/forebay-go/forebay/event"
)

// New returns a codec for values of T by an Avro schema, a text of JSON. Named types that the
// schema uses and does not define are defined by the others, each of which may use those before it.
// All are parsed once, here.
//
// The error says what is wrong with a schema, or why T does not fit: a field that the schema has
// and T lacks, or a type that cannot become that of its field. Whatever is behind an interface type
// shows only when an event is sent; Send then returns event.ErrEncode.
//
// The types are those of github.com/hamba/avro/v2, with one exception: New rejects uint64 for a
// fixed type of 8 bytes, which that library does not encode safely on several goroutines. A Go int
// for an Avro int is cut to 32 bits: write int32, or a long in the schema.
func New[T any](schema string, others ...string) (event.Codec[T], error) {
	// a cache of its own, so that schemas of several codecs may define the same name
	cache := new(avro.SchemaCache)
	for i, other := range others {
		if _, err := avro.ParseWithCache(other, "", cache); err != nil {
			return nil, fmt.Errorf("avro: schema %d of the others: %w", i+1, err)
		}
	}
	parsed, err := avro.ParseWithCache(schema, "", cache)
	if err != nil {
		return nil, fmt.Errorf("avro: the schema: %w", err)
	}
	c := &codec[T]{schema: parsed}
	c.byPointer = parsed.Type() == avro.Record && reflect.TypeFor[T]().Kind() == reflect.Struct
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("avro: %v does not fit the schema: %w", reflect.TypeFor[T](), err)
	}
	return c, nil
}

type codec[T any] struct {
	schema avro.Schema
	// T is a struct: a pointer to it is encoded alike, and needs no allocation
	byPointer bool
	idle      sync.Pool // of *writer[T]
}

// writer is an avro.Writer, with a value so that a pointer to it need not be allocated.
type writer[T any] struct {
	*avro.Writer
	value T
}

func (c *codec[T]) ContentType() string { return "application/avro" }

func (c *codec[T]) Append(dst []byte, v T) ([]byte, error) {
	w, ok := c.idle.Get().(*writer[T])
	if !ok {
		w = &writer[T]{Writer: avro.NewWriter(nil, 512)}
	}
	if c.byPointer {
		w.value = v
		w.WriteVal(c.schema, &w.value)
	} else {
		w.WriteVal(c.schema, v)
	}
	err := w.Error
	if err == nil {
		dst = append(dst, w.Buffer()...)
	}
	c.free(w)
	return dst, err
}

// keptBytes is how large a buffer may be that a small event leaves in the pool.
const keptBytes = 64 << 10

func (c *codec[T]) free(w *writer[T]) {
	if room := cap(w.Buffer()); room > keptBytes && w.Buffered() < room/4 {
		return
	}
	var none T
	w.value, w.Error = none, nil // nothing of the caller is kept
	w.Reset(nil)
	c.idle.Put(w)
}
