package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// lineReader cuts a stream into lines. It holds one line of at most maxBytes at a time.
type lineReader struct {
	r        *bufio.Reader
	maxBytes int
	long     []byte // a line longer than the buffer of r; reused
	// what ended the stream, which is not read again: a terminal would ask for a second Ctrl-D
	err error
}

// longLineError reports a line above the bound. The lines after it can still be read.
type longLineError struct{ size int64 }

// Error returns the error in words.
func (e *longLineError) Error() string { return fmt.Sprintf("line of %d bytes", e.size) }

func newLineReader(r io.Reader, maxBytes int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 64<<10), maxBytes: maxBytes}
}

// next returns the next line without its end ("\n" or "\r\n"); it is valid until the next call. The
// last line may lack its end. The error is a *longLineError for a skipped line, io.EOF after the
// last line, or that of the reader below; a line that it cuts in two is dropped.
func (l *lineReader) next() ([]byte, error) {
	if l.err != nil {
		return nil, l.err
	}
	line, err := l.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return l.nextLong(line)
	}
	return l.finish(line, err)
}

// nextLong reads the rest of a line that begins with head.
func (l *lineReader) nextLong(head []byte) ([]byte, error) {
	l.long = append(l.long[:0], head...)
	size := int64(len(head))
	for {
		part, err := l.r.ReadSlice('\n')
		size += int64(len(part))
		if size <= int64(l.maxBytes) {
			l.long = append(l.long, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if size > int64(l.maxBytes) && (err == nil || err == io.EOF) {
			l.err = err
			return nil, &longLineError{size}
		}
		return l.finish(l.long, err)
	}
}

func (l *lineReader) finish(line []byte, err error) ([]byte, error) {
	l.err = err
	if body, ok := bytes.CutSuffix(line, []byte("\n")); ok {
		return bytes.TrimSuffix(body, []byte("\r")), nil
	}
	if errors.Is(err, io.EOF) && len(line) > 0 {
		return line, nil
	}
	return nil, err
}
