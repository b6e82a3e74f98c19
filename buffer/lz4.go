package buffer

import (
	"bytes"
	"sync"

	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
)

// lz4Compressor makes frames of independent blocks, without checksums, as Kafka's Java client does: a batch has a CRC of its own. It is
// safe for concurrent use.
//
// The compressor of kgo has a checksum of the content too, which takes a seventh of its time, and blocks of 4 MiB, for which whoever reads
// them sets memory aside. A full batch fits into 1 MiB.
type lz4Compressor struct {
	writers sync.Pool // of *lz4.Writer
}

var lz4Options = []lz4.Option{lz4.BlockSizeOption(lz4.Block1Mb), lz4.ChecksumOption(false)}

func newLZ4() (*lz4Compressor, error) {
	c := &lz4Compressor{}
	c.writers.New = func() any {
		w := lz4.NewWriter(nil)
		_ = w.Apply(lz4Options...) // these are tried below
		return w
	}
	return c, lz4.NewWriter(nil).Apply(lz4Options...)
}

// Compress implements kgo.Compressor.
func (c *lz4Compressor) Compress(dst *bytes.Buffer, src []byte, _ ...kgo.CompressFlag) ([]byte, kgo.CompressionCodecType) {
	w := c.writers.Get().(*lz4.Writer)
	defer c.writers.Put(w)
	w.Reset(dst)
	if _, err := w.Write(src); err != nil {
		return nil, kgo.CodecError
	}
	if err := w.Close(); err != nil {
		return nil, kgo.CodecError
	}
	return dst.Bytes(), kgo.CodecLz4
}
