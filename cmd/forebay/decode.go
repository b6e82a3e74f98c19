package main

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// sniffed is how much of the beginning of an input is looked at, in bytes.
const sniffed = 8 << 10

// zstdWindow bounds the memory that a zstd stream may ask for, in bytes. It is the bound of the
// command zstd, too.
const zstdWindow = 128 << 20

// format is a kind of data that is not lines of UTF-8.
type format struct {
	name  string
	magic string                             // what it begins with; '?' is any byte
	open  func(io.Reader) (io.Reader, error) // what reads it; nil if nothing here does
	tool  string                             // what writes it as text, where open is nil
}

// formats are told apart by how they begin, not by the names of files: a pipe has none.
var formats = []format{
	{name: "gzip", magic: "\x1f\x8b\x08", open: func(r io.Reader) (io.Reader,
		error) {
		return gzip.NewReader(r)
	}},
	{name: "zstd", magic: "\x28\xb5\x2f\xfd", open: openZstd},
	// a frame to be skipped, as pzstd writes
	{name: "zstd", magic: "\x50\x2a\x4d\x18", open: openZstd},
	{name: "bzip2", magic: "BZh?1AY&SY", open: openBzip2},
	{name: "bzip2", magic: "BZh?\x17rE8P\x90", open: openBzip2}, // an empty one
	{name: "lz4", magic: "\x04\x22\x4d\x18", open: openLZ4},
	{name: "lz4", magic: "\x02\x21\x4c\x18", open: openLZ4}, // its old form
	{name: "snappy", magic: "\xff\x06\x00\x00sNaPpY", open: openS2},
	{name: "s2", magic: "\xff\x06\x00\x00S2sTwO", open: openS2},
	{name: "zlib", magic: "\x78\x9c", open: func(r io.Reader) (io.Reader,
		error) {
		return zlib.NewReader(r)
	}},
	{name: "zlib", magic: "\x78\xda", open: func(r io.Reader) (io.Reader,
		error) {
		return zlib.NewReader(r)
	}},
	{name: "xz", magic: "\xfd7zXZ\x00", tool: "xz -dc"},
	{name: "lzip", magic: "LZIP\x01", tool: "lzip -dc"},
	{name: "lzop", magic: "\x89LZO\x00\r\n\x1a\n", tool: "lzop -dc"},
	{name: "compress", magic: "\x1f\x9d", tool: "uncompress -c"},
	{name: "zip", magic: "PK\x03\x04", tool: "unzip -p"},
	{name: "zip", magic: "PK\x05\x06", tool: "unzip -p"},
	{name: "7z", magic: "7z\xbc\xaf\x27\x1c", tool: "7z x -so"},
	{name: "rar", magic: "Rar!\x1a\x07", tool: "unrar p -inul"},
}

// encodings are those that begin with a byte order mark. What has two zeros after its mark is not
// UTF-16, so that comes last.
var encodings = []struct {
	mark string
	text encoding.Encoding // nil for UTF-8
}{
	{"\xef\xbb\xbf", nil},
	{"\xff\xfe\x00\x00", utf32.UTF32(utf32.LittleEndian, utf32.ExpectBOM)},
	{"\x00\x00\xfe\xff", utf32.UTF32(utf32.BigEndian, utf32.ExpectBOM)},
	{"\xff\xfe", unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)},
	{"\xfe\xff", unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM)},
}

// unmarked are endings of names of files whose formats begin with nothing that tells them.
var unmarked = map[string]string{".br": "brotli -dc", ".lzma": "xz -dc"}

// foreignError says that an input is nothing that has lines, and what to do about it. Nothing of it
// was sent.
type foreignError struct{ text string }

// Error returns the error in words.
func (e *foreignError) Error() string { return e.text }

// decoder reads an input as text in UTF-8 without a byte order mark, whatever it is compressed
// with. What it is shows in its first bytes; it waits for no more of them than it takes to tell, as
// lines may be typed.
type decoder struct {
	name   string
	in     io.Reader
	out    io.Reader // of what Read returns; nil before the first one
	closer func()
}

func newDecoder(name string, in io.Reader) *decoder {
	return &decoder{name: name, in: in, closer: func() {}}
}

// Read reads what is decoded. The error is a *foreignError where nothing can be.
func (d *decoder) Read(p []byte) (int, error) {
	if d.out == nil {
		out, err := d.open(d.in, false)
		if err != nil {
			return 0, err
		}
		d.out = out
	}
	return d.out.Read(p)
}

// close frees what decoding took. It does not close the input.
func (d *decoder) close() { d.closer() }

// open returns what decodes r; within reports whether that is the content of something compressed.
func (d *decoder) open(r io.Reader, within bool) (io.Reader, error) {
	head, err := sniff(r)
	if err != nil && !errors.Is(err, io.EOF) {
		return io.MultiReader(bytes.NewReader(head), failed{err}), nil
	}
	whole := io.MultiReader(bytes.NewReader(head), r)
	for _, f := range formats {
		if !begins(head, f.magic) {
			continue
		}
		if f.open == nil {
			return nil, d.foreign("it is compressed with "+f.name, f.tool)
		}
		if within {
			return nil, d.foreign("it is compressed twice, "+f.name+" within",
				"what decompresses it")
		}
		opened, err := f.open(whole)
		if err != nil {
			return nil, compressed{f.name, nil}.explain(err)
		}
		if c, ok := opened.(io.Closer); ok {
			d.closer = func() { _ = c.Close() }
		}
		return d.open(compressed{f.name, opened}, true)
	}
	for _, e := range encodings {
		if rest, ok := bytes.CutPrefix(head, []byte(e.mark)); ok {
			if e.text != nil {
				return e.text.NewDecoder().Reader(whole), nil
			}
			head, whole = rest, io.MultiReader(bytes.NewReader(rest), r)
			break
		}
	}
	tool := unmarked[strings.ToLower(filepath.Ext(d.name))]
	switch {
	case tool != "" && !within && !utf8.Valid(head):
		return nil, d.foreign("it is not text, and its name says that it is compressed", tool)
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return nil, d.foreign("it is a tar archive", "tar -xO -f")
	case bytes.IndexByte(head, 0) >= 0:
		return nil,
			&foreignError{"it has NUL bytes, so it is binary, or UTF-16 without a byte order " +
				"mark: convert it (iconv -t UTF-8), " +
				"or write --raw to send its lines as they are"}
	}
	return whole, nil
}

func (d *decoder) foreign(what, tool string) error {
	return &foreignError{fmt.Sprintf("%s, which is not read here: send what %q writes, or write "+
		"--raw to send its bytes as they are", what, tool)}
}

// sniff reads the beginning of r, as much as tells what it is. The error is that of r, if that came
// first.
func sniff(r io.Reader) (head []byte, err error) {
	head = make([]byte, 0, sniffed)
	for err == nil && len(head) < cap(head) && undecided(head) {
		var n int
		n, err = r.Read(head[len(head):cap(head)])
		head = head[:len(head)+n]
	}
	return head, err
}

// undecided reports whether what follows head may still make it one of the formats or encodings.
func undecided(head []byte) bool {
	for _, f := range formats {
		if len(head) < len(f.magic) && begins(head, f.magic[:len(head)]) {
			return true
		}
	}
	for _, e := range encodings {
		if len(head) < len(e.mark) && strings.HasPrefix(e.mark, string(head)) {
			return true
		}
	}
	return false
}

// begins reports whether head begins with magic, in which '?' is any byte.
func begins(head []byte, magic string) bool {
	if len(head) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && magic[i] != head[i] {
			return false
		}
	}
	return true
}

// compressed reads what is compressed, and says so where that fails.
type compressed struct {
	format string
	r      io.Reader
}

// Read reads what is decompressed.
func (c compressed) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	return n, c.explain(err)
}

func (c compressed) explain(err error) error {
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the %s data is cut off", c.format)
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return fmt.Errorf("decompressing it takes more than 128 MiB: send what %q writes",
			"zstd -dc --long=31")
	case strings.HasPrefix(err.Error(), c.format+": "):
		return err
	}
	return fmt.Errorf("%s: %w", c.format, err)
}

// failed is a reader that has failed.
type failed struct{ err error }

// Read returns the error.
func (f failed) Read([]byte) (int, error) { return 0, f.err }

func openZstd(r io.Reader) (io.Reader, error) {
	// One at a time has no goroutines.
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
