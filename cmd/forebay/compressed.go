package main

import (
	"compress/bzip2"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// zstdWindow bounds the memory that a zstd stream may ask for, in bytes. The zstd command has the
// same bound.
const zstdWindow = 128 << 20

// compressed reads decompressed data, and explains errors.
type compressed struct {
	format string
	r      io.Reader
}

// Read reads decompressed data.
func (c compressed) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	return n, c.explain(err)
}

func (c compressed) explain(err error) error {
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the %s data is truncated", c.format)
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return fmt.Errorf("decompressing it takes more than 128 MiB of memory: send the output "+
			"of %q", "zstd -dc --long=31")
	case strings.HasPrefix(err.Error(), c.format+": "):
		return err
	}
	return fmt.Errorf("%s: %w", c.format, err)
}

func openGzip(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }

func openZlib(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }

func openZstd(r io.Reader) (io.Reader, error) {
	// a concurrency of one starts no goroutines
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

func openBzip2(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }

func openLZ4(r io.Reader) (io.Reader, error) { return lz4.NewReader(r), nil }

func openS2(r io.Reader) (io.Reader, error) { return s2.NewReader(r), nil }
