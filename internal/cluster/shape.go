package cluster

import (
	"encoding/binary"
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// kmsg trusts the lengths in an answer. It allocates as many elements as an array claims to have,
// about a hundred bytes each. It counts down the tags that a structure claims to have, up to four
// billion, even when nothing is left to read. So a few bytes of nonsense can cost gigabytes, or a
// minute of CPU time. That is why an answer is skimmed, without any allocation, before kmsg gets
// it.

// shape is the list of fields of an answer or a structure.
type shape []field

// field is one field of a shape.
type field struct {
	kind fieldKind
	size int              // of a fixed field, in bytes
	from int16            // the first version that has it
	to   int16            // the last
	of   shape            // of an array: its elements
	tags map[uint32]shape // the tags that have structures in them
}

type fieldKind uint8

const (
	fixed fieldKind = iota
	text
	array
	tags
)

func octets(size int) field { return field{kind: fixed, size: size, to: math.MaxInt16} }
func words() field          { return field{kind: text, to: math.MaxInt16} }

func list(of ...field) field { return field{kind: array, of: of, to: math.MaxInt16} }

func tagged(known map[uint32]shape) field {
	return field{kind: tags, tags: known, to: math.MaxInt16}
}

func (f field) since(version int16) field { f.from = version; return f }
func (f field) until(version int16) field { f.to = version; return f }

// spoken is the shape of the answers to one kind of request, up to the version last.
type spoken struct {
	last     int16
	flexible int16 // from this version on lengths are compact, and structures end in tags
	shape    shape
}

var feature = list(words(), octets(2), octets(2), tagged(nil))

// shapes has the answers to the requests that we send. Others, and later versions, are not skimmed.
var shapes = map[kmsg.Key]spoken{
	kmsg.ApiVersions: {last: 5, flexible: 3, shape: shape{
		octets(2),
		list(octets(2), octets(2), octets(2), tagged(nil)),
		octets(4).since(1),
		tagged(map[uint32]shape{0: {feature}, 2: {feature}}),
	}},
	kmsg.Metadata: {last: 13, flexible: 9, shape: shape{
		octets(4).since(3),
		list(octets(4), words(), octets(4), words().since(1), tagged(nil)),
		words().since(2),
		octets(4).since(1),
		list(
			octets(2), words(), octets(16).since(10), octets(1).since(1),
			list(
				octets(2), octets(4), octets(4), octets(4).since(7),
				list(octets(4)), list(octets(4)), list(octets(4)).since(5),
				tagged(nil),
			),
			octets(4).since(8),
			tagged(nil),
		),
		octets(4).since(8).until(10),
		octets(2).since(13),
		tagged(nil),
	}},
	kmsg.Produce: {last: 13, flexible: 9, shape: shape{
		list(
			words().until(12), octets(16).since(13),
			list(
				octets(4), octets(2), octets(8), octets(8).since(2), octets(8).since(5),
				list(octets(4), words(), tagged(nil)).since(8),
				words().since(8),
				tagged(map[uint32]shape{0: {octets(4), octets(4), tagged(nil)}}),
			),
			tagged(nil),
		),
		octets(4).since(1),
		tagged(map[uint32]shape{0: {list(octets(4), words(), octets(4), words(), tagged(nil))}}),
	}},
	kmsg.DescribeConfigs: {last: 4, flexible: 4, shape: shape{
		octets(4),
		list(
			octets(2), words(), octets(1), words(),
			list(
				words(), words(), octets(1), octets(1), octets(1),
				list(words(), words(), octets(1), tagged(nil)).since(1),
				octets(1).since(3), words().since(3),
				tagged(nil),
			),
			tagged(nil),
		),
		tagged(nil),
	}},
	kmsg.InitProducerID: {last: 5, flexible: 2,
		shape: shape{octets(4), octets(2), octets(8), octets(2), tagged(nil)}},
}

// sensible reports whether body, a frame without its size, has the shape of an answer to a request
// of key in version. If the shape is not known, it returns true.
func sensible(key kmsg.Key, version int16, body []byte) bool {
	s, ok := shapes[key]
	if !ok || version > s.last || len(body) < 4 {
		return true
	}
	k := skimmer{src: body[4:], version: version, flexible: version >= s.flexible}
	switch {
	case key != kmsg.ApiVersions:
		k.tags(nil) // of the header
	case len(k.src) > 1 && k.src[1] == 35:
		// UNSUPPORTED_VERSION comes in version 0, and kgo reads it so
		k.version, k.flexible = 0, false
	}
	k.skim(s.shape)
	return !k.bad
}

// skimmer walks over what is encoded.
type skimmer struct {
	src      []byte
	version  int16
	flexible bool
	bad      bool // there is less than there is said to be
}

func (k *skimmer) skim(s shape) {
	for i := range s {
		f := &s[i]
		if k.version < f.from || k.version > f.to {
			continue
		}
		switch f.kind {
		case fixed:
			k.skip(f.size)
		case text:
			k.skip(k.length(2))
		case array:
			for n := k.length(4); n > 0 && !k.bad; n-- {
				k.skim(f.of)
			}
		case tags:
			k.tags(f.tags)
		}
		if k.bad {
			return
		}
	}
}

// tags walks over the tags at the end of a structure.
func (k *skimmer) tags(known map[uint32]shape) {
	if !k.flexible {
		return
	}
	for n := k.uvarint(); n > 0 && !k.bad; n-- {
		key := k.uvarint()
		body := k.skip(int(k.uvarint()))
		if s, ok := known[key]; ok && !k.bad {
			inner := skimmer{src: body, version: k.version, flexible: true}
			inner.skim(s)
			k.bad = inner.bad
		}
	}
}

// skip walks over n bytes and returns them.
func (k *skimmer) skip(n int) []byte {
	if k.bad || n > len(k.src) {
		k.bad = true
		return nil
	}
	skipped := k.src[:n]
	k.src = k.src[n:]
	return skipped
}

// length reads the length of a text or an array; size is that of the length field itself, where it
// is not compact. Null has length 0.
func (k *skimmer) length(size int) int {
	if k.flexible {
		return max(0, int(k.uvarint())-1)
	}
	b := k.skip(size)
	switch {
	case b == nil:
		return 0
	case size == 2:
		return max(0, int(int16(binary.BigEndian.Uint16(b))))
	}
	return max(0, int(int32(binary.BigEndian.Uint32(b))))
}

func (k *skimmer) uvarint() uint32 {
	v, n := binary.Uvarint(k.src)
	if n <= 0 || v > math.MaxInt32 {
		k.bad = true
		return 0
	}
	k.src = k.src[n:]
	return uint32(v)
}
