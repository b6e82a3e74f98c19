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

// zstdOptions have an encoder take little more than its window.
var zstdOptions = []zstd.EOption{
	zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1 << 20),
	zstd.WithEncoderCRC(false), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
}

func newZstd() (*zstdCompressor, error) {
	c := new(zstdCompressor)
	first, err := zstd.NewWriter(nil, zstdOptions...)
	if err != nil {
		return nil, err
	}
	c.encoders.New = func() any {
		// it fails on options that contradict each other, which these do not
		e, _ := zstd.NewWriter(nil, zstdOptions...)
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
