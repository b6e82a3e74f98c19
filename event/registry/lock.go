package registry

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
)

// lockVersion is the only version of the format so far.
const lockVersion = 1

// Lock is the content of a lock file: which ID the registry has given to which schema under which
// subject. "forebay schema lock" writes the file, and it is checked in beside the schemas. The zero
// Lock is empty and ready for use. A Lock is not safe for concurrent use.
type Lock struct {
	// Registry is the address of the registry that the IDs come from. The cache file has it; the
	// lock file does not.
	Registry string

	ids map[lockKey]int
}

type lockKey struct{ subject, fingerprint string }

// LockedSchema is an entry of a lock file.
type LockedSchema struct {
	Subject     string `json:"subject"`
	Fingerprint string `json:"fingerprint"` // see [Fingerprint]
	ID          int    `json:"id"`          // from 1
}

// Set adds a schema, or changes its ID. The error says what is wrong with the entry.
func (l *Lock) Set(entry LockedSchema) error {
	if err := entry.check(); err != nil {
		return err
	}
	if l.ids == nil {
		l.ids = make(map[lockKey]int)
	}
	l.ids[lockKey{entry.Subject, entry.Fingerprint}] = entry.ID
	return nil
}

// ID returns the ID of a schema under a subject. Without one, others reports whether the lock has
// other schemas under that subject: it was made for another version of the schema.
func (l *Lock) ID(subject, fingerprint string) (id int, others bool) {
	if id, ok := l.ids[lockKey{subject, fingerprint}]; ok {
		return id, false
	}
	for key := range l.ids {
		others = others || key.subject == subject
	}
	return 0, others
}

// Schemas returns the entries, ordered by subject and fingerprint.
func (l *Lock) Schemas() []LockedSchema {
	keys := slices.SortedFunc(maps.Keys(l.ids), func(a, b lockKey) int {
		return cmp.Or(cmp.Compare(a.subject, b.subject), cmp.Compare(a.fingerprint, b.fingerprint))
	})
	entries := make([]LockedSchema, 0, len(keys))
	for _, key := range keys {
		entries = append(entries, LockedSchema{key.subject, key.fingerprint, l.ids[key]})
	}
	return entries
}

// lockFile is the JSON of a lock file.
type lockFile struct {
	Version  int            `json:"version"`
	Registry string         `json:"registry,omitempty"`
	Schemas  []LockedSchema `json:"schemas"`
}

// Bytes returns the lock file: JSON with a line for each value, always the same for the same
// content.
func (l *Lock) Bytes() []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	// Only strings and numbers are encoded, and a buffer takes everything.
	_ = encoder.Encode(lockFile{lockVersion, l.Registry, l.Schemas()})
	return out.Bytes()
}

func (e LockedSchema) check() error {
	switch {
	case e.Subject == "":
		return fmt.Errorf("subject: empty: write the subject of the schema, such as plays-value")
	case e.Fingerprint == "":
		return fmt.Errorf("subject %q: fingerprint: empty: write the file anew", e.Subject)
	case !validID(e.ID):
		return fmt.Errorf("subject %q: id: %d: write the ID that the registry has given, a number "+
			"from 1 to %d", e.Subject, e.ID, math.MaxInt32)
	}
	return nil
}
