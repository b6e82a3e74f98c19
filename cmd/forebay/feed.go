package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/dustin/go-humanize"

	"github.com/forebay-go/forebay/producer"
)

// feed sends the lines of an input.
type feed struct {
	send      func(producer.Record) error
	pending   func() uint64 // records that have no outcome yet
	room      *room
	record    producer.Record // what all records have in common
	separator []byte          // empty: no line has a key
	largest   int             // record, in bytes; a line that is longer is not even kept
	raw       bool            // the input is not decoded
	say       func(string)

	tooLarge atomic.Uint64 // lines that were not sent for their size
	unread   atomic.Uint64 // files that were not read to their end
}

// run sends every line of in, waiting where the buffer is full. It returns nil at the end of the
// input, the error of ctx when that ends before, and the error of Send when no line can be sent.
// Lines that are too large and files that cannot be read are told and counted, and the rest goes
// on.
func (f *feed) run(ctx context.Context, in *input) error {
	for _, src := range in.sources {
		if err := f.open(ctx, src.name, in.open(ctx, src)); err != nil {
			return err
		}
	}
	return nil
}

func (f *feed) open(ctx context.Context, name string, r io.Reader) error {
	if f.raw {
		return f.runSource(ctx, name, r)
	}
	d := newDecoder(name, r)
	defer d.close()
	return f.runSource(ctx, name, d)
}

func (f *feed) runSource(ctx context.Context, name string, r io.Reader) error {
	// The longest line that can be a record, and its end: the separator is not sent.
	lines := newLineReader(r, f.largest+len(f.separator)+len("\r\n"))
	binary := f.raw // it is known, or nobody minds
	for number := 1; ; number++ {
		line, err := lines.next()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if long, ok := errors.AsType[*longLineError](err); ok {
			f.refuse(name, number, long.size, int64(f.largest), "a record")
			continue
		}
		if err != nil {
			what := "not read to its end"
			if _, ok := errors.AsType[*foreignError](err); ok {
				what = "not sent"
			}
			f.unread.Add(1)
			f.say(fmt.Sprintf("%s: %s: %v", name, what, err))
			return nil
		}
		if !binary && bytes.IndexByte(line, 0) >= 0 {
			binary = true
			f.say(fmt.Sprintf("%s:%d: contains NUL bytes, so it may not be text: it is sent "+
				"unchanged, and so are other such lines", name, number))
		}
		err = f.put(ctx, line)
		if e, ok := errors.AsType[*producer.SendError](err); ok && neverFits(err) {
			of := "a record"
			if errors.Is(err, producer.ErrBufferFull) {
				of = "--buffer"
			}
			f.refuse(name, number, max(e.Size, int64(len(line))), e.Limit, of)
		} else if err != nil {
			return err
		}
	}
}

// neverFits reports whether a line was refused for its size.
func neverFits(err error) bool {
	return errors.Is(err, producer.ErrRecordTooLarge) || errors.Is(err, producer.ErrBufferFull)
}

// refuse tells and counts a line that does not fit into limit bytes, of a record or of --buffer.
func (f *feed) refuse(name string, number int, size, limit int64, of string) {
	f.tooLarge.Add(1)
	f.say(fmt.Sprintf("%s:%d: not sent: %s bytes are too large for %s of %s bytes", name, number,
		humanize.Comma(size), of,
		humanize.Comma(limit)))
}

// put sends line, as soon as there is room for it. ErrBufferFull means that there never will be.
func (f *feed) put(ctx context.Context, line []byte) error {
	rec := f.record
	rec.Key, rec.Value = split(line, f.separator)
	for alone := 0; ; alone++ {
		err := f.send(rec)
		if !errors.Is(err, producer.ErrBufferFull) {
			return err
		}
		if f.pending() > 0 {
			alone = 0
		} else if alone == 10 { // a second has passed with nothing else in the buffer
			return err
		}
		if err := f.room.wait(ctx); err != nil {
			return err
		}
	}
}

// split cuts line at the first separator. Without one there is no key, which is not the same as an
// empty one.
func split(line, separator []byte) (key, value []byte) {
	if len(separator) > 0 {
		if k, v, ok := bytes.Cut(line, separator); ok {
			return nonNil(k), nonNil(v)
		}
	}
	return nil, nonNil(line)
}

// nonNil returns b, or an empty slice: in Kafka nil is null, which deletes a key from a compacted
// topic.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
