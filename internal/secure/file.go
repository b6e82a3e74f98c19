package secure

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"go.uber.org/zap"
)

// maxFile bounds what is read of a file, in bytes. The certificates that a system trusts are a
// quarter of it.
const maxFile = 1 << 20

// File is what a file means, which is found out again when its bytes have changed. It is safe for
// concurrent use.
type File[T any] struct {
	paths []string
	field string // the setting that names it
	parse func(texts [][]byte) (T, error)
	log   *zap.Logger

	// guards what follows; held while the file is read, as all who come want the same
	mu      sync.Mutex
	texts   [][]byte
	meaning T
	known   bool // something was read
	stale   bool // but not the last time
}

// NewFile returns a file, or several that mean something together only. It does no I/O. Parse must
// not put anything of the text into its error.
func NewFile[T any](log *zap.Logger, field string, parse func(texts [][]byte) (T, error),
	paths ...string) *File[T] {
	return &File[T]{paths: paths, field: field, parse: parse, log: log}
}

// Get returns what the file means now, or what it meant when it could be read last.
func (f *File[T]) Get() (T, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.readLocked()
	if err != nil && !f.known {
		return f.meaning, &Error{f.field, err}
	}
	if stale := err != nil; stale != f.stale {
		f.stale = stale
		if stale {
			f.log.Warn("credentials cannot be read again: those that were read before are used",
				zap.String("setting", f.field), zap.Error(err))
		} else {
			f.log.Info("credentials can be read again", zap.String("setting", f.field))
		}
	}
	return f.meaning, nil
}

func (f *File[T]) readLocked() error {
	texts := make([][]byte, len(f.paths))
	same := f.known
	for i, path := range f.paths {
		text, err := read(path)
		if err != nil {
			return err
		}
		texts[i] = text
		same = same && bytes.Equal(text, f.texts[i])
	}
	if same {
		return nil
	}
	meaning, err := f.parse(texts)
	if err != nil {
		return fmt.Errorf("%s: %w", f.paths[0], err)
	}
	f.texts, f.meaning, f.known = texts, meaning, true
	return nil
}

func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxFile:
		return nil, fmt.Errorf("%s: larger than 1 MiB", path)
	}
	return text, nil
}

// Word returns a file that holds one word: a password, a token, a name. White space around it is
// not part of it.
func Word(log *zap.Logger, field, path string) *File[string] {
	return NewFile(log, field, func(texts [][]byte) (string, error) {
		word := bytes.TrimSpace(texts[0])
		if len(word) == 0 {
			return "", errors.New("it is empty")
		}
		return string(word), nil
	}, path)
}
