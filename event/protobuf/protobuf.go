package protobuf

import (
	"google.golang.org/protobuf/proto"

	"github.com/forebay-go/forebay/event"
)

// New returns a codec for messages of type T, the pointer type that protoc-gen-go generates: New
// for *pb.Started, say. It writes the bytes of proto.Marshal, and the maps of a message in the
// order of their keys, so that equal messages have equal bytes within one build of a program. A
// message that lacks a required field (proto2) fails to encode.
func New[T proto.Message]() event.Codec[T] { return codec[T]{} }

type codec[T proto.Message] struct{}

var options = proto.MarshalOptions{Deterministic: true}

func (codec[T]) Append(dst []byte, v T) ([]byte, error) { return options.MarshalAppend(dst, v) }

func (codec[T]) ContentType() string { return "application/protobuf" }
