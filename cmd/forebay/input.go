package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// input is what produce reads: files one after the other.
type input struct {
	sources []source
	total   int64        // bytes, or 0 if that cannot be known, as with a pipe
	read    atomic.Int64 // bytes
	typed   bool         // some of it is typed in a terminal
}

// source is one file.
type source struct {
	name string
	r    io.Reader
}

// newInput returns the input of the files that are named, "-" and no file at all being stdin. The
// error names those that are not there. Nothing is opened before it is read.
func newInput(names []string, stdin io.Reader) (*input, error) {
	if len(names) == 0 {
		names = []string{"-"}
	}
	in := new(input)
	known := true
	var errs []error
	for _, name := range names {
		var info os.FileInfo
		var err error
		src := source{name: name, r: &lazyFile{name: name}}
		if name == "-" {
			src = source{name: "standard input", r: stdin}
			in.typed = isTerminal(stdin)
			if f, ok := stdin.(*os.File); ok {
				info, err = f.Stat()
			}
		} else if info, err = os.Stat(name); err == nil && info.IsDir() {
			err = fmt.Errorf("read %s: is a directory", name)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
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

// open returns a reader of src that counts, and that the end of ctx interrupts.
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

// lazyFile is a file that is opened by the first Read, for which a named pipe waits until somebody
// writes to it, and closed by the one that fails.
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
