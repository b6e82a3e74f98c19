package buffer

import (
	"bytes"
	"encoding/binary"
	"sync"

	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
)

// lz4Compressor makes frames of independent blocks, without checksums, as Kafka's Java client does:
// a batch has a CRC of its own. It is safe for concurrent use.
//
// The compressor of kgo has a checksum of the content too, which takes a seventh of its time, and
// blocks of 4 MiB, for which whoever reads them sets memory aside. A full batch fits into 1 MiB.
// The library's own writer of frames is not used, for it copies what is less than a block before it
// compresses it, and once more afterwards.
type lz4Compressor struct {
	head   []byte    // of every frame
	blocks sync.Pool // of lz4Blocks, each for one goroutine at a time
}

// lz4Blocks compresses blocks: *lz4.Compressor fast, *lz4.CompressorHC as its level says.
type lz4Blocks interface {
	CompressBlock(src, dst []byte) (int, error)
}

const (
	lz4Block = 1 << 20 // bytes in a block
	lz4Plain = 1 << 31 // added to the size of one that is not compressed
)

// lz4End is in the place of the size of one more block.
var lz4End = make([]byte, 4)

// newLZ4 returns the compressor of a level from 1 to 9; 0 is the fastest.
func newLZ4(level int) (*lz4Compressor, error) {
	var empty bytes.Buffer // the frame around nothing
	w := lz4.NewWriter(&empty)
	if err := w.Apply(lz4.BlockSizeOption(lz4.Block1Mb), lz4.ChecksumOption(false)); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	c := &lz4Compressor{head: bytes.TrimSuffix(empty.Bytes(), lz4End)}
	c.blocks.New = func() any { return new(lz4.Compressor) }
	if level > 0 {
		depth := lz4.Level1 << (level - 1)
		c.blocks.New = func() any { return &lz4.CompressorHC{Level: depth} }
	}
	return c, nil
}

// Compress implements kgo.Compressor.
func (c *lz4Compressor) Compress(dst *bytes.Buffer, src []byte, _ ...kgo.CompressFlag) ([]byte,
	kgo.CompressionCodecType) {
	blocks := c.blocks.Get().(lz4Blocks)
	defer c.blocks.Put(blocks)
	dst.Write(c.head)
	for len(src) > 0 {
		block := src[:min(len(src), lz4Block)]
		src = src[len(block):]
		// for this block, not for all: dst is kept, and the rest will be smaller
		dst.Grow(lz4.CompressBlockBound(len(block)) + 2*len(lz4End))
		dst.Write(appendBlock(dst.AvailableBuffer(), block, blocks))
	}
	dst.Write(lz4End)
	return dst.Bytes(), kgo.CodecLz4
}

// appendBlock appends a block to frame, which has room for it, after its size.
func appendBlock(frame, block []byte, c lz4Blocks) []byte {
	at := len(frame) + len(lz4End)
	n, err := c.CompressBlock(block, frame[at:cap(frame)])
	if err != nil || n == 0 || n >= len(block) {
		frame = binary.LittleEndian.AppendUint32(frame, uint32(len(block))|lz4Plain)
		return append(frame, block...)
	}
	return binary.LittleEndian.AppendUint32(frame, uint32(n))[:at+n]
}
