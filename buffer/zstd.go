package buffer

import (
	"bytes"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kgo"
)

// zstdCompressor makes frames without a checksum, because a batch has a CRC of its own. It is safe
// for concurrent use.
//
// The compressor of kgo looks harder for matches in a window of 64 KiB. Looking less hard in a
// whole batch finds as much, in half of the time, and far more where records repeat what came a
// hundred kilobytes before.
type zstdCompressor struct {
	encoders sync.Pool // of *zstd.Encoder, each for one goroutine at a time
}

// zstdOptions have an encoder of a level take little more than its window.
func zstdOptions(level zstd.EncoderLevel) []zstd.EOption {
	return []zstd.EOption{
		zstd.WithEncoderLevel(level), zstd.WithWindowSize(1 << 20),
		zstd.WithEncoderCRC(false), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
	}
}

// newZstd returns the compressor of a level from 1 to 22 as zstd counts them, of which the library
// makes four; 0 is the fastest.
func newZstd(level int) (*zstdCompressor, error) {
	c, of := new(zstdCompressor), zstd.SpeedFastest
	if level > 0 {
		of = zstd.EncoderLevelFromZstd(level)
	}
	options := zstdOptions(of)
	first, err := zstd.NewWriter(nil, options...)
	if err != nil {
		return nil, err
	}
	c.encoders.New = func() any {
		// it fails on options that contradict each other, which these do not
		e, _ := zstd.NewWriter(nil, options...)
		return e
	}
	c.encoders.Put(first)
	return c, nil
}

// Compress implements kgo.Compressor.
func (c *zstdCompressor) Compress(dst *bytes.Buffer, src []byte, _ ...kgo.CompressFlag) ([]byte,
	kgo.CompressionCodecType) {
	e := c.encoders.Get().(*zstd.Encoder)
	defer c.encoders.Put(e)
	dst.Grow(e.MaxEncodedSize(len(src)))
	return e.EncodeAll(src, dst.AvailableBuffer()), kgo.CodecZstd
}
