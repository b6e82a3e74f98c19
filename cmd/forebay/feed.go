package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/dustin/go-humanize"
	"golang.org/x/time/rate"

	"github.com/forebay-go/forebay/producer"
)

// feed sends the lines of an input.
type feed struct {
	send      func(producer.Record) error
	pending   func() uint64 // records that have no outcome yet
	room      *room
	pace      *rate.Limiter   // nil: no bound
	record    producer.Record // the fields that all records share
	separator []byte          // between key and value; empty if lines have no keys
	largest   int             // the largest record, in bytes; longer lines are skipped
	raw       bool            // do not decode the input
	say       func(string)

	tooLarge atomic.Uint64 // lines that were too large to send
	unread   atomic.Uint64 // files that were not read to their end
}

// run sends every line of in, and waits while the buffer is full. It returns nil at the end of the
// input, the error of ctx if that ends first, or the error of Send if no line can be sent. Lines
// that are too large and files that cannot be read are reported, counted and skipped.
func (f *feed) run(ctx context.Context, in *input) error {
	for _, src := range in.sources {
		if err := f.open(ctx, src.name, in.open(ctx, src)); err != nil {
			return err
		}
	}
	return nil
}

// open sends the lines of the input r called name, decoded unless raw is set.
func (f *feed) open(ctx context.Context, name string, r io.Reader) error {
	if f.raw {
		return f.runSource(ctx, name, r)
	}
	d := newDecoder(name, r)
	defer d.close()
	return f.runSource(ctx, name, d)
}

func (f *feed) runSource(ctx context.Context, name string, r io.Reader) error {
	// the longest line that can be a record: its separator and its end are not sent
	lines := newLineReader(r, f.largest+len(f.separator)+len("\r\n"))
	warned := f.raw // of NUL bytes
	for number := 1; ; number++ {
		line, err := lines.next()
		switch long, ok := errors.AsType[*longLineError](err); {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, io.EOF):
			return nil
		case ok:
			f.refuse(name, number, long.size, int64(f.largest), "a record")
			continue
		case err != nil:
			f.leave(name, err)
			return nil
		}
		if !warned && bytes.IndexByte(line, 0) >= 0 {
			warned = true
			f.say(fmt.Sprintf("%s:%d: contains NUL bytes, so it may not be text: this line and "+
				"others like it are sent unchanged", name, number))
		}
		if err := f.putOrRefuse(ctx, name, number, line); err != nil {
			return err
		}
	}
}

// leave reports and counts an input that cannot be read (any further).
func (f *feed) leave(name string, err error) {
	what := "not read to its end"
	if _, ok := errors.AsType[*foreignError](err); ok {
		what = "not sent"
	}
	f.unread.Add(1)
	f.say(fmt.Sprintf("%s: %s: %v", name, what, err))
}

// putOrRefuse sends line when its turn has come, or refuses it if it is too large.
func (f *feed) putOrRefuse(ctx context.Context, name string, number int, line []byte) error {
	if err := await(ctx, f.pace); err != nil {
		return err
	}
	err := f.put(ctx, line)
	e, ok := errors.AsType[*producer.SendError](err)
	if !ok || !neverFits(err) {
		return err
	}
	of := "a record"
	if errors.Is(err, producer.ErrBufferFull) {
		of = "--buffer"
	}
	f.refuse(name, number, max(e.Size, int64(len(line))), e.Limit, of)
	return nil
}

// neverFits reports whether a line was refused because it is too large.
func neverFits(err error) bool {
	return errors.Is(err, producer.ErrRecordTooLarge) || errors.Is(err, producer.ErrBufferFull)
}

// refuse reports and counts a line of size bytes that exceeds limit, the bound of a record or of
// --buffer.
func (f *feed) refuse(name string, number int, size, limit int64, of string) {
	f.tooLarge.Add(1)
	f.say(fmt.Sprintf("%s:%d: not sent: %s bytes exceed the %s bytes of %s", name, number,
		humanize.Comma(size), humanize.Comma(limit), of))
}

// put sends line as soon as the buffer has room for it. ErrBufferFull means that it never will.
func (f *feed) put(ctx context.Context, line []byte) error {
	rec := f.record
	rec.Key, rec.Value = split(line, f.separator)
	return f.room.put(ctx, rec, f.send, f.pending)
}

// split cuts line at the first separator. Without a separator the key is nil, which is not the same
// as an empty key.
func split(line, separator []byte) (key, value []byte) {
	if len(separator) > 0 {
		if k, v, ok := bytes.Cut(line, separator); ok {
			return nonNil(k), nonNil(v)
		}
	}
	return nil, nonNil(line)
}

// nonNil returns b, or an empty slice for nil: a null value deletes its key from a compacted topic.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
