package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// foreignError reports an input that holds no lines of text, and says what to do. Nothing of it was
// sent.
type foreignError struct{ text string }

// Error returns the error in words.
func (e *foreignError) Error() string { return e.text }

// newForeignError returns an error for an input that tool can turn into text.
func newForeignError(found, tool string) error {
	return &foreignError{fmt.Sprintf("%s, which forebay cannot read: send the output of %q, or "+
		"use --raw to send the bytes unchanged", found, tool)}
}

// decoder reads an input as UTF-8 text without a byte order mark. It decompresses and converts by
// the first bytes of the input. It waits for no more bytes than it needs to tell the format, since
// somebody may be typing.
type decoder struct {
	name   string
	in     io.Reader
	out    io.Reader // what Read reads; nil before the first Read
	closer func()
}

func newDecoder(name string, in io.Reader) *decoder {
	return &decoder{name: name, in: in, closer: func() {}}
}

// Read reads decoded text. The error is a *foreignError if the input cannot be decoded.
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

// close frees what decoding holds. It does not close the input.
func (d *decoder) close() { d.closer() }

// open returns a reader of the text in r. within reports whether r is already the content of
// compressed data.
func (d *decoder) open(r io.Reader, within bool) (io.Reader, error) {
	head, err := sniff(r)
	if err != nil && !errors.Is(err, io.EOF) {
		return io.MultiReader(bytes.NewReader(head), failed{err}), nil
	}
	whole := io.MultiReader(bytes.NewReader(head), r)
	if f, ok := formatOf(head); ok {
		return d.decompress(f, whole, within)
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
	return whole, d.requireText(head, within)
}

// decompress returns a reader of the text in whole, which is compressed as f.
func (d *decoder) decompress(f format, whole io.Reader, within bool) (io.Reader, error) {
	if f.open == nil {
		return nil, newForeignError("it is compressed with "+f.name, f.tool)
	}
	if within {
		return nil, &foreignError{"it is compressed twice (" + f.name + " within): decompress it " +
			"once before, or use --raw to send the bytes unchanged"}
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

// requireText returns an error if an input that begins with head is not text.
func (d *decoder) requireText(head []byte, within bool) error {
	tool := unmarked[strings.ToLower(filepath.Ext(d.name))]
	switch {
	case tool != "" && !within && !utf8.Valid(head):
		return newForeignError("it is not text, and its name says that it is compressed", tool)
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return newForeignError("it is a tar archive", "tar -xO -f")
	case bytes.IndexByte(head, 0) >= 0:
		return &foreignError{"it contains NUL bytes, so it is binary, or UTF-16 without a byte " +
			"order mark: convert it with iconv -t UTF-8, or use --raw to send the bytes unchanged"}
	}
	return nil
}

// failed is a reader that has failed.
type failed struct{ err error }

// Read returns the error.
func (f failed) Read([]byte) (int, error) { return 0, f.err }
