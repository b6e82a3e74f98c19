package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/dustin/go-humanize"
)

// byteSize is the value of a flag such as 64MiB or 100MB.
type byteSize int64

// String returns the size in the form that Set reads.
func (b *byteSize) String() string { return humanize.IBytes(uint64(*b)) }

// Type names the value in the help.
func (b *byteSize) Type() string { return "size" }

// Set reads a number of bytes, with a unit or without.
func (b *byteSize) Set(text string) error {
	n, err := humanize.ParseBytes(text)
	if err != nil || strings.Contains(text, ",") || n == 0 || n > math.MaxInt64 {
		return fmt.Errorf("write a size above zero, such as 64MiB")
	}
	*b = byteSize(n)
	return nil
}
