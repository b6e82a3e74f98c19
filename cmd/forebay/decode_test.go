package main

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

const text = "k1:a\nk2:été\nc"

// bzip2Text is text compressed by bzip2; Go has no writer for it.
const bzip2Text = "QlpoOTFBWSZTWRP6a5AAAARJlAAQMBAoCAQAACAIACAAMQAwIBiacFGglUnDHi7kinChICf01yA="

// written returns content compressed by a writer.
func written[W io.WriteCloser](t *testing.T, create func(io.Writer) W, content string) string {
	t.Helper()
	var out bytes.Buffer
	w := create(&out)
	_, err := io.WriteString(w, content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.String()
}

func gzipped(t *testing.T, content string) string {
	t.Helper()
	return written(t, gzip.NewWriter, content)
}

func zstdWriter(w io.Writer) *zstd.Encoder {
	e, err := zstd.NewWriter(w)
	if err != nil {
		panic(err) // there are no options to be wrong
	}
	return e
}

// encodedTexts returns text in each supported format.
func encodedTexts(t *testing.T) map[string]string {
	t.Helper()
	unzipped, err := base64.StdEncoding.DecodeString(bzip2Text)
	require.NoError(t, err)
	all := map[string]string{
		"gzip":  gzipped(t, text),
		"zlib":  written(t, zlib.NewWriter, text),
		"zstd":  written(t, zstdWriter, text),
		"bzip2": string(unzipped),
		"lz4":   written(t, func(w io.Writer) *lz4.Writer { return lz4.NewWriter(w) }, text),
		"snappy": written(t, func(w io.Writer) *s2.Writer {
			return s2.NewWriter(w, s2.WriterSnappyCompat())
		}, text),
		"s2": written(t, func(w io.Writer) *s2.Writer { return s2.NewWriter(w) }, text),
	}
	for name, e := range map[string]interface{ String(string) (string, error) }{
		"UTF-16LE": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder(),
		"UTF-16BE": unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder(),
		"UTF-32LE": utf32.UTF32(utf32.LittleEndian, utf32.UseBOM).NewEncoder(),
		"UTF-32BE": utf32.UTF32(utf32.BigEndian, utf32.UseBOM).NewEncoder(),
		"UTF-8":    unicode.UTF8BOM.NewEncoder(),
	} {
		all[name], err = e.String(text)
		require.NoError(t, err)
		require.NotEqual(t, text, all[name])
	}
	return all
}

// decode returns what a decoder reads.
func decode(name string, r io.Reader) (string, error) {
	d := newDecoder(name, r)
	defer d.close()
	out, err := io.ReadAll(d)
	return string(out), err
}

func TestDecoder_ReadsTextWhateverItsForm(t *testing.T) {
	all := encodedTexts(t)
	all["two of gzip"] = gzipped(t, text[:7]) + gzipped(t, text[7:])
	all["two of zstd"] = written(t, zstdWriter, text[:7]) + written(t, zstdWriter, text[7:])
	all["zstd behind what pzstd writes"] = "\x50\x2a\x4d\x18\x04\x00\x00\x00\x01\x02\x03\x04" +
		all["zstd"]
	all["gzip of UTF-16"] = gzipped(t, all["UTF-16LE"])
	all["gzip of UTF-8 with a mark"] = gzipped(t, all["UTF-8"])
	all["as it is"] = text
	for name, encoded := range all {
		for reads, r := range map[string]io.Reader{
			"at once":     strings.NewReader(encoded),
			"one byte":    iotest.OneByteReader(strings.NewReader(encoded)),
			"EOF with it": iotest.DataErrReader(strings.NewReader(encoded)),
		} {
			got, err := decode("plays.log", r)
			require.NoError(t, err, "%s, %s", name, reads)
			require.Equal(t, text, got, "%s, %s", name, reads)
		}
	}
}

func TestDecoder_LeavesTextThatOnlyLooksLikeMoreAsItIs(t *testing.T) {
	for _, lines := range []string{"", "B", "BZ", "BZh9 is a level\n", "PK\n", "P", "7z\n",
		"LZIP\n", "Rar!\n", "x", "x^\x9c", "\x1f", "\xef\xbb", "\xff",
		"été\n", "\xe9t\xe9 in Latin-1\n"} {
		got, err := decode("plays.gz", strings.NewReader(lines))
		require.NoError(t, err)
		require.Equal(t, lines, got)
	}
	got, err := decode("plays.br", strings.NewReader("été\n"))
	require.NoError(t, err)
	require.Equal(t, "été\n", got)
}

func TestDecoder_SaysWhatItDoesNotRead(t *testing.T) {
	tar := strings.Repeat("\x00", 257) + "ustar" + strings.Repeat("\x00", 250)
	for name, row := range map[string]struct{ content, want string }{
		"a.xz": {"\xfd7zXZ\x00\x00",
			`compressed with xz, which forebay cannot read: send the output of "xz -dc"`},
		"a.zip": {"PK\x03\x04\x14", `"unzip -p"`},
		"a.7z":  {"7z\xbc\xaf\x27\x1c", `7z`},
		"a.rar": {"Rar!\x1a\x07\x01", `rar`},
		"a.lz":  {"LZIP\x01", `lzip`},
		"a.lzo": {"\x89LZO\x00\r\n\x1a\n", `lzop`},
		"a.Z":   {"\x1f\x9d\x90", `uncompress`},
		"a.br": {"\x8b\x05\x80text\x03",
			`its name says that it is compressed, which forebay cannot read: ` +
				`send the output of "brotli -dc"`},
		"a.tar":    {tar, `it is a tar archive`},
		"a.tar.gz": {gzipped(t, tar), `it is a tar archive`},
		"a.gz.gz":  {gzipped(t, gzipped(t, text)), `compressed twice`},
		"a.log":    {"k1:a\nk\x002:b\n", `it contains NUL bytes`},
		"a.txt":    {"k\x00:\x00a\x00\n\x00", `UTF-16 without a byte order mark: convert it with`},
	} {
		for i, r := range []io.Reader{strings.NewReader(row.content),
			iotest.OneByteReader(strings.NewReader(row.content))} {
			got, err := decode(name, r)
			if i == 1 && strings.IndexByte("k\x00\x8b", row.content[0]) >= 0 {
				continue // one byte is not enough; the feed sees the rest
			}
			require.ErrorAs(t, err, new(*foreignError), name)
			require.ErrorContains(t, err, row.want, name)
			require.ErrorContains(t, err, "--raw", name)
			require.Empty(t, got)
		}
	}
}

// A file that was copied in part must not count as whole. Snappy and S2 streams have no end marker.
func TestDecoder_MissesTheEndOfWhatIsCutOff(t *testing.T) {
	all := encodedTexts(t)
	for _, name := range []string{"gzip", "zlib", "zstd", "bzip2", "lz4"} {
		magic := map[string]int{"gzip": 3, "zlib": 2, "zstd": 4, "bzip2": 10, "lz4": 4}[name]
		for size := magic; size < len(all[name]); size++ {
			_, err := decode("a", strings.NewReader(all[name][:size]))
			require.Error(t, err, "%s: %d of %d bytes", name, size, len(all[name]))
		}
	}
	_, err := decode("a", strings.NewReader(all["gzip"][:20]))
	require.EqualError(t, err, "the gzip data is truncated")
	broken := errors.New("the disk is on fire")
	for name, encoded := range all {
		_, err = decode("a", io.MultiReader(strings.NewReader(encoded[:len(encoded)/2]),
			iotest.ErrReader(broken)))
		require.ErrorIs(t, err, broken, name)
	}
}

func TestDecoder_DoesNotWaitForMoreThanTheFirstLine(t *testing.T) {
	r, w := io.Pipe()
	go func() { _, _ = io.WriteString(w, "a\n") }()
	line := make([]byte, 10)
	n, err := newDecoder("standard input", r).Read(line)
	require.NoError(t, err)
	require.Equal(t, "a\n", string(line[:n]))
}

func TestDecoder_BoundsTheMemoryThatZstdMayAskFor(t *testing.T) {
	const frame = "\x28\xb5\x2f\xfd\x00\xa0" // a window of 1 GiB
	_, err := decode("a", strings.NewReader(frame+"\x09\x00\x00a"))
	require.EqualError(t, err,
		`decompressing it takes more than 128 MiB of memory: send the output of `+
			`"zstd -dc --long=31"`)
}

func TestProduce_SendsTheLinesOfWhatIsCompressed(t *testing.T) {
	broker := newFake(t)
	var files []string
	var want []string
	for name, encoded := range encodedTexts(t) {
		files = append(files, filepath.Join(t.TempDir(), name))
		require.NoError(t, os.WriteFile(files[len(files)-1], []byte(encoded), 0o600))
		want = append(want, strings.Split(text, "\n")...)
	}
	want = append(want, strings.Split(text, "\n")...)
	c := start(t, strings.NewReader(gzipped(t, text)),
		produceArgs(broker.addr, append(files, "-")...)...)
	require.Equal(t, exitOK, c.wait(t))
	require.ElementsMatch(t, want, values(broker.read(t)))
}

func TestProduce_SaysWhatItDoesNotSend(t *testing.T) {
	broker := newFake(t)
	archive := filepath.Join(t.TempDir(), "plays.log")
	require.NoError(t, os.WriteFile(archive, []byte("\xfd7zXZ\x00\n\n"), 0o600))
	c := start(t, strings.NewReader("a\n"+strings.Repeat("b\n", sniffed)+"c\x00\nd\x00\n"),
		produceArgs(broker.addr, "--quiet", archive, "-")...)
	require.Equal(t, exitFailed, c.wait(t))
	require.Contains(t, c.stderr.String(), archive+": not sent: it is compressed with xz")
	require.Contains(t, c.stderr.String(), "standard input:8194: contains NUL bytes")
	require.Equal(t, 1, strings.Count(c.stderr.String(), "NUL"), "once is enough")
	require.Len(t, broker.read(t), sniffed+3)

	c = start(t, nil, produceArgs(broker.addr, "--quiet", "--raw", archive)...)
	require.Equal(t, exitOK, c.wait(t))
	require.Empty(t, c.stderr.String())
	require.Contains(t, values(broker.read(t)), "\xfd7zXZ\x00")
}
