package buffer

import (
	"bytes"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Codec compresses batches. It is safe for concurrent use.
type Codec struct {
	name       string
	number     kgo.CompressionCodecType
	compressor kgo.Compressor // nil: none
	scratch    sync.Pool      // of *bytes.Buffer
}

// NoCodec leaves batches as they are.
var NoCodec = &Codec{name: "none"}

// Levels are the highest levels of the codecs that have levels, from 1 on.
var Levels = map[string]int{"gzip": 9, "lz4": 9, "zstd": 22}

// NewCodec returns the codec called none, gzip, snappy, lz4 or zstd. A level of 0 is the default of
// the codec; others are those of Levels.
func NewCodec(name string, level int) (*Codec, error) {
	c := &Codec{name: name, scratch: sync.Pool{New: func() any { return new(bytes.Buffer) }}}
	var err error
	switch name {
	case "lz4":
		c.number = kgo.CodecLz4
		c.compressor, err = newLZ4(level)
	case "gzip":
		c.number = kgo.CodecGzip
		gzip := kgo.GzipCompression()
		if level > 0 {
			gzip = gzip.WithLevel(level)
		}
		c.compressor, err = kgo.DefaultCompressor(gzip)
	case "snappy":
		c.number = kgo.CodecSnappy
		c.compressor, err = kgo.DefaultCompressor(kgo.SnappyCompression())
	case "zstd":
		c.number = kgo.CodecZstd
		c.compressor, err = newZstd(level)
	}
	return c, err
}

// Name returns the name of c, as for NewCodec.
func (c *Codec) Name() string { return c.name }

// Number returns Kafka's number of c, as for Batch.Codec.
func (c *Codec) Number() int8 { return int8(c.number) }

// None reports whether the codec leaves batches as they are.
func (c *Codec) None() bool { return c.compressor == nil }

// Compress compresses the records of b, unless that was done before. Only the goroutine that took
// or claimed b may call it. The smaller buffer replaces the larger one in the budget. The copy in
// between belongs to the codec.
func (b *Batch) Compress(c *Codec) {
	if b.stage.Load() == final {
		return
	}
	defer b.stage.Store(final)
	if c.None() {
		return
	}
	scratch := c.scratch.Get().(*bytes.Buffer)
	defer c.scratch.Put(scratch)
	scratch.Reset()
	small, codec := c.compressor.Compress(scratch, b.body)
	if codec == kgo.CodecError {
		return
	}
	b.topic.packed.learn(len(b.body), min(len(small), len(b.body)))
	if codec == kgo.CodecNone || len(small) >= len(b.body) {
		return // random bytes: a larger result would only waste the reader's time
	}
	b.rawBytes = len(b.body)
	l := b.topic.lane
	if roundUp(len(small)) < cap(b.body) {
		less := int64(roundUp(len(small)) - cap(b.body))
		l.pool.put(b.body)
		b.body = l.pool.get(len(small))
		b.charge(less)
	}
	b.body = append(b.body[:0], small...)
	b.sum = sum{}
	b.codec = int8(codec)
}

// Busy reports whether b is claimed for compression that is not done yet. A busy batch cannot be
// taken.
func (b *Batch) Busy() bool { return b.stage.Load() == compressing }

var decompressor = sync.OnceValue(func() kgo.Decompressor { return kgo.DefaultDecompressor() })

// plain returns the records of b uncompressed.
func (b *Batch) plain() ([]byte, error) {
	if b.codec == 0 {
		return b.body, nil
	}
	return decompressor().Decompress(b.body, kgo.CompressionCodecType(b.codec))
}
