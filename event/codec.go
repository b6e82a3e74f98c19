package event

import "github.com/forebay-go/forebay/producer"

// Codec turns values of T into the bytes that a record carries. It must be safe for concurrent use.
type Codec[T any] interface {
	// Append appends the encoding of v to dst and returns the extended slice, as the functions of
	// strconv do. It keeps neither dst nor what it returns, and leaves the bytes of dst as they
	// are. Nothing appended is an empty value, not a null one. An error, or a panic, makes Send
	// refuse the event with ErrEncode.
	Append(dst []byte, v T) ([]byte, error)

	// ContentType returns the media type of what Append writes, such as "application/json". New
	// calls it once. With CloudEvents it is the header content-type.
	ContentType() string
}

// Holder is a Codec whose values may lack something that is not known yet, such as the ID of a
// schema. Send calls Hold before Append, and puts the result in Record.Hold: the record then waits
// in the buffer until Hold.Release, which patches its value. nil means that all is known.
type Holder interface{ Hold() *producer.Hold }
