package main

import (
	"bytes"
	"errors"
	"io"

	"github.com/forebay-go/forebay/cmd/forebay/internal/capture"
)

// openCapture begins to read the capture in r, which may be compressed. The caller calls free when
// it has read.
func openCapture(r io.Reader) (reader *capture.Reader, free func(), err error) {
	head, err := sniff(r)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	text := io.MultiReader(bytes.NewReader(head), r)
	free = func() {}
	if f, ok := formatOf(head); ok && f.open != nil {
		opened, err := f.open(text)
		if err != nil {
			return nil, nil, compressed{f.name, nil}.explain(err)
		}
		if c, ok := opened.(io.Closer); ok {
			free = func() { _ = c.Close() }
		}
		text = compressed{f.name, opened}
	}
	if reader, err = capture.NewReader(text); err != nil {
		free()
		return nil, nil, err
	}
	return reader, free, nil
}
