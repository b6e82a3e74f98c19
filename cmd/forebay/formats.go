package main

import (
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// sniffed is how many bytes of an input are read to tell its format.
const sniffed = 8 << 10

// format is a kind of compressed data.
type format struct {
	name  string
	magic string                             // its first bytes; '?' stands for any byte
	open  func(io.Reader) (io.Reader, error) // decompresses it; nil if forebay cannot
	tool  string                             // the command that can, if open is nil
}

// formats are recognized by their first bytes, not by file names: a pipe has none.
var formats = []format{
	{name: "gzip", magic: "\x1f\x8b\x08", open: openGzip},
	{name: "zstd", magic: "\x28\xb5\x2f\xfd", open: openZstd},
	{name: "zstd", magic: "\x50\x2a\x4d\x18", open: openZstd}, // a skippable frame, as of pzstd
	{name: "bzip2", magic: "BZh?1AY&SY", open: openBzip2},
	{name: "bzip2", magic: "BZh?\x17rE8P\x90", open: openBzip2}, // empty
	{name: "lz4", magic: "\x04\x22\x4d\x18", open: openLZ4},
	{name: "lz4", magic: "\x02\x21\x4c\x18", open: openLZ4}, // the legacy format
	{name: "snappy", magic: "\xff\x06\x00\x00sNaPpY", open: openS2},
	{name: "s2", magic: "\xff\x06\x00\x00S2sTwO", open: openS2},
	{name: "zlib", magic: "\x78\x9c", open: openZlib},
	{name: "zlib", magic: "\x78\xda", open: openZlib},
	{name: "xz", magic: "\xfd7zXZ\x00", tool: "xz -dc"},
	{name: "lzip", magic: "LZIP\x01", tool: "lzip -dc"},
	{name: "lzop", magic: "\x89LZO\x00\r\n\x1a\n", tool: "lzop -dc"},
	{name: "compress", magic: "\x1f\x9d", tool: "uncompress -c"},
	{name: "zip", magic: "PK\x03\x04", tool: "unzip -p"},
	{name: "zip", magic: "PK\x05\x06", tool: "unzip -p"},
	{name: "7z", magic: "7z\xbc\xaf\x27\x1c", tool: "7z x -so"},
	{name: "rar", magic: "Rar!\x1a\x07", tool: "unrar p -inul"},
}

// unmarked names the commands for formats without magic bytes, by the ending of the file's name.
var unmarked = map[string]string{".br": "brotli -dc", ".lzma": "xz -dc"}

// encodings are recognized by their byte order mark. UTF-16LE comes after UTF-32LE, whose mark is
// the same with two zeros after it.
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

// formatOf returns the format that begins with head.
func formatOf(head []byte) (format, bool) {
	for _, f := range formats {
		if begins(head, f.magic) {
			return f, true
		}
	}
	return format{}, false
}

// sniff reads as much of r as tells its format. The error is that of r, if it came first.
func sniff(r io.Reader) (head []byte, err error) {
	head = make([]byte, 0, sniffed)
	for err == nil && len(head) < cap(head) && undecided(head) {
		var n int
		n, err = r.Read(head[len(head):cap(head)])
		head = head[:len(head)+n]
	}
	return head, err
}

// undecided reports whether more bytes after head may still make it a format or an encoding.
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

// begins reports whether head begins with magic, in which '?' stands for any byte.
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
