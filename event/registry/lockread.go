package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ReadLock reads the content of a lock file. The error names the line, and the subject if it is
// known, and says what to write instead.
func ReadLock(content []byte) (*Lock, error) {
	r := &lockReader{content: content, decoder: json.NewDecoder(bytes.NewReader(content))}
	if err := r.file(); err != nil {
		return nil, fmt.Errorf("line %d: %w", r.line(err), err)
	}
	return &r.lock, nil
}

// lockReader reads one entry after the other, so that it knows the line of each.
type lockReader struct {
	content []byte
	decoder *json.Decoder
	lock    Lock
	version int
}

// line returns where the reader is, or where the decoder has found err.
func (r *lockReader) line(err error) int {
	at := r.decoder.InputOffset()
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = syntax.Offset
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		at = int64(len(r.content))
	}
	read := r.content[:min(max(at, 0), int64(len(r.content)))]
	return 1 + bytes.Count(read, []byte("\n"))
}

func (r *lockReader) file() error {
	if err := r.object(r.field); err != nil {
		return err
	}
	if r.version == 0 {
		return errors.New(`"version": not set: write the file anew with forebay schema lock`)
	}
	if _, err := r.decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more text after the end: remove it")
	}
	return nil
}

// field reads the value of a key of the file.
func (r *lockReader) field(key string) error {
	switch key {
	case "version":
		if err := r.decoder.Decode(&r.version); err != nil {
			return notLock(err)
		}
		if r.version != lockVersion {
			return fmt.Errorf(`"version": %d: this program reads version %d: use the forebay `+
				"command of the same version as the library", r.version, lockVersion)
		}
		return nil
	case "registry":
		return notLock(r.decoder.Decode(&r.lock.Registry))
	case "schemas":
		return r.schemas()
	default:
		return fmt.Errorf(`%q: unknown: write "version" and "schemas"`, key)
	}
}

func (r *lockReader) schemas() error {
	if err := r.delim('['); err != nil {
		return err
	}
	for r.decoder.More() {
		entry, err := r.entry()
		if err != nil {
			return err
		}
		if id, _ := r.lock.ID(entry.Subject, entry.Fingerprint); id != 0 {
			return fmt.Errorf("subject %q: this schema is there twice, with the IDs %d and %d: "+
				"remove one", entry.Subject, id, entry.ID)
		}
		if err := r.lock.Set(entry); err != nil {
			return err
		}
	}
	return r.delim(']')
}

// entry reads a schema, key by key: of keys that are there twice, as after a merge that has kept
// both sides, a decoder would take the last.
func (r *lockReader) entry() (entry LockedSchema, err error) {
	defer func() {
		if err != nil && entry.Subject != "" {
			err = fmt.Errorf("subject %q: %w", entry.Subject, err)
		}
	}()
	fields := map[string]any{"subject": &entry.Subject, "fingerprint": &entry.Fingerprint,
		"id": &entry.ID}
	err = r.object(func(key string) error {
		field, known := fields[key]
		if !known {
			return fmt.Errorf(`%q: unknown: write "subject", "fingerprint" and "id"`, key)
		}
		return notLock(r.decoder.Decode(field))
	})
	return entry, err
}

// object reads an object. It calls field for each key, to read the value.
func (r *lockReader) object(field func(key string) error) error {
	if err := r.delim('{'); err != nil {
		return err
	}
	seen := make(map[string]bool)
	for r.decoder.More() {
		token, err := r.decoder.Token()
		if err != nil {
			return notLock(err)
		}
		key, _ := token.(string) // a key of an object is a string
		if seen[key] {
			return fmt.Errorf("%q: is there twice: remove one", key)
		}
		seen[key] = true
		if err := field(key); err != nil {
			return err
		}
	}
	return r.delim('}')
}

func (r *lockReader) delim(want json.Delim) error {
	token, err := r.decoder.Token()
	if err != nil {
		return notLock(err)
	}
	if token != want {
		return fmt.Errorf("found %v: write %v, or the file anew with forebay schema lock", token,
			want)
	}
	return nil
}

// notLock says that the file is damaged; nil stays nil.
func notLock(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("not a lock file: %w: write it anew with forebay schema lock", err)
}
