package capture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// longestLine bounds a line, in bytes. No broker takes a record that needs more by default: text
// takes up to six times its size.
const longestLine = 128 << 20

// Reader reads a capture.
type Reader struct {
	lines   *bufio.Scanner
	number  int // of the line that was read last, from 1
	header  Header
	trailer Trailer
	records uint64
	failed  error // what ended reading
}

// LineError says what is wrong with a line of a capture.
type LineError struct {
	Line int // from 1
	Err  error
}

// Error returns the number of the line, and what is wrong.
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *LineError) Unwrap() error { return e.Err }

// NewReader reads the header. Its error is a *LineError.
func NewReader(r io.Reader) (*Reader, error) {
	reader := &Reader{lines: bufio.NewScanner(r)}
	reader.lines.Buffer(nil, longestLine)
	line, err := reader.line()
	if errors.Is(err, io.EOF) {
		err = errors.New("it is empty, so it is no capture: name a file that \"forebay audit " +
			"record\" has written")
	}
	if err == nil {
		err = reader.readHeader(line)
	}
	if err != nil {
		return nil, &LineError{max(reader.number, 1), err}
	}
	return reader, nil
}

// readHeader reads the first line. Fields of later versions do no harm before the version is known.
func (r *Reader) readHeader(line []byte) error {
	if err := json.Unmarshal(line, &r.header); err != nil || r.header.Version == 0 {
		return errors.New("it is not the header of a capture: name a file that \"forebay audit " +
			"record\" has written")
	}
	if r.header.Version != Version {
		return fmt.Errorf("the capture has format %d, and this program reads %d: use the version "+
			"of forebay that has written it", r.header.Version, Version)
	}
	return nil
}

// Header returns the first line.
func (r *Reader) Header() Header { return r.header }

// Trailer returns the last line. It is known once Next has returned io.EOF.
func (r *Reader) Trailer() Trailer { return r.trailer }

// Next returns the next record. The caller may keep it. The error is io.EOF after the last record
// of a capture that is whole, else a *LineError.
func (r *Reader) Next() (Record, error) {
	if r.failed != nil {
		return Record{}, r.failed
	}
	rec, err := r.next()
	if err != nil && !errors.Is(err, io.EOF) {
		err = &LineError{r.number, err}
	}
	r.failed = err
	return rec, err
}

func (r *Reader) next() (rec Record, err error) {
	line, err := r.line()
	if errors.Is(err, io.EOF) {
		r.number++
		return rec, errors.New("the capture is truncated: its last line, with the number of its " +
			"records, is missing")
	}
	if err != nil {
		return rec, err
	}
	var parsed struct {
		recordLine
		Records  *uint64 `json:"records"`
		Complete bool    `json:"complete"`
	}
	if err := decode(line, &parsed); err != nil {
		return rec, err
	}
	if parsed.Records != nil {
		r.trailer = Trailer{*parsed.Records, parsed.Complete}
		return rec, r.end()
	}
	r.records++
	return parsed.record()
}

// end returns io.EOF if the last line fits what was read, and nothing follows it.
func (r *Reader) end() error {
	if r.trailer.Records != r.records {
		return fmt.Errorf("the capture is damaged: it has %d records, and had %d when it was "+
			"written", r.records, r.trailer.Records)
	}
	switch _, err := r.line(); {
	case errors.Is(err, io.EOF):
		return io.EOF
	case err != nil:
		return err
	}
	return errors.New("more follows the last line of the capture: cut it off")
}

// line returns the next line, or io.EOF.
func (r *Reader) line() ([]byte, error) {
	if !r.lines.Scan() {
		err := r.lines.Err()
		if err == nil {
			return nil, io.EOF
		}
		r.number++
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("it has more than %d bytes, so it is no record of a capture",
				longestLine)
		}
		return nil, err
	}
	r.number++
	if line := r.lines.Bytes(); utf8.Valid(line) {
		return line, nil
	}
	return nil, errors.New("it is not UTF-8, so the capture is damaged")
}

// decode reads line, which is one JSON object without unknown fields.
func decode(line []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("it ends before its JSON does")
		}
		return fmt.Errorf("it is no record of a capture: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("it is no record of a capture: more follows its JSON")
	}
	return nil
}
