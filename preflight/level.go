package preflight

import "fmt"

// Level says how serious a finding is. Higher levels are more serious.
type Level uint8

// The levels.
const (
	OK      Level = iota // nothing has to be done
	Warning              // records are delivered, but something is not as it should be
	Problem              // some records will wait or be lost
)

var levels = [...]string{OK: "ok", Warning: "warning", Problem: "problem"}

// String returns "ok", "warning" or "problem", or the number of a level that does not exist.
func (l Level) String() string {
	if int(l) < len(levels) {
		return levels[l]
	}
	return fmt.Sprintf("level(%d)", uint8(l))
}

// MarshalText writes the level in a word.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads "ok", "warning" or "problem".
func (l *Level) UnmarshalText(text []byte) error {
	for i, word := range levels {
		if word == string(text) {
			*l = Level(i)
			return nil
		}
	}
	return fmt.Errorf("unknown level %q: write ok, warning or problem", text)
}
