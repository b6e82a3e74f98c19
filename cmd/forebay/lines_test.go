package main

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// allLines returns what next returns until the end, errors of long lines as "!size".
func allLines(t *testing.T, l *lineReader) []string {
	t.Helper()
	var all []string
	for {
		line, err := l.next()
		if long, ok := errors.AsType[*longLineError](err); ok {
			all = append(all, "!"+long.Error())
			continue
		}
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, string(line))
	}
}

func TestLineReader_IsTheSameWhateverTheReadsReturn(t *testing.T) {
	const input = "a\r\n\nlonger than the buffer of the reader\nb\r\r\n" +
		"too long for a line, which is at most forty bytes\r\nc\n\r\nd"
	want := []string{"a", "", "longer than the buffer of the reader", "b\r", "!line of 51 bytes",
		"c", "", "d"}
	for name, r := range map[string]io.Reader{
		"at once":     strings.NewReader(input),
		"one byte":    iotest.OneByteReader(strings.NewReader(input)),
		"half":        iotest.HalfReader(strings.NewReader(input)),
		"EOF with it": iotest.DataErrReader(strings.NewReader(input)),
	} {
		t.Run(name, func(t *testing.T) {
			l := &lineReader{r: bufio.NewReaderSize(r, 16), maxBytes: 40}
			require.Equal(t, want, allLines(t, l))
		})
	}
}

func TestLineReader_LongLastLineWithoutEnd(t *testing.T) {
	l := &lineReader{r: bufio.NewReaderSize(strings.NewReader("a\n"+strings.Repeat("x", 100)), 16),
		maxBytes: 40}
	require.Equal(t, []string{"a", "!line of 100 bytes"}, allLines(t, l))
}

func TestLineReader_DropsTheLineThatAnErrorCuts(t *testing.T) {
	broken := errors.New("broken")
	for _, rest := range []string{"half", strings.Repeat("x", 30), strings.Repeat("x", 100)} {
		l := &lineReader{r: bufio.NewReaderSize(io.MultiReader(strings.NewReader("a\n"+rest),
			iotest.ErrReader(broken)), 16), maxBytes: 40}
		line, err := l.next()
		require.NoError(t, err)
		require.Equal(t, "a", string(line))
		for range 2 {
			_, err = l.next()
			require.ErrorIs(t, err, broken)
		}
	}
}

func TestLineReader_HoldsNoMoreThanTheBound(t *testing.T) {
	l := newLineReader(io.LimitReader(endless{}, 100<<20), 1<<20)
	_, err := l.next()
	require.ErrorAs(t, err, new(*longLineError))
	require.LessOrEqual(t, cap(l.long), 2<<20)
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func FuzzLineReader_AgreesWithSplit(f *testing.F) {
	f.Add("a\nb\r\n\nc")
	f.Add("\r\n\r")
	f.Fuzz(func(t *testing.T, input string) {
		var want []string
		for line := range strings.Lines(input) {
			body, ended := strings.CutSuffix(line, "\n")
			if ended {
				body = strings.TrimSuffix(body, "\r")
			}
			want = append(want, body)
		}
		l := &lineReader{r: bufio.NewReaderSize(strings.NewReader(input), 16), maxBytes: len(input)}
		require.Equal(t, want, allLines(t, l))
	})
}
