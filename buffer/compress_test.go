package buffer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// lines returns n bytes of something like a log.
func lines(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b,
			"2026-03-04 05:%02d:%02d,%03d INFO dfs.DataNode: Received block blk_%d of size "+
				"67108864 from /10.250.%d.%d\n",
			r.IntN(60), r.IntN(60), r.IntN(1000), r.Int64(), r.IntN(256), r.IntN(256))
	}
	return b.Bytes()[:n]
}

// noise returns n random bytes.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

func TestCodec_IsReadByOthers_ConcurrentSafe(t *testing.T) {
	for _, name := range []string{"gzip", "snappy", "lz4", "zstd"} {
		t.Run(name, func(t *testing.T) {
			c, err := NewCodec(name, 0)
			require.NoError(t, err)
			var wg sync.WaitGroup
			for _, n := range []int{1, 100, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3 << 20, -1, -1 << 20,
				-5 << 19} {
				wg.Go(func() {
					src := lines(max(n, 0))
					if n < 0 { // in the middle something that cannot be made smaller
						src = slices.Concat(lines(1<<20), noise(-n), lines(100))
					}
					var dst bytes.Buffer
					for range 3 {
						dst.Reset()
						small, codec := c.compressor.Compress(&dst, src)
						back, err := kgo.DefaultDecompressor().Decompress(small, codec)
						if err != nil || !bytes.Equal(src, back) {
							t.Errorf("%d bytes came back as %d: %v", n, len(back), err)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestCodec_LevelsAreReadByOthersAndDiffer(t *testing.T) {
	src := lines(100_000)
	for name, most := range Levels {
		size := make(map[int]int)
		for _, level := range []int{0, 1, most / 2, most} {
			c, err := NewCodec(name, level)
			require.NoError(t, err)
			require.Equal(t, name, c.Name())
			for range 2 {
				small, codec := c.compressor.Compress(new(bytes.Buffer), src)
				back, err := kgo.DefaultDecompressor().Decompress(small, codec)
				require.NoError(t, err)
				require.True(t, bytes.Equal(src, back))
				require.EqualValues(t, codec, c.Number())
				size[level] = len(small)
			}
		}
		require.NotEqual(t, size[0], size[most], name)
	}
}

// The buffer is kept for the next batch. It need not be as large as a stretched one.
func TestCodec_LZ4TakesRoomForABlockBesideTheResult(t *testing.T) {
	c, err := NewCodec("lz4", 0)
	require.NoError(t, err)
	var dst bytes.Buffer
	small, _ := c.compressor.Compress(&dst, lines(4_000_000))
	require.Less(t, len(small), 1_500_000)
	require.Less(t, dst.Cap(), 3<<20)
}

// A batch has a CRC: who reads it need not check another.
func TestCodec_HasNoChecksumOfItsOwn(t *testing.T) {
	head := func(name string) []byte {
		c, err := NewCodec(name, 0)
		require.NoError(t, err)
		small, _ := c.compressor.Compress(new(bytes.Buffer), lines(1_000_000))
		return small
	}
	lz4 := head("lz4")
	require.Equal(t, byte(0b0110_0000), lz4[4],
		"version 1; independent blocks; no checksum of blocks, size, checksum of the content, "+
			"dictionary")
	require.Equal(t, byte(6<<4), lz4[5], "blocks of up to 1 MiB")
	require.Zero(t, head("zstd")[4]&0b0000_0100, "no checksum of the content")
}

// BenchmarkCodec compares with the compressors of kgo, over more than fits into a processor's
// cache.
func BenchmarkCodec(b *testing.B) {
	batches := make([][]byte, 32)
	for i := range batches {
		batches[i] = bytes.Clone(lines(1_000_000))
	}
	for name, theirs := range map[string]kgo.CompressionCodec{"lz4": kgo.Lz4Compression(),
		"zstd": kgo.ZstdCompression()} {
		codec, err := NewCodec(name, 0)
		require.NoError(b, err)
		kgos, err := kgo.DefaultCompressor(theirs)
		require.NoError(b, err)
		for who, c := range map[string]kgo.Compressor{"ours": codec.compressor, "kgo": kgos} {
			b.Run(name+"/"+who, func(b *testing.B) {
				var dst bytes.Buffer
				b.SetBytes(int64(len(batches[0])))
				size := 0
				for i := 0; b.Loop(); i++ {
					dst.Reset()
					small, _ := c.Compress(&dst, batches[i%len(batches)])
					size = len(small)
				}
				b.ReportMetric(float64(len(batches[0]))/float64(size), "ratio")
			})
		}
	}
}
