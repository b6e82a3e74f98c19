package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// input is what produce reads: one file after the other.
type input struct {
	sources []source
	total   int64        // bytes; 0 if unknown, as of a pipe
	read    atomic.Int64 // bytes
	typed   bool         // whether standard input is a terminal
}

// source is one file.
type source struct {
	name string
	r    io.Reader
}

// newInput returns the input in the named files; "-", or no name at all, means stdin. The error
// names every missing file. A file is opened when it is read.
func newInput(names []string, stdin io.Reader) (*input, error) {
	if len(names) == 0 {
		names = []string{"-"}
	}
	in := new(input)
	known := true
	var errs []error
	for _, name := range names {
		src, info, err := newSource(name, stdin)
		if err != nil {
			errs = append(errs, fmt.Errorf("cannot read %s: %w", name, err))
			continue
		}
		in.typed = in.typed || name == "-" && isTerminal(stdin)
		if known = known && info != nil && info.Mode().IsRegular(); known {
			in.total += info.Size()
		}
		in.sources = append(in.sources, src)
	}
	if !known {
		in.total = 0
	}
	return in, errors.Join(errs...)
}

// newSource returns the source called name, and what is known of its file: nil for a reader that is
// no file.
func newSource(name string, stdin io.Reader) (src source, info os.FileInfo, err error) {
	if name == "-" {
		src = source{name: "standard input", r: stdin}
		if f, ok := stdin.(*os.File); ok {
			info, err = f.Stat()
		}
	} else {
		src = source{name: name, r: &lazyFile{name: name}}
		if info, err = os.Stat(name); err == nil && info.IsDir() {
			err = errors.New("it is a directory: name the files in it")
		}
	}
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		err = pe.Err // the caller names the file
	}
	return src, info, err
}

// open returns a reader of src that counts bytes and stops when ctx ends.
func (in *input) open(ctx context.Context, src source) io.Reader {
	return countingReader{newInterruptible(ctx, src.r), &in.read}
}

type countingReader struct {
	r io.Reader
	n *atomic.Int64
}

func (c countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// lazyFile is a file that the first Read opens (a named pipe then waits for a writer) and the first
// failing Read closes.
type lazyFile struct {
	name string
	f    *os.File
}

func (l *lazyFile) Read(p []byte) (int, error) {
	if l.f == nil {
		f, err := os.Open(l.name)
		if err != nil {
			return 0, err
		}
		l.f = f
	}
	n, err := l.f.Read(p)
	if err != nil {
		_ = l.f.Close()
	}
	return n, err
}
