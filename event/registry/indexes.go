package registry

import (
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/sr"
)

// CodecOption changes a codec. A nil CodecOption changes nothing.
type CodecOption interface{ apply(*codecOptions) }

type codecOptions struct {
	indexes []int // nil: not given
}

type codecOptionFunc func(*codecOptions)

func (f codecOptionFunc) apply(o *codecOptions) { f(o) }

// MessageIndexes says where in its .proto file the message is: 0 for the first message, 1 for the
// second, 1, 0 for the first one inside of the second. Types that protoc-gen-go has generated need
// no such option, unless they have the opaque API.
func MessageIndexes(first int, nested ...int) CodecOption {
	return codecOptionFunc(func(o *codecOptions) {
		o.indexes = append([]int{first}, nested...)
	})
}

// described is what protoc-gen-go generates for each message. The result is the same for every
// value, and the receiver is not used.
type described interface{ Descriptor() ([]byte, []int) }

// messageIndexes returns what the header of a value has beside the ID. A wrong index would have
// readers decode another message, so there is no default.
func messageIndexes[T any](kind sr.SchemaType, o codecOptions) ([]int, error) {
	if kind != sr.TypeProtobuf {
		if o.indexes != nil {
			return nil, fmt.Errorf("MessageIndexes: the schema is %v: remove the option, or set "+
				"the type of the schema to sr.TypeProtobuf", kind)
		}
		return nil, nil
	}
	indexes := o.indexes
	var none T
	if message, ok := any(none).(described); ok && indexes == nil {
		_, indexes = message.Descriptor()
	}
	if len(indexes) == 0 {
		return nil, errors.New("MessageIndexes: not given, and the type has no Descriptor: write " +
			"MessageIndexes(0) for the first message of the .proto file")
	}
	if slices.Min(indexes) < 0 {
		return nil, fmt.Errorf("MessageIndexes: %v: write numbers from 0", indexes)
	}
	return slices.Clone(indexes), nil
}
